/* SPDX-License-Identifier: MIT
 *
 * The rules of connecting, R40 to R49, and R59 to R61.
 */
#include "net_fixture.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

/* --- Order --- */

static void r040_lookup_attempt_connect_data_come_in_this_order(void **state)
{
    struct net *net = *state;

    net_listen(net);
    net_client(net, NULL);
    assert_int_equal(prong_socket_connect(net->client.socket, "localhost", net->port), 0);
    assert_events(&net->client, ""); /* nothing comes from inside the call */
    run_until(net, &net->listener, "connection");
    prong_socket_write(net->accepted.socket, "x", 1);
    run_until(net, &net->client, "data");
    assert_non_null(strstr(net->client.events, "lookup:4"));
    assert_non_null(strstr(strstr(net->client.events, "lookup:4"), "attempt:started:127.0.0.1"));
    assert_non_null(
        strstr(strstr(net->client.events, "attempt:started:127.0.0.1"), "connect data:1"));
}

static void note_state(struct record *record)
{
    note(record, "state:%d", (int)prong_socket_state(record->socket));
    record->then = NULL;
}

static void r040_it_is_open_inside_on_connect(void **state)
{
    struct net *net = *state;

    net_listen(net);
    net->client.when = "connect";
    net->client.then = note_state;
    net_connect(net);
    assert_int_equal(prong_socket_state(net->client.socket), PRONG_SOCKET_CONNECTING);
    run_until(net, &net->client, "state");
    assert_int_equal(PRONG_SOCKET_OPEN, 2);
    assert_events(&net->client, "connect state:2");
}

static void r041_an_ip_literal_is_not_looked_up(void **state)
{
    struct net *net = *state;

    net_listen(net);
    net_client(net, NULL);
    assert_int_equal(prong_socket_connect(net->client.socket, "127.0.0.1", net->port), 0);
    run_until(net, &net->client, "connect");
    assert_events(&net->client, "attempt:started:127.0.0.1 connect");
}

/* --- Failures --- */

static void r043_a_refused_connect_tells_code_call_and_addresses(void **state)
{
    struct net *net = *state;
    struct prong_socket_options options;
    struct prong_address address;

    prong_socket_options_init(&options);
    assert_int_equal(prong_address_from_ip(&options.connect.local, "127.0.0.3", 0), 0);
    net_listen(net);
    address = net_address(net);
    prong_server_close(net->server);
    net->client.when = "error";
    net->client.then = note_state;
    net_client(net, &options);
    assert_int_equal(prong_socket_connect_address(net->client.socket, &address), 0);
    run_until(net, &net->client, "close");
    assert_int_equal(PRONG_SOCKET_CLOSING, 4);
    assert_events(&net->client,
                  "attempt:started:127.0.0.1 attempt:failed:127.0.0.1 error state:4 close");
    assert_int_equal(net->client.error.code, -ECONNREFUSED);
    assert_string_equal(net->client.error.syscall, "connect");
    assert_true(prong_address_equal(&net->client.error.address, &address));
    assert_true(prong_address_equal(&net->client.error.local, &options.connect.local));
    assert_true(net->client.had_error);
}

static void r044_it_binds_before_it_connects(void **state)
{
    struct net *net = *state;
    struct prong_socket_options options;
    struct prong_address seen, free_port;

    net_free_port(&free_port);
    prong_socket_options_init(&options);
    assert_int_equal(prong_address_from_ip(&options.connect.local, "127.0.0.3", free_port.port), 0);
    net_listen(net);
    net_client(net, &options);
    assert_int_equal(prong_socket_connect(net->client.socket, "127.0.0.1", net->port), 0);
    run_until(net, &net->listener, "connection");
    assert_int_equal(prong_socket_remote(net->accepted.socket, &seen), 0);
    assert_true(prong_address_equal(&seen, &options.connect.local));
}

static void r044_a_local_port_needs_no_local_address(void **state)
{
    struct net *net = *state;
    struct prong_socket_options options;
    struct prong_address seen, free_port;

    net_free_port(&free_port);
    prong_socket_options_init(&options);
    options.connect.local.port = free_port.port;
    net_listen(net);
    net_client(net, &options);
    assert_int_equal(prong_socket_connect(net->client.socket, "127.0.0.1", net->port), 0);
    run_until(net, &net->listener, "connection");
    assert_int_equal(prong_socket_remote(net->accepted.socket, &seen), 0);
    assert_int_equal(seen.port, free_port.port);
}

static void r044_a_failure_to_bind_says_so(void **state)
{
    static const struct {
        const char *ip;
        bool port_is_taken;
        int error;
    } rows[] = {{"192.0.2.200", false, -EADDRNOTAVAIL}, {"127.0.0.1", true, -EADDRINUSE}};
    struct net *net = *state;

    net_listen(net);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct prong_socket_options options;
        uint16_t port = rows[i].port_is_taken ? net->port : 0;

        prong_socket_options_init(&options);
        assert_int_equal(prong_address_from_ip(&options.connect.local, rows[i].ip, port), 0);
        forget(&net->client);
        net_client(net, &options);
        assert_int_equal(prong_socket_connect(net->client.socket, "127.0.0.1", net->port), 0);
        run_until(net, &net->client, "close");
        assert_int_equal(net->client.error.code, rows[i].error);
        assert_string_equal(net->client.error.syscall, "bind");
        assert_true(prong_address_equal(&net->client.error.local, &options.connect.local));
    }
}

static void r044_an_unusable_local_address_is_refused_at_once(void **state)
{
    struct net *net = *state;
    struct prong_connect_options options;

    net_listen(net);
    net_client(net, NULL);
    prong_connect_options_init(&options);
    assert_int_equal(prong_address_from_path(&options.local, "/nowhere"), 0);
    assert_int_equal(prong_socket_set_connect_options(net->client.socket, &options), 0);
    assert_int_equal(prong_socket_connect(net->client.socket, "127.0.0.1", net->port), -EINVAL);
    assert_int_equal(prong_address_from_ip(&options.local, "::1", 0), 0);
    assert_int_equal(prong_socket_set_connect_options(net->client.socket, &options), 0);
    assert_int_equal(prong_socket_connect(net->client.socket, "127.0.0.1", net->port), -EINVAL);
    assert_int_equal(prong_socket_state(net->client.socket), PRONG_SOCKET_NEW);
}

/* --- Before it is connected --- */

static void r045_what_is_written_early_is_sent_in_order(void **state)
{
    struct net *net = *state;

    net_listen(net);
    net_connect(net);
    prong_socket_set_high_water_mark(net->client.socket, 8);
    assert_int_equal(prong_socket_write(net->client.socket, "1234", 4), 0);
    assert_int_equal(prong_socket_write(net->client.socket, "5678", 4), 1);
    assert_int_equal(prong_socket_queue_bytes(net->client.socket), 8);
    prong_socket_end(net->client.socket);
    run_until(net, &net->accepted, "close");
    run_until(net, &net->client, "close");
    assert_events(&net->accepted, "data:8 end finish close");
    assert_memory_equal(net->accepted.bytes, "12345678", 8);
    assert_events(&net->client, "connect finish end close");
}

static void r046_destroy_while_connecting_gives_one_close(void **state)
{
    struct net *net = *state;

    net_listen(net);
    net_connect(net);
    assert_int_equal(prong_socket_write_then(net->client.socket, "a", 1, note_written, "a"), 0);
    assert_int_equal(prong_socket_write_then(net->client.socket, "b", 1, note_written, "b"), 0);
    prong_socket_destroy(net->client.socket, 0);
    assert_events(&net->client, "");
    run_until(net, &net->client, "close");
    assert_events(&net->client,
                  "written:a:PRONG_EBEFORECONNECT written:b:PRONG_EBEFORECONNECT close");
    assert_false(net->client.had_error);
}

static void r046_writes_are_told_when_the_connect_fails(void **state)
{
    struct net *net = *state;

    net_listen(net);
    prong_server_close(net->server);
    net_connect(net);
    assert_int_equal(prong_socket_write_then(net->client.socket, "", 0, note_written, "a"), 0);
    run_until(net, &net->client, "close");
    assert_events(&net->client, "written:a:PRONG_EBEFORECONNECT error close");
}

static void r047_a_write_without_a_connect_is_an_error(void **state)
{
    struct net *net = *state;

    net_client(net, NULL);
    assert_int_equal(prong_socket_write(net->client.socket, "x", 1), -ENOTCONN);
    run_until(net, &net->client, "close");
    assert_events(&net->client, "error close");
    assert_int_equal(net->client.error.code, -ENOTCONN);
    forget(&net->client);
    net_client(net, NULL);
    assert_int_equal(prong_socket_end(net->client.socket), 0);
    run_until(net, &net->client, "close");
    assert_events(&net->client, "close");
}

static void connect_again(struct record *record)
{
    record->then = NULL;
    assert_int_equal(prong_socket_connect(record->socket, "127.0.0.1", record->net->port), 0);
}

static void r048_a_closed_socket_connects_again_with_new_counters(void **state)
{
    struct net *net = *state;
    struct prong_socket *socket;

    net_pair(net);
    socket = net->client.socket;
    prong_socket_write(socket, "old", 3);
    run_until_bytes(net, &net->accepted, 3);
    net->client.when = "close"; /* inside on_close nobody needs to hold it */
    net->client.then = connect_again;
    forget(&net->client);
    prong_socket_destroy(socket, -EPROTO);
    run_until(net, &net->client, "connect");
    net->client.socket = socket;
    assert_events(&net->client, "error close connect");
    assert_int_equal(prong_socket_bytes_written(socket), 0);
    assert_int_equal(prong_socket_state(socket), PRONG_SOCKET_OPEN);
    prong_socket_write(socket, "new!", 4);
    run_until_bytes(net, &net->accepted, 7);
    assert_int_equal(prong_socket_bytes_written(socket), 4);
}

static void r049_a_second_connect_is_refused_and_changes_nothing(void **state)
{
    struct net *net = *state;

    net_listen(net);
    net_connect(net);
    assert_int_equal(prong_socket_connect(net->client.socket, "127.0.0.1", net->port), -EALREADY);
    run_until(net, &net->client, "connect");
    assert_int_equal(prong_socket_connect(net->client.socket, "127.0.0.1", net->port), -EISCONN);
    assert_int_equal(prong_socket_state(net->client.socket), PRONG_SOCKET_OPEN);
    prong_socket_destroy(net->client.socket, 0);
    assert_int_equal(prong_socket_connect(net->client.socket, "127.0.0.1", net->port),
                     PRONG_EDESTROYED);
}

/* --- Refused --- */

static void r059_a_destroy_with_a_reason_is_an_error_at_any_time(void **state)
{
    struct net *net = *state;

    net_listen(net);
    net_connect(net);
    prong_socket_destroy(net->client.socket, -ECANCELED);
    run_until(net, &net->client, "close");
    assert_events(&net->client, "error close");
    forget(&net->client);
    net_connect(net);
    run_until(net, &net->client, "connect");
    prong_socket_destroy(net->client.socket, -ECANCELED);
    run_until(net, &net->client, "close");
    assert_events(&net->client, "connect error close");
    assert_int_equal(net->client.error.code, -ECANCELED);
    assert_true(net->client.had_error);
}

static void r060_a_blocked_address_is_not_connected_to(void **state)
{
    struct net *net = *state;
    struct prong_block_list *list = prong_block_list_new();
    struct prong_socket_options options;

    assert_int_equal(prong_block_list_add_cidr(list, "127.0.0.0/8"), 0);
    prong_socket_options_init(&options);
    options.connect.block_list = list;
    net_listen(net);
    net_client(net, &options);
    assert_int_equal(prong_socket_connect(net->client.socket, "127.0.0.1", net->port), 0);
    run_until(net, &net->client, "close");
    assert_events(&net->client, "attempt:failed:127.0.0.1 error close");
    assert_int_equal(net->client.error.code, PRONG_EBLOCKED);
    assert_int_equal(net->client.error.address.port, net->port);
    run_idle(net);
    assert_false(happened(&net->listener, "connection"));
    prong_block_list_free(list);
}

static void r061_a_pause_before_the_connect_sticks(void **state)
{
    struct net *net = *state;

    net_listen(net);
    net_connect(net);
    prong_socket_pause(net->client.socket);
    run_until(net, &net->client, "connect");
    run_until(net, &net->listener, "connection");
    prong_socket_write(net->accepted.socket, "x", 1);
    run_idle(net);
    assert_int_equal(prong_socket_bytes_read(net->client.socket), 0);
    prong_socket_resume(net->client.socket);
    run_until(net, &net->client, "data:1");
}

static const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, net_setup, net_teardown)
    TEST(r040_lookup_attempt_connect_data_come_in_this_order),
    TEST(r040_it_is_open_inside_on_connect),
    TEST(r041_an_ip_literal_is_not_looked_up),
    TEST(r043_a_refused_connect_tells_code_call_and_addresses),
    TEST(r044_it_binds_before_it_connects),
    TEST(r044_a_local_port_needs_no_local_address),
    TEST(r044_a_failure_to_bind_says_so),
    TEST(r044_an_unusable_local_address_is_refused_at_once),
    TEST(r045_what_is_written_early_is_sent_in_order),
    TEST(r046_destroy_while_connecting_gives_one_close),
    TEST(r046_writes_are_told_when_the_connect_fails),
    TEST(r047_a_write_without_a_connect_is_an_error),
    TEST(r048_a_closed_socket_connects_again_with_new_counters),
    TEST(r049_a_second_connect_is_refused_and_changes_nothing),
    TEST(r059_a_destroy_with_a_reason_is_an_error_at_any_time),
    TEST(r060_a_blocked_address_is_not_connected_to),
    TEST(r061_a_pause_before_the_connect_sticks),
};

int main(void)
{
    return cmocka_run_group_tests(tests, NULL, NULL);
}
