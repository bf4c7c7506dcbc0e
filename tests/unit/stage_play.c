/* SPDX-License-Identifier: MIT
 *
 * What happens on the stage, scene by scene.  A call may have taken away whatever a scene needs:
 * then it is shorter.
 */
#include "stage.h"

#include <ev.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

static const char bytes[400000];

static void turn(struct stage *stage, int times)
{
    for (int i = 0; i < times; i++)
        ev_run(stage->ev, EVRUN_NOWAIT);
}

/* Until it has happened.  A call may prevent it, but not that at which it is made. */
static void turn_until_seen(struct stage *stage, enum event event)
{
    ev_tstamp patience = stage->at == event && stage->made == 0 ? 5. : 0.005;

    for (ev_tstamp end = ev_time() + patience; !stage->seen[event] && ev_time() < end;)
        turn(stage, 1);
}

/* --- Scenes --- */

static void set_up(struct stage *stage)
{
    struct prong_server_options options;

    stage->ev = ev_loop_new(EVBACKEND_EPOLL | EVFLAG_NOENV);
    stage->loop = prong_loop_new(stage->ev);
    stage->list = prong_block_list_new();
    stage->timer = prong_timer_new(stage->loop, stage_on_timer, stage);
    prong_server_options_init(&options);
    options.socket_events = &stage_events;
    options.socket_user = stage;
    options.block_list = stage->list;
    stage->server = prong_server_new(stage->loop, &options, &stage_server_events, stage);
    assert_non_null(stage->server);
}

static void listen_and_wait(struct stage *stage)
{
    assert_int_equal(prong_server_listen(stage->server, "127.0.0.1", 0, NULL), 0);
    assert_int_equal(prong_server_address(stage->server, &stage->address), 0);
    prong_timer_start(stage->timer, 0, 0);
    turn(stage, 3);
}

static void enter_client(struct stage *stage, const struct prong_socket_events *events)
{
    struct prong_socket_options options;

    prong_socket_options_init(&options);
    options.connect.resolve = stage_resolve;
    options.connect.resolve_user = stage;
    stage->accepted = NULL;
    stage->client = prong_socket_new(stage->loop, &options, events, stage);
    stage_adopt(stage, stage->client);
}

static void connect_by_name(struct stage *stage)
{
    enter_client(stage, &stage_events);
    assert_int_equal(prong_socket_connect(stage->client, "example", stage->address.port), 0);
    assert_true(prong_socket_write_then(stage->client, "hello", 5, stage_on_written, stage) >= 0);
    turn(stage, 8);
}

/* More than the kernel takes, to one who does not read at first. */
static void fill_and_drain(struct stage *stage)
{
    static const int small = 4096;

    if (stage->client != NULL)
        prong_socket_pause(stage->client);
    if (stage->accepted != NULL) {
        (void)setsockopt(prong_socket_fd(stage->accepted), SOL_SOCKET, SO_SNDBUF, &small,
                         sizeof(small));
        (void)prong_socket_write(stage->accepted, bytes, sizeof(bytes));
    }
    turn(stage, 3);
    if (stage->client != NULL)
        prong_socket_resume(stage->client);
    turn(stage, 60);
}

static void be_idle(struct stage *stage)
{
    if (stage->client == NULL)
        return;
    (void)prong_socket_set_timeout(stage->client, 1);
    turn_until_seen(stage, SOCKET_TIMEOUT);
    if (stage->client != NULL)
        (void)prong_socket_set_timeout(stage->client, 0);
}

static void be_too_many(struct stage *stage)
{
    struct sockaddr_storage storage;
    socklen_t length;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    if (stage->server != NULL)
        prong_server_set_max_connections(stage->server, 0);
    assert_int_equal(prong_address_to_sockaddr(&stage->address, &storage, &length), 0);
    (void)connect(fd, (struct sockaddr *)&storage, length);
    turn(stage, 3);
    close(fd);
    if (stage->server != NULL)
        prong_server_set_max_connections(stage->server, -1);
}

/* While the other one is paused, so that it hears of it. */
static void part(struct stage *stage)
{
    if (stage->accepted != NULL)
        prong_socket_pause(stage->accepted);
    turn(stage, 2);
    if (stage->client != NULL) {
        (void)prong_socket_write(stage->client, "bye", 3);
        (void)prong_socket_end(stage->client);
    }
    turn(stage, 4);
    if (stage->accepted != NULL)
        prong_socket_resume(stage->accepted);
    turn(stage, 6);
}

/* Reads into its own buffers, and is reset. */
static void be_reset(struct stage *stage)
{
    enter_client(stage, &stage_buffer_events);
    assert_int_equal(prong_socket_connect_address(stage->client, &stage->address), 0);
    turn(stage, 6);
    if (stage->accepted != NULL)
        (void)prong_socket_write(stage->accepted, "hello", 5);
    turn(stage, 3);
    if (stage->accepted != NULL)
        (void)prong_socket_reset(stage->accepted);
    turn(stage, 4);
}

static void close_and_fail(struct stage *stage)
{
    if (stage->server != NULL)
        (void)prong_server_close(stage->server);
    turn(stage, 3);
    if (stage->server != NULL)
        (void)!prong_server_listen(stage->server, "192.0.2.1", 1, NULL);
    turn(stage, 3);
}

static void be_refused(struct stage *stage)
{
    enter_client(stage, &stage_events);
    assert_int_equal(prong_socket_connect_address(stage->client, &stage->address), 0);
    turn(stage, 4);
}

/* --- The end --- */

static void destroy_all(struct stage *stage)
{
    stage->made = MAX_CALLS;
    for (size_t i = 0; i < ACTORS; i++) {
        if (stage->actors[i] != NULL)
            prong_socket_destroy(stage->actors[i], 0);
    }
    if (stage->server != NULL)
        prong_server_close_all(stage->server);
    turn(stage, 4);
}

static void tear_down(struct stage *stage)
{
    destroy_all(stage);
    for (size_t i = 0; i < stage->held_count; i++) {
        assert_int_equal(prong_socket_fd(stage->held[i]), -1);
        assert_int_equal(prong_socket_write(stage->held[i], "x", 1), PRONG_EDESTROYED);
        prong_socket_release(stage->held[i]);
    }
    for (size_t i = 0; i < ACTORS; i++)
        stage_expect(stage, stage->actors[i] == NULL, "every socket is closed in the end");
    prong_server_free(stage->server);
    prong_timer_free(stage->timer);
    turn(stage, 2);
    stage_expect(stage, prong_loop_free(stage->loop) == 0, "nothing is left of the loop");
    prong_block_list_free(stage->list);
    ev_loop_destroy(stage->ev);
}

void play(struct stage *stage, enum event at, enum target target, const struct call *call)
{
    static void (*const scenes[])(struct stage *) = {
        set_up, listen_and_wait, connect_by_name, fill_and_drain, be_idle,   be_too_many,
        part,   be_reset,        close_and_fail,  be_refused,     tear_down,
    };

    *stage = (struct stage){.at = at, .target = target, .call = call};
    for (size_t i = 0; i < sizeof(scenes) / sizeof(scenes[0]); i++)
        scenes[i](stage);
}
