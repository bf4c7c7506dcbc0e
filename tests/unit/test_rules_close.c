/* SPDX-License-Identifier: MIT
 *
 * The rules of closing a server and of counting, R22 and R33 to R37, and R114 as far as it is about
 * servers.
 */
#include "net_fixture.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

/* --- Closing --- */

static void r022_close_is_what_an_abort_signal_does(void **state)
{
    struct net *net = *state;

    assert_int_equal(prong_server_listen(net->server, "127.0.0.1", 0, NULL), 0);
    assert_int_equal(prong_server_close(net->server), 0);
    assert_events(&net->listener, "");
    run_until(net, &net->listener, "close");
    assert_events(&net->listener, "close");
}

static void r033_close_leaves_connections_alone_and_waits_for_the_last(void **state)
{
    struct net *net = *state;

    net_pair(net);
    assert_int_equal(prong_server_close(net->server), 0);
    assert_false(prong_server_is_listening(net->server));
    run_idle(net);
    assert_false(happened(&net->listener, "close"));
    assert_int_equal(prong_socket_write(net->client.socket, "abc", 3), 0);
    run_until_bytes(net, &net->accepted, 3);
    prong_socket_end(net->client.socket);
    run_until(net, &net->listener, "close");
}

static void r033_close_all_destroys_every_connection(void **state)
{
    struct net *net = *state;
    int clients[5];

    net_listen(net);
    for (int i = 0; i < 5; i++)
        clients[i] = net_raw_client(net);
    while (prong_server_connections(net->server) < 5)
        ev_run(net->ev, EVRUN_ONCE);
    prong_server_close_all(net->server);
    assert_int_equal(prong_server_connections(net->server), 0);
    assert_true(prong_server_is_listening(net->server));
    run_idle(net);
    assert_events(&net->accepted, "close close close close close");
    prong_server_close_all(net->server);
    for (int i = 0; i < 5; i++)
        close(clients[i]);
}

static void note_close_of_server(struct prong_server *server)
{
    note(prong_server_user(server), "server:close");
}

static void r034_the_server_is_told_before_its_last_socket(void **state)
{
    static const struct prong_server_events events = {.on_close = note_close_of_server};
    struct net *net = *state;
    struct prong_server_options options = net->options;
    struct prong_server *server = prong_server_new(net->loop, &options, &events, &net->accepted);
    struct prong_address address;
    int client;

    assert_int_equal(prong_server_listen(server, "127.0.0.1", 0, NULL), 0);
    assert_int_equal(prong_server_address(server, &address), 0);
    net->port = address.port;
    client = net_raw_client(net);
    while (prong_server_connections(server) == 0)
        ev_run(net->ev, EVRUN_ONCE);
    assert_int_equal(prong_server_close(server), 0);
    prong_server_close_all(server);
    run_until(net, &net->accepted, "close");
    run_idle(net);
    assert_events(&net->accepted, "server:close close");
    close(client);
    prong_server_free(server);
}

static void r035_closing_what_does_not_listen_is_an_error_and_no_event(void **state)
{
    struct net *net = *state;

    assert_int_equal(prong_server_close(net->server), -ENOTCONN);
    net_pair(net);
    assert_int_equal(prong_server_close(net->server), 0);
    assert_int_equal(prong_server_close(net->server), -ENOTCONN);
    prong_socket_end(net->client.socket);
    run_until(net, &net->listener, "close");
    run_idle(net);
    assert_int_equal(prong_server_close(net->server), -ENOTCONN);
    run_idle(net);
    assert_events(&net->listener, "listening connection close gone");
}

static void listen_again(struct net *net)
{
    assert_int_equal(prong_server_listen(net->server, "127.0.0.1", 0, NULL), 0);
}

static void r036_a_closed_server_may_listen_again_with_old_connections(void **state)
{
    struct net *net = *state;

    net_pair(net);
    assert_int_equal(prong_server_close(net->server), 0);
    listen_again(net);
    run_until(net, &net->listener, "connection listening");
    assert_int_equal(prong_server_connections(net->server), 1);
    /* The old close waits for the server to be empty *and* not listening. */
    prong_socket_end(net->client.socket);
    run_until(net, &net->listener, "gone");
    run_idle(net);
    assert_false(happened(&net->listener, "close"));
    assert_int_equal(prong_server_close(net->server), 0);
    run_until(net, &net->listener, "close");
    run_idle(net);
    assert_events(&net->listener, "listening connection listening gone close");
}

static void r036_a_close_that_was_not_told_yet_waits_too(void **state)
{
    struct net *net = *state;

    listen_again(net);
    assert_int_equal(prong_server_close(net->server), 0);
    listen_again(net);
    run_until(net, &net->listener, "listening");
    run_idle(net);
    assert_events(&net->listener, "listening");
    assert_int_equal(prong_server_close(net->server), 0);
    run_until(net, &net->listener, "close");
    assert_events(&net->listener, "listening close");
}

static void r036_the_close_is_told_after_a_listen_that_failed(void **state)
{
    struct net *net = *state;
    struct prong_address taken;
    int fd = net_raw_listener("127.0.0.1", &taken);

    net_pair(net);
    assert_int_equal(prong_server_close(net->server), 0);
    assert_int_equal(prong_server_listen_address(net->server, &taken, NULL), 0);
    prong_server_close_all(net->server);
    run_until(net, &net->listener, "close");
    run_idle(net);
    assert_events(&net->listener, "listening connection error close gone");
    close(fd);
}

/* --- Counting --- */

static void r037_the_count_is_known_at_any_time(void **state)
{
    struct net *net = *state;

    assert_int_equal(prong_server_connections(net->server), 0);
    net_pair(net);
    assert_int_equal(prong_server_connections(net->server), 1);
    prong_server_close(net->server);
    assert_int_equal(prong_server_connections(net->server), 1);
    prong_socket_destroy(net->accepted.socket, 0);
    assert_int_equal(prong_server_connections(net->server), 0);
    run_until(net, &net->listener, "close");
    assert_int_equal(prong_server_connections(net->server), 0);
}

/* --- Freeing --- */

static void sockets_outlive_their_server(void **state)
{
    struct net *net = *state;

    net_pair(net);
    prong_server_free(net->server);
    net->server = NULL;
    assert_null(prong_socket_server(net->accepted.socket));
    assert_int_equal(prong_socket_write(net->client.socket, "abc", 3), 0);
    run_until_bytes(net, &net->accepted, 3);
    prong_socket_end(net->client.socket);
    run_until(net, &net->accepted, "close");
    assert_events(&net->listener, "listening connection");
}

static void a_server_without_events_serves(void **state)
{
    struct net *net = *state;
    struct prong_server *server = prong_server_new(net->loop, NULL, NULL, NULL);
    struct prong_address address;
    int client;

    assert_int_equal(prong_server_listen(server, "127.0.0.1", 0, NULL), 0);
    assert_int_equal(prong_server_address(server, &address), 0);
    net->port = address.port;
    client = net_raw_client(net);
    while (prong_server_counters(server)->accepted == 0)
        ev_run(net->ev, EVRUN_ONCE);
    prong_server_set_max_connections(server, 0);
    close(client);
    client = net_raw_client(net);
    while (prong_server_counters(server)->dropped == 0)
        ev_run(net->ev, EVRUN_ONCE);
    close(client);
    prong_server_close(server);
    run_idle(net);
    assert_ptr_equal(prong_server_loop(server), net->loop);
    assert_null(prong_server_user(server));
    prong_server_free(server);
    prong_server_free(NULL);
}

/* --- Keeping the loop alive --- */

static void on_idle(struct ev_loop *ev, struct ev_idle *idle, int revents)
{
    int *turns = idle->data;

    (void)revents;
    if (++*turns == 3)
        ev_break(ev, EVBREAK_ALL);
}

/* Does ev_run() go on?  What counts its turns does not count itself. */
static bool is_alive(struct net *net)
{
    struct ev_idle idle;
    int turns = 0;

    ev_idle_init(&idle, on_idle);
    idle.data = &turns;
    ev_idle_start(net->ev, &idle);
    ev_unref(net->ev);
    ev_run(net->ev, 0);
    ev_ref(net->ev);
    ev_idle_stop(net->ev, &idle);
    return turns == 3;
}

static void r114_a_listening_server_keeps_the_loop_alive_until_unref(void **state)
{
    struct net *net = *state;

    assert_false(is_alive(net));
    listen_again(net);
    assert_true(is_alive(net));
    prong_server_unref(net->server);
    prong_server_unref(net->server);
    assert_false(is_alive(net));
    prong_server_ref(net->server);
    prong_server_ref(net->server);
    assert_true(is_alive(net));
    prong_server_close(net->server);
    assert_false(is_alive(net));
}

static void r114_unref_before_listen_sticks(void **state)
{
    struct net *net = *state;

    prong_server_unref(net->server);
    listen_again(net);
    assert_false(is_alive(net));
    prong_server_close(net->server);
    listen_again(net);
    assert_false(is_alive(net));
}

static void r114_a_paused_server_listens_and_so_keeps_the_loop_alive(void **state)
{
    struct net *net = *state;

    listen_again(net);
    prong_server_pause(net->server);
    assert_true(is_alive(net));
    prong_server_resume(net->server);
    assert_true(is_alive(net));
    prong_server_pause(net->server);
    prong_server_unref(net->server);
    assert_false(is_alive(net));
}

static const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, net_setup, net_teardown)
    TEST(r022_close_is_what_an_abort_signal_does),
    TEST(r033_close_leaves_connections_alone_and_waits_for_the_last),
    TEST(r033_close_all_destroys_every_connection),
    TEST(r034_the_server_is_told_before_its_last_socket),
    TEST(r035_closing_what_does_not_listen_is_an_error_and_no_event),
    TEST(r036_a_closed_server_may_listen_again_with_old_connections),
    TEST(r036_a_close_that_was_not_told_yet_waits_too),
    TEST(r036_the_close_is_told_after_a_listen_that_failed),
    TEST(r037_the_count_is_known_at_any_time),
    TEST(sockets_outlive_their_server),
    TEST(a_server_without_events_serves),
    TEST(r114_a_listening_server_keeps_the_loop_alive_until_unref),
    TEST(r114_unref_before_listen_sticks),
    TEST(r114_a_paused_server_listens_and_so_keeps_the_loop_alive),
};

int main(void)
{
    return cmocka_run_group_tests(tests, NULL, NULL);
}
