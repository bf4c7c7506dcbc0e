/* SPDX-License-Identifier: MIT
 *
 * The rules of accepting, R24 to R28, R30 and R31.
 */
#include "net_fixture.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* Linked with --wrap: how often options of a socket were set. */
static int setsockopt_calls;

int __real_setsockopt(int fd, int level, int name, const void *value, socklen_t length);
int __wrap_setsockopt(int fd, int level, int name, const void *value, socklen_t length);

int __wrap_setsockopt(int fd, int level, int name, const void *value, socklen_t length)
{
    setsockopt_calls++;
    return __real_setsockopt(fd, level, name, value, length);
}

/* The connection is there, and ends without a byte: not a refusal. */
static void assert_ended(int client)
{
    char byte;

    assert_int_equal(recv(client, &byte, 1, 0), 0);
    close(client);
}

/* --- Turns --- */

struct bystander {
    struct ev_io io;
    const struct prong_server *server;
    size_t accepted_before;
};

static void on_bystander(struct ev_loop *ev, struct ev_io *io, int revents)
{
    struct bystander *bystander = io->data;

    (void)revents;
    bystander->accepted_before = prong_server_connections(bystander->server);
    ev_io_stop(ev, io);
}

static void r024_others_get_their_turn_after_sixteen_clients(void **state)
{
    struct net *net = *state;
    struct bystander bystander;
    int clients[40], ready[2];

    net_listen(net);
    run_idle(net);
    bystander.server = net->server;
    assert_int_equal(pipe(ready), 0);
    assert_int_equal(write(ready[1], "x", 1), 1);
    for (int i = 0; i < 40; i++)
        clients[i] = net_raw_client(net);
    ev_io_init(&bystander.io, on_bystander, ready[0], EV_READ);
    bystander.io.data = &bystander;
    ev_io_start(net->ev, &bystander.io);
    while (ev_is_active(&bystander.io))
        ev_run(net->ev, EVRUN_ONCE);
    assert_in_range(bystander.accepted_before, 1, 16);
    while (prong_server_connections(net->server) < 40)
        ev_run(net->ev, EVRUN_ONCE);
    for (int i = 0; i < 40; i++)
        close(clients[i]);
    close(ready[0]);
    close(ready[1]);
}

/* --- What the callback gets --- */

static int kernel_option(const struct prong_socket *socket, int level, int name)
{
    int value = -1;
    socklen_t length = sizeof(value);

    assert_int_equal(getsockopt(prong_socket_fd(socket), level, name, &value, &length), 0);
    return value;
}

static void check_options(struct record *record)
{
    struct net *net = record->net;
    struct prong_socket *socket = net->accepted.socket;
    const struct prong_keep_alive *keep_alive = &net->options.socket.keep_alive;

    assert_int_equal(kernel_option(socket, IPPROTO_TCP, TCP_NODELAY), 1);
    assert_int_equal(kernel_option(socket, SOL_SOCKET, SO_KEEPALIVE), 1);
    assert_int_equal(kernel_option(socket, IPPROTO_TCP, TCP_KEEPIDLE), 17);
    setsockopt_calls = 0;
    assert_int_equal(prong_socket_set_no_delay(socket, true), 0);
    assert_int_equal(prong_socket_set_keep_alive(socket, keep_alive), 0);
    assert_int_equal(setsockopt_calls, 0);
}

static void r025_options_are_set_before_the_callback_and_not_twice(void **state)
{
    struct net *net = *state;

    net->options.socket.no_delay = true;
    net->options.socket.keep_alive = (struct prong_keep_alive){.enabled = true, .idle_s = 17};
    net->listener.when = "connection";
    net->listener.then = check_options;
    net_pair(net);
}

static void check_open(struct record *record)
{
    struct net *net = record->net;

    assert_int_equal(prong_socket_state(net->accepted.socket), PRONG_SOCKET_OPEN);
    assert_ptr_equal(prong_socket_server(net->accepted.socket), net->server);
    assert_int_equal(prong_server_connections(net->server), 1);
    note(record, "count:1");
}

static void r026_an_accepted_socket_is_open_and_reads(void **state)
{
    struct net *net = *state;
    int client;

    net->listener.when = "connection";
    net->listener.then = check_open;
    net_listen(net);
    client = net_raw_client(net);
    assert_int_equal(send(client, "abc", 3, MSG_NOSIGNAL), 3);
    run_until_bytes(net, &net->accepted, 3);
    assert_events(&net->accepted, "data:3");
    assert_events(&net->listener, "listening connection count:1");
    close(client);
}

static void r026_one_that_starts_paused_reads_nothing_at_all(void **state)
{
    struct net *net = *state;
    int client;

    net->options.pause_on_connect = true;
    net_listen(net);
    client = net_raw_client(net);
    assert_int_equal(send(client, "abc", 3, MSG_NOSIGNAL), 3);
    run_until(net, &net->listener, "connection");
    run_idle(net);
    assert_true(prong_socket_is_paused(net->accepted.socket));
    assert_int_equal(prong_socket_bytes_read(net->accepted.socket), 0);
    prong_socket_resume(net->accepted.socket);
    run_until_bytes(net, &net->accepted, 3);
    close(client);
}

/* --- Too many --- */

struct drops {
    struct prong_drop last;
    int count;
};

static void on_drop(struct prong_server *server, const struct prong_drop *drop)
{
    struct drops *drops = prong_server_user(server);

    drops->last = *drop;
    drops->count++;
}

static const struct prong_server_events dropping = {.on_drop = on_drop};

static void r027_a_client_too_many_is_told_of_and_sees_an_end(void **state)
{
    static const char *const hosts[] = {"127.0.0.1", "0.0.0.0"};

    for (size_t i = 0; i < 2; i++) {
        struct net *net = *state;
        struct drops drops = {.count = 0};
        struct prong_server_options options;
        struct prong_server *server;
        struct prong_address address;
        char text[64];
        int client;

        prong_server_options_init(&options);
        options.max_connections = 0;
        server = prong_server_new(net->loop, &options, &dropping, &drops);
        assert_int_equal(prong_server_listen(server, hosts[i], 0, NULL), 0);
        assert_int_equal(prong_server_address(server, &address), 0);
        net->port = address.port;
        client = net_raw_client(net);
        while (drops.count == 0)
            ev_run(net->ev, EVRUN_ONCE);
        assert_int_equal(drops.last.reason, PRONG_DROP_MAX_CONNECTIONS);
        assert_int_equal(drops.last.local.port, address.port);
        assert_string_equal(prong_address_format_ip(&drops.last.local, text, sizeof(text)),
                            "127.0.0.1");
        assert_string_equal(prong_address_format_ip(&drops.last.remote, text, sizeof(text)),
                            "127.0.0.1");
        assert_int_not_equal(drops.last.remote.port, 0);
        assert_int_equal(prong_server_counters(server)->dropped, 1);
        assert_int_equal(prong_server_counters(server)->accepted, 0);
        assert_ended(client);
        prong_server_free(server);
    }
}

static void r027_a_unix_client_has_no_addresses_to_tell(void **state)
{
    struct net *net = *state;
    struct drops drops = {.count = 0};
    struct prong_server_options options;
    struct prong_server *server;
    struct prong_address address;
    char name[64];

    prong_server_options_init(&options);
    options.max_connections = 0;
    server = prong_server_new(net->loop, &options, &dropping, &drops);
    snprintf(name, sizeof(name), "@prong-test-drop-%d", getpid());
    assert_int_equal(prong_address_from_path(&address, name), 0);
    assert_int_equal(prong_server_listen_address(server, &address, NULL), 0);
    net->client.socket = prong_socket_new(net->loop, NULL, &recording, &net->client);
    assert_int_equal(prong_socket_connect_address(net->client.socket, &address), 0);
    run_until(net, &net->client, "close");
    assert_int_equal(drops.count, 1);
    assert_int_equal(drops.last.local.family, 0);
    assert_int_equal(drops.last.remote.family, 0);
    prong_server_free(server);
}

static void r028_the_limit_holds_and_room_comes_back_at_once(void **state)
{
    struct net *net = *state;
    int clients[3];

    net->options.max_connections = 1;
    net_listen(net);
    clients[0] = net_raw_client(net);
    run_until(net, &net->listener, "connection");
    clients[1] = net_raw_client(net);
    run_until(net, &net->listener, "drop:0");
    assert_int_equal(prong_server_connections(net->server), 1);
    assert_ended(clients[1]);
    prong_socket_destroy(net->accepted.socket, 0);
    forget(&net->listener);
    clients[2] = net_raw_client(net);
    run_until(net, &net->listener, "connection");
    assert_false(happened(&net->listener, "drop"));
    close(clients[0]);
    close(clients[2]);
}

static void r028_the_limit_may_change_at_any_time(void **state)
{
    struct net *net = *state;
    int clients[3];

    net_listen(net);
    assert_int_equal(prong_server_max_connections(net->server), -1);
    prong_server_set_max_connections(net->server, 0);
    clients[0] = net_raw_client(net);
    run_until(net, &net->listener, "drop:0");
    prong_server_set_max_connections(net->server, 1);
    assert_int_equal(prong_server_max_connections(net->server), 1);
    clients[1] = net_raw_client(net);
    run_until(net, &net->listener, "connection");
    prong_server_set_max_connections(net->server, -1);
    forget(&net->listener);
    clients[2] = net_raw_client(net);
    run_until(net, &net->listener, "connection");
    for (int i = 0; i < 3; i++)
        close(clients[i]);
}

/* --- Counting --- */

static void destroy_and_count(struct record *record)
{
    struct net *net = record->net;

    note(record, "count:%zu", prong_server_connections(net->server));
    prong_socket_destroy(net->accepted.socket, 0);
    note(record, "count:%zu", prong_server_connections(net->server));
}

static void r030_a_socket_counts_from_before_the_callback_until_destroy(void **state)
{
    struct net *net = *state;
    int client;

    net->listener.when = "connection";
    net->listener.then = destroy_and_count;
    net_listen(net);
    client = net_raw_client(net);
    run_until(net, &net->accepted, "close");
    assert_events(&net->listener, "listening connection count:1 count:0 gone");
    close(client);
}

/* --- Who is not wanted --- */

static void r031_a_blocked_peer_is_closed_before_the_callback_and_silently(void **state)
{
    struct net *net = *state;
    struct prong_block_list *list = prong_block_list_new();
    int client;

    assert_int_equal(prong_block_list_add_cidr(list, "127.0.0.0/8"), 0);
    net->options.block_list = list;
    net->options.max_connections = 0; /* not even a drop */
    net_listen(net);
    client = net_raw_client(net);
    while (prong_server_counters(net->server)->blocked == 0)
        ev_run(net->ev, EVRUN_ONCE);
    assert_ended(client);
    run_idle(net);
    assert_events(&net->listener, "listening");
    assert_int_equal(prong_server_counters(net->server)->accepted, 0);
    assert_int_equal(prong_server_counters(net->server)->dropped, 0);
    /* The list may change while it is in use. */
    prong_block_list_clear(list);
    prong_server_set_max_connections(net->server, -1);
    client = net_raw_client(net);
    run_until(net, &net->listener, "connection");
    close(client);
    run_until(net, &net->accepted, "close");
    prong_server_close(net->server);
    prong_block_list_free(list);
}

static void r031_an_ipv4_rule_blocks_the_mapped_peer_too(void **state)
{
    struct net *net = *state;
    struct prong_block_list *list = prong_block_list_new();
    struct prong_address address;
    int client;

    assert_int_equal(prong_block_list_add_cidr(list, "127.0.0.1"), 0);
    net->options.block_list = list;
    net_listen(net);
    prong_server_close(net->server);
    assert_int_equal(prong_server_listen(net->server, NULL, 0, NULL), 0);
    assert_int_equal(prong_server_address(net->server, &address), 0);
    net->port = address.port;
    client = net_raw_client(net);
    while (prong_server_counters(net->server)->blocked == 0)
        ev_run(net->ev, EVRUN_ONCE);
    assert_ended(client);
    prong_server_close(net->server);
    prong_block_list_free(list);
}

static const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, net_setup, net_teardown)
    TEST(r024_others_get_their_turn_after_sixteen_clients),
    TEST(r025_options_are_set_before_the_callback_and_not_twice),
    TEST(r026_an_accepted_socket_is_open_and_reads),
    TEST(r026_one_that_starts_paused_reads_nothing_at_all),
    TEST(r027_a_client_too_many_is_told_of_and_sees_an_end),
    TEST(r027_a_unix_client_has_no_addresses_to_tell),
    TEST(r028_the_limit_holds_and_room_comes_back_at_once),
    TEST(r028_the_limit_may_change_at_any_time),
    TEST(r030_a_socket_counts_from_before_the_callback_until_destroy),
    TEST(r031_a_blocked_peer_is_closed_before_the_callback_and_silently),
    TEST(r031_an_ipv4_rule_blocks_the_mapped_peer_too),
};

int main(void)
{
    return cmocka_run_group_tests(tests, NULL, NULL);
}
