/* SPDX-License-Identifier: MIT
 *
 * Every function of the library that can be called with a server.
 */
#include "stage.h"

static void close_server(struct stage *stage, struct prong_server *server)
{
    (void)stage;
    (void)prong_server_close(server);
}

static void close_and_listen(struct stage *stage, struct prong_server *server)
{
    (void)prong_server_close(server);
    (void)!prong_server_listen_address(server, &stage->address, NULL);
}

static void listen_on_name(struct stage *stage, struct prong_server *server)
{
    (void)stage;
    (void)prong_server_close(server);
    (void)!prong_server_listen(server, "localhost", 0, NULL);
}

static void listen_with_own_resolver(struct stage *stage, struct prong_server *server)
{
    struct prong_listen_options options;

    prong_listen_options_init(&options);
    options.resolve = stage_resolve;
    options.resolve_user = stage;
    (void)prong_server_close(server);
    (void)!prong_server_listen(server, "prong.invalid", 0, &options);
}

static void listen_in_vain(struct stage *stage, struct prong_server *server)
{
    (void)stage;
    (void)!prong_server_listen(server, "192.0.2.1", 1, NULL);
    (void)!prong_server_listen_fd(server, -1, 0);
}

static void free_server(struct stage *stage, struct prong_server *server)
{
    stage->server = NULL;
    prong_server_free(server);
}

static void close_all(struct stage *stage, struct prong_server *server)
{
    (void)stage;
    prong_server_close_all(server);
}

static bool visit_and_end(struct prong_socket *socket, void *user)
{
    (void)user;
    (void)prong_socket_end(socket);
    return true;
}

static void visit(struct stage *stage, struct prong_server *server)
{
    prong_server_each_connection(server, visit_and_end, stage);
}

static void pause_server(struct stage *stage, struct prong_server *server)
{
    (void)stage;
    prong_server_pause(server);
}

static void resume_server(struct stage *stage, struct prong_server *server)
{
    (void)stage;
    prong_server_pause(server);
    prong_server_resume(server);
}

static void take_paused(struct stage *stage, struct prong_server *server)
{
    (void)stage;
    prong_server_pause(server);
    prong_server_take(server, 3);
}

static void make_exclusive(struct stage *stage, struct prong_server *server)
{
    (void)stage;
    (void)prong_server_set_exclusive(server);
    (void)prong_server_is_exclusive(server);
}

static void admit_nobody(struct stage *stage, struct prong_server *server)
{
    (void)stage;
    prong_server_set_max_connections(server, 0);
}

static void admit_everybody(struct stage *stage, struct prong_server *server)
{
    (void)stage;
    prong_server_set_max_connections(server, -1);
}

static void block_everybody(struct stage *stage, struct prong_server *server)
{
    (void)server;
    (void)!prong_block_list_add_cidr(stage->list, "::/0");
}

static void unref_server(struct stage *stage, struct prong_server *server)
{
    (void)stage;
    prong_server_ref(server);
    prong_server_unref(server);
}

static void ask_server(struct stage *stage, struct prong_server *server)
{
    struct prong_address address;

    (void)prong_server_address(server, &address);
    (void)prong_server_is_listening(server);
    (void)prong_server_connections(server);
    (void)prong_server_max_connections(server);
    (void)prong_server_counters(server);
    (void)prong_server_user(server);
    (void)prong_server_loop(server);
    (void)prong_server_fd(server);
    (void)prong_loop_free(stage->loop); /* -EBUSY */
    prong_timer_start(stage->timer, 0, 0);
}

static void use_the_loop(struct stage *stage, struct prong_server *server)
{
    (void)server;
    (void)!prong_loop_set_name_servers(stage->loop, "127.0.0.1:1");
    (void)prong_loop_ev(stage->loop);
    (void)prong_loop_objects(stage->loop);
    (void)prong_loop_bytes_queued(stage->loop);
    (void)prong_loop_epoll_fd(stage->loop);
}

static void use_the_timer(struct stage *stage, struct prong_server *server)
{
    (void)server;
    prong_timer_start(stage->timer, 0, 1);
    prong_timer_unref(stage->timer);
    prong_timer_stop(stage->timer);
    (void)prong_timer_is_active(stage->timer);
    prong_timer_ref(stage->timer);
    prong_timer_start(stage->timer, 0, 0);
}

#define CALL(function)                             \
    {                                              \
        .name = #function, .on_server = (function) \
    }

const struct call server_calls[] = {
    CALL(close_server),    CALL(close_and_listen),
    CALL(listen_on_name),  CALL(listen_with_own_resolver),
    CALL(listen_in_vain),  CALL(free_server),
    CALL(close_all),       CALL(visit),
    CALL(pause_server),    CALL(resume_server),
    CALL(take_paused),     CALL(make_exclusive),
    CALL(admit_nobody),    CALL(admit_everybody),
    CALL(block_everybody), CALL(unref_server),
    CALL(ask_server),      CALL(use_the_loop),
    CALL(use_the_timer),
};

const size_t server_call_count = sizeof(server_calls) / sizeof(server_calls[0]);
