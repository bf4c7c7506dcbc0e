/* SPDX-License-Identifier: MIT
 *
 * The rules of closing and destroying, R91 to R97.
 */
#include "net_fixture.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define BIG ((size_t)8 << 20)

static void r091_close_comes_once_and_last(void **state)
{
    struct net *net = *state;

    net_pair(net);
    prong_socket_end(net->client.socket);
    prong_socket_destroy(net->client.socket, 0);
    prong_socket_destroy_soon(net->client.socket);
    run_until(net, &net->accepted, "close");
    run_for(net, 20);
    assert_events(&net->client, "connect close");
    assert_false(net->client.had_error);
    assert_true(happened(&net->listener, "gone"));
}

static void r091_a_socket_that_was_never_opened_closes_without_an_error(void **state)
{
    struct net *net = *state;

    net_client(net, NULL);
    prong_socket_destroy(net->client.socket, 0);
    run_until(net, &net->client, "close");
    assert_events(&net->client, "close");
    assert_false(net->client.had_error);
}

static void r092_connect_data_end_close_come_in_this_order(void **state)
{
    struct net *net = *state;

    net_listen(net);
    net_connect(net);
    run_until(net, &net->listener, "connection");
    prong_socket_write(net->accepted.socket, "x", 1);
    prong_socket_end(net->accepted.socket); /* all is there before the client looks */
    run_until(net, &net->client, "close");
    assert_events(&net->client, "connect data:1 end finish close");
}

static void r092_an_error_stands_before_close_without_an_end(void **state)
{
    struct net *net = *state;
    int fd = net_raw_pair(net);

    assert_int_equal(write(fd, "x", 1), 1);
    run_until(net, &net->accepted, "data");
    prong_socket_write(net->accepted.socket, "unread", 6);
    run_idle(net);
    close(fd); /* RST, for its bytes were not read */
    run_until(net, &net->accepted, "close");
    assert_events(&net->accepted, "data:1 error close");
}

static void r093_destroy_flushes_nothing_and_tells_every_write(void **state)
{
    struct net *net = *state;
    char *bytes = calloc(1, BIG);

    assert_non_null(bytes);
    net_pair(net);
    prong_socket_pause(net->accepted.socket);
    forget(&net->client);
    prong_socket_write_then(net->client.socket, "a", 1, note_written, "a");
    prong_socket_write_then(net->client.socket, bytes, BIG, note_written, "b");
    prong_socket_write_then(net->client.socket, "c", 1, note_written, "c");
    prong_socket_destroy(net->client.socket, 0);
    assert_events(&net->client, "");
    run_until(net, &net->client, "close");
    assert_events(&net->client, "written:a written:b:ECANCELED written:c:ECANCELED close");
    assert_false(net->client.had_error);
    free(bytes);
}

static void destroy_again(struct record *record)
{
    prong_socket_destroy(record->socket, -EIO);
}

static void r094_destroy_with_a_reason_is_told_and_a_second_one_ignored(void **state)
{
    struct net *net = *state;

    net_pair(net);
    forget(&net->client);
    net->client.when = "error";
    net->client.then = destroy_again;
    prong_socket_destroy(net->client.socket, -EPROTO);
    prong_socket_destroy(net->client.socket, 0);
    run_until(net, &net->client, "close");
    assert_events(&net->client, "error close");
    assert_int_equal(net->client.error.code, -EPROTO);
    assert_string_equal(net->client.error.syscall, "");
    assert_true(net->client.had_error);
}

static void r094_a_reason_below_16_bits_stays_an_error(void **state)
{
    struct net *net = *state;

    net_pair(net);
    prong_socket_destroy(net->client.socket, -70000);
    run_until(net, &net->client, "close");
    assert_int_equal(net->client.error.code, INT16_MIN);
    assert_true(net->client.had_error);
}

static void destroy_own(struct record *record)
{
    prong_socket_destroy(record->socket, 0);
}

static void r095_nothing_but_close_comes_after_destroy(void **state)
{
    static const char *const callbacks[] = {"connect", "data", "end", "finish"};

    (void)state;
    for (size_t i = 0; i < sizeof(callbacks) / sizeof(callbacks[0]); i++) {
        struct net *net;
        void *own;
        char last[32];

        assert_int_equal(net_setup(&own), 0);
        net = own;
        net->client.when = callbacks[i];
        net->client.then = destroy_own;
        net_listen(net);
        net_connect(net);
        prong_socket_end(net->client.socket);
        run_until(net, &net->listener, "connection");
        prong_socket_write(net->accepted.socket, "x", 1);
        prong_socket_end(net->accepted.socket);
        run_until(net, &net->client, "close");
        snprintf(last, sizeof(last), "%s%s close", callbacks[i],
                 strcmp(callbacks[i], "data") == 0 ? ":1" : "");
        assert_non_null(strstr(net->client.events, last));
        net_teardown(&own);
    }
}

static void r096_destroy_soon_does_not_wait_for_the_peer(void **state)
{
    struct net *net = *state;
    int fd = net_raw_pair(net);
    char *bytes = calloc(1, BIG);

    assert_non_null(bytes);
    assert_int_equal(prong_socket_write(net->accepted.socket, bytes, BIG), 1);
    prong_socket_destroy_soon(net->accepted.socket);
    run_idle(net);
    assert_events(&net->accepted, "");
    for (size_t received = 0; received < BIG;) {
        ssize_t size = recv(fd, bytes, BIG, MSG_DONTWAIT);

        received += size > 0 ? (size_t)size : 0;
        run_idle(net);
    }
    run_until(net, &net->accepted, "close");
    assert_events(&net->accepted, "finish close");
    assert_int_equal(recv(fd, bytes, 1, 0), 0);
    close(fd);
    free(bytes);
}

/* A raw client that has sent what nobody reads, to a server that says "bye" and lingers. */
static int say_bye(struct net *net)
{
    static const char noise[100000];
    int fd;

    net->options.lingers = true;
    net->options.pause_on_connect = true;
    fd = net_raw_pair(net);
    assert_true(send(fd, noise, sizeof(noise), MSG_DONTWAIT) > 0);
    assert_int_equal(prong_socket_write(net->accepted.socket, "bye", 3), 0);
    prong_socket_destroy_soon(net->accepted.socket);
    return fd;
}

static void r096_a_server_that_lingers_reads_on_until_the_peer_ends(void **state)
{
    struct net *net = *state;
    int fd = say_bye(net);
    char bytes[8];

    run_for(net, 20);
    assert_events(&net->accepted, "finish");
    assert_true(send(fd, bytes, sizeof(bytes), 0) > 0); /* no reset until now, */
    run_for(net, 20);
    assert_int_equal(recv(fd, bytes, sizeof(bytes), 0), 3); /* which would have cost this */
    assert_int_equal(recv(fd, bytes, sizeof(bytes), 0), 0);
    close(fd);
    run_until(net, &net->accepted, "close");
    assert_events(&net->accepted, "finish close");
    assert_false(net->accepted.had_error);
}

static void r096_a_reset_is_as_good_as_an_end_for_one_that_lingers(void **state)
{
    struct net *net = *state;
    int fd = say_bye(net);

    run_for(net, 20);
    net_raw_reset(fd);
    run_until(net, &net->accepted, "close");
    assert_events(&net->accepted, "finish close");
    assert_false(net->accepted.had_error);
}

static void r096_who_may_be_half_open_does_not_linger(void **state)
{
    struct net *net = *state;
    int fd;

    net->options.lingers = true;
    net->options.socket.allow_half_open = true;
    fd = net_raw_pair(net);
    prong_socket_destroy_soon(net->accepted.socket);
    run_until(net, &net->accepted, "close");
    assert_events(&net->accepted, "finish close");
    close(fd);
}

static void r097_a_second_end_is_harmless(void **state)
{
    struct net *net = *state;

    net_pair(net);
    assert_int_equal(prong_socket_end(net->client.socket), 0);
    assert_int_equal(prong_socket_end(net->client.socket), 0);
    run_until(net, &net->client, "finish");
    assert_int_equal(prong_socket_end(net->client.socket), 0);
    run_until(net, &net->client, "close");
    assert_events(&net->client, "connect finish end close");
}

static const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, net_setup, net_teardown)
    TEST(r091_close_comes_once_and_last),
    TEST(r091_a_socket_that_was_never_opened_closes_without_an_error),
    TEST(r092_connect_data_end_close_come_in_this_order),
    TEST(r092_an_error_stands_before_close_without_an_end),
    TEST(r093_destroy_flushes_nothing_and_tells_every_write),
    TEST(r094_destroy_with_a_reason_is_told_and_a_second_one_ignored),
    TEST(r094_a_reason_below_16_bits_stays_an_error),
    TEST(r095_nothing_but_close_comes_after_destroy),
    TEST(r096_destroy_soon_does_not_wait_for_the_peer),
    TEST(r096_a_server_that_lingers_reads_on_until_the_peer_ends),
    TEST(r096_a_reset_is_as_good_as_an_end_for_one_that_lingers),
    TEST(r096_who_may_be_half_open_does_not_linger),
    TEST(r097_a_second_end_is_harmless),
};

int main(void)
{
    return cmocka_run_group_tests(tests, NULL, NULL);
}
