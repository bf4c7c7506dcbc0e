/* SPDX-License-Identifier: MIT
 *
 * The core of the socket: connecting, bytes, ending, closing, back-pressure, timeouts.
 */
#include "net_fixture.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static void bytes_arrive_in_order_and_are_counted(void **state)
{
    struct net *net = *state;

    net_pair(net);
    assert_int_equal(prong_socket_write(net->client.socket, "hello ", 6), 0);
    assert_int_equal(prong_socket_write(net->client.socket, "server", 6), 0);
    run_until_bytes(net, &net->accepted, 12);
    assert_memory_equal(net->accepted.bytes, "hello server", 12);
    assert_int_equal(prong_socket_bytes_written(net->client.socket), 12);
    assert_int_equal(prong_socket_bytes_read(net->accepted.socket), 12);
    assert_int_equal(prong_server_counters(net->server)->bytes_read, 12);
}

static void an_end_on_one_side_ends_and_closes_both(void **state)
{
    struct net *net = *state;

    net_pair(net);
    assert_int_equal(prong_socket_end(net->client.socket), 0);
    run_until(net, &net->client, "close");
    run_until(net, &net->accepted, "close");
    assert_events(&net->accepted, "end finish close");
    assert_events(&net->client, "connect finish end close");
    assert_false(net->client.had_error);
}

static void half_open_lets_the_other_side_go_on_writing(void **state)
{
    struct net *net = *state;

    net->options.socket.allow_half_open = true;
    net_pair(net);
    prong_socket_end(net->client.socket);
    run_until(net, &net->accepted, "end");
    run_idle(net);
    assert_int_equal(prong_socket_state(net->accepted.socket), PRONG_SOCKET_OPEN);
    assert_int_equal(prong_socket_write(net->accepted.socket, "late", 4), 0);
    run_until_bytes(net, &net->client, 4);
    prong_socket_end(net->accepted.socket);
    run_until(net, &net->accepted, "close");
    run_until(net, &net->client, "close");
}

static void destroy_calls_nothing_but_close_and_that_later(void **state)
{
    struct net *net = *state;

    net_pair(net);
    prong_socket_destroy(net->client.socket, 0);
    assert_events(&net->client, "connect");
    assert_int_equal(prong_socket_write(net->client.socket, "x", 1), PRONG_EDESTROYED);
    prong_socket_destroy(net->client.socket, 0);
    run_until(net, &net->client, "close");
    assert_events(&net->client, "connect close");
}

static void destroy_with_an_error_reports_it_once(void **state)
{
    struct net *net = *state;

    net_pair(net);
    prong_socket_destroy(net->client.socket, -EPROTO);
    run_until(net, &net->client, "close");
    assert_events(&net->client, "connect error close");
    assert_int_equal(net->client.error.code, -EPROTO);
    assert_true(net->client.had_error);
}

static void a_refused_connect_tells_code_call_and_address(void **state)
{
    struct net *net = *state;
    struct prong_address address;

    net_listen(net);
    assert_int_equal(prong_server_address(net->server, &address), 0);
    prong_server_close(net->server);
    net_connect(net);
    run_until(net, &net->client, "close");
    assert_events(&net->client, "error close");
    assert_int_equal(net->client.error.code, -ECONNREFUSED);
    assert_string_equal(net->client.error.syscall, "connect");
    assert_true(prong_address_equal(&net->client.error.address, &address));
}

static void a_reset_by_the_peer_is_an_error_and_not_an_end(void **state)
{
    struct net *net = *state;

    net_pair(net);
    assert_int_equal(prong_socket_reset(net->client.socket), 0);
    run_until(net, &net->accepted, "close");
    assert_events(&net->accepted, "error close");
    assert_int_equal(net->accepted.error.code, -ECONNRESET);
    assert_events(&net->client, "connect close");
}

static void a_write_after_the_end_is_an_error(void **state)
{
    struct net *net = *state;

    net_listen(net);
    net_connect(net);
    assert_int_equal(prong_socket_write(net->client.socket, "early", 5), 0);
    prong_socket_end(net->client.socket);
    assert_int_equal(prong_socket_write(net->client.socket, "x", 1), PRONG_EENDED);
    run_until(net, &net->client, "close");
    assert_events(&net->client, "error close");
    assert_int_equal(net->client.error.code, PRONG_EENDED);
}

static void an_end_before_the_connect_comes_after_the_bytes(void **state)
{
    struct net *net = *state;

    net_listen(net);
    net_connect(net);
    assert_int_equal(prong_socket_write(net->client.socket, "early", 5), 0);
    prong_socket_end(net->client.socket);
    run_until(net, &net->accepted, "close");
    run_until(net, &net->client, "close");
    assert_events(&net->accepted, "data:5 end finish close");
    assert_events(&net->client, "connect finish end close");
}

static void a_full_queue_asks_to_wait_and_drains_once(void **state)
{
    struct net *net = *state;
    size_t size = 8 << 20;
    char *bytes = calloc(1, size);

    net_pair(net);
    prong_socket_pause(net->accepted.socket);
    assert_int_equal(prong_socket_write(net->client.socket, bytes, size), 1);
    assert_true(prong_socket_queue_bytes(net->client.socket) > 0);
    run_idle(net);
    assert_false(happened(&net->client, "drain"));
    prong_socket_resume(net->accepted.socket);
    run_until(net, &net->client, "drain");
    run_until_bytes(net, &net->accepted, size);
    assert_events(&net->client, "connect drain");
    assert_int_equal(prong_socket_queue_bytes(net->client.socket), 0);
    free(bytes);
}

static void what_is_queued_is_flushed_before_the_end(void **state)
{
    struct net *net = *state;
    size_t size = 8 << 20;
    char *bytes = calloc(1, size);

    net_pair(net);
    prong_socket_pause(net->accepted.socket);
    assert_int_equal(prong_socket_write(net->client.socket, bytes, size), 1);
    prong_socket_end(net->client.socket);
    prong_socket_resume(net->accepted.socket);
    run_until(net, &net->accepted, "close");
    assert_int_equal(net->accepted.size, size);
    run_until(net, &net->client, "close");
    assert_false(happened(&net->client, "drain"));
    free(bytes);
}

static void corked_writes_leave_together(void **state)
{
    struct net *net = *state;

    net_pair(net);
    prong_socket_cork(net->client.socket);
    for (int i = 0; i < 100; i++)
        prong_socket_write(net->client.socket, "0123456789", 10);
    run_idle(net);
    assert_int_equal(net->accepted.size, 0);
    prong_socket_uncork(net->client.socket);
    run_until_bytes(net, &net->accepted, 1000);
    assert_events(&net->accepted, "data:1000");
}

static void bytes_given_back_come_again_in_front_of_the_next(void **state)
{
    struct net *net = *state;
    int fd;

    net_listen(net);
    fd = net_raw_client(net);
    run_until(net, &net->listener, "connection");
    assert_int_equal(write(fd, "abc", 3), 3);
    run_until_bytes(net, &net->accepted, 3);
    assert_int_equal(prong_socket_unread(net->accepted.socket, "bc", 2), 0);
    forget(&net->accepted);
    assert_int_equal(write(fd, "def", 3), 3);
    run_until_bytes(net, &net->accepted, 5);
    assert_memory_equal(net->accepted.bytes, "bcdef", 5);
    assert_events(&net->accepted, "data:5");
    close(fd);
}

static void an_idle_socket_is_told_once_until_something_happens(void **state)
{
    struct net *net = *state;

    net_pair(net);
    assert_int_equal(prong_socket_set_timeout(net->client.socket, 20), 0);
    run_until(net, &net->client, "timeout");
    forget(&net->client);
    run_idle(net);
    assert_events(&net->client, "");
    prong_socket_write(net->client.socket, "x", 1);
    run_until(net, &net->client, "timeout");
    assert_events(&net->client, "timeout");
}

static void names_are_resolved_and_raced(void **state)
{
    struct net *net = *state;

    net_listen(net);
    net->client.socket = prong_socket_new(net->loop, NULL, &recording, &net->client);
    assert_int_equal(prong_socket_connect(net->client.socket, "localhost", net->port), 0);
    assert_int_equal(prong_socket_connect(net->client.socket, "localhost", net->port), -EALREADY);
    run_until(net, &net->client, "connect");
    assert_true(happened(&net->client, "lookup:4"));
    assert_int_equal(prong_socket_connect(net->client.socket, "localhost", net->port), -EISCONN);
}

static void destroy_while_connecting_gives_close_alone(void **state)
{
    struct net *net = *state;

    net_listen(net);
    net_connect(net);
    prong_socket_destroy(net->client.socket, 0);
    run_until(net, &net->client, "close");
    assert_events(&net->client, "close");
}

static void destroy_own(struct record *record)
{
    prong_socket_destroy(record->socket, 0);
}

static void a_socket_may_be_destroyed_inside_its_own_callback(void **state)
{
    static const char *const callbacks[] = {"connect", "data", "end", "finish", "drain"};

    for (size_t i = 0; i < sizeof(callbacks) / sizeof(callbacks[0]); i++) {
        struct net *net;
        void *own;

        (void)state;
        net_setup(&own);
        net = own;
        net->client.when = callbacks[i];
        net->client.then = destroy_own;
        net_pair(net);
        if (net->client.socket != NULL)
            prong_socket_write(net->client.socket, "x", 1);
        if (net->accepted.socket != NULL) {
            prong_socket_write(net->accepted.socket, "y", 1);
            prong_socket_end(net->accepted.socket);
        }
        run_until(net, &net->accepted, "close");
        if (net->client.socket != NULL && strcmp(callbacks[i], "drain") == 0)
            prong_socket_destroy(net->client.socket, 0);
        run_until(net, &net->client, "close");
        net_teardown(&own);
    }
}

static void a_held_socket_may_connect_again(void **state)
{
    struct net *net = *state;
    struct prong_socket *socket;

    net_pair(net);
    socket = net->client.socket;
    prong_socket_hold(socket);
    prong_socket_write(socket, "x", 1);
    prong_socket_destroy(socket, 0);
    run_until(net, &net->client, "close");
    forget(&net->client);
    assert_int_equal(prong_socket_connect(socket, "127.0.0.1", net->port), 0);
    run_until(net, &net->client, "connect");
    assert_int_equal(prong_socket_bytes_written(socket), 0);
    net->client.socket = socket;
    prong_socket_release(socket);
}

static void addresses_stay_known_after_the_close(void **state)
{
    struct net *net = *state;
    struct prong_socket *socket;
    struct prong_address local, remote;

    net_pair(net);
    socket = net->client.socket;
    prong_socket_hold(socket);
    prong_socket_destroy(socket, 0);
    run_until(net, &net->client, "close");
    assert_int_equal(prong_socket_local(socket, &local), 0);
    assert_int_equal(prong_socket_remote(socket, &remote), 0);
    assert_int_equal(remote.port, net->port);
    assert_int_not_equal(local.port, 0);
    prong_socket_release(socket);
}

static void destroy_soon_closes_without_waiting_for_the_peer(void **state)
{
    struct net *net = *state;
    char bytes[16];
    int fd;

    net_listen(net);
    fd = net_raw_client(net);
    run_until(net, &net->listener, "connection");
    prong_socket_write(net->accepted.socket, "bye", 3);
    prong_socket_destroy_soon(net->accepted.socket);
    run_until(net, &net->accepted, "close");
    assert_events(&net->accepted, "finish close");
    assert_int_equal(recv(fd, bytes, sizeof(bytes), MSG_WAITALL), 3);
    close(fd);
}

static const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, net_setup, net_teardown)
    TEST(bytes_arrive_in_order_and_are_counted),
    TEST(an_end_on_one_side_ends_and_closes_both),
    TEST(half_open_lets_the_other_side_go_on_writing),
    TEST(destroy_calls_nothing_but_close_and_that_later),
    TEST(destroy_with_an_error_reports_it_once),
    TEST(a_refused_connect_tells_code_call_and_address),
    TEST(a_reset_by_the_peer_is_an_error_and_not_an_end),
    TEST(a_write_after_the_end_is_an_error),
    TEST(an_end_before_the_connect_comes_after_the_bytes),
    TEST(a_full_queue_asks_to_wait_and_drains_once),
    TEST(what_is_queued_is_flushed_before_the_end),
    TEST(corked_writes_leave_together),
    TEST(bytes_given_back_come_again_in_front_of_the_next),
    TEST(an_idle_socket_is_told_once_until_something_happens),
    TEST(names_are_resolved_and_raced),
    TEST(destroy_while_connecting_gives_close_alone),
    cmocka_unit_test(a_socket_may_be_destroyed_inside_its_own_callback),
    TEST(a_held_socket_may_connect_again),
    TEST(addresses_stay_known_after_the_close),
    TEST(destroy_soon_closes_without_waiting_for_the_peer),
};

int main(void)
{
    return cmocka_run_group_tests(tests, NULL, NULL);
}
