/* SPDX-License-Identifier: MIT
 *
 * The rules of ending and closing, R86 to R102.
 */
#include "net_fixture.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define BIG ((size_t)8 << 20)

/* A raw peer of a socket that allows half-open. */
static int half_open_pair(struct net *net)
{
    net->options.socket.allow_half_open = true;
    return net_raw_pair(net);
}

/* --- end() --- */

static void note_finished(struct record *record)
{
    note(record, "sent:%d", (int)prong_socket_has_finished(record->socket));
}

static void r086_end_flushes_then_finishes(void **state)
{
    struct net *net = *state;
    char *bytes = calloc(1, BIG);

    assert_non_null(bytes);
    net_pair(net);
    prong_socket_pause(net->accepted.socket);
    net->client.when = "finish";
    net->client.then = note_finished;
    assert_int_equal(prong_socket_write(net->client.socket, bytes, BIG), 1);
    assert_int_equal(prong_socket_end(net->client.socket), 0);
    assert_true(prong_socket_has_ended(net->client.socket));
    assert_false(prong_socket_has_finished(net->client.socket));
    run_idle(net);
    assert_events(&net->client, "connect");
    prong_socket_resume(net->accepted.socket);
    run_until(net, &net->client, "close");
    assert_int_equal(net->accepted.size, BIG);
    assert_events(&net->client, "connect finish sent:1 end close");
    free(bytes);
}

static void r087_without_half_open_a_socket_answers_the_end(void **state)
{
    struct net *net = *state;
    char *bytes = calloc(1, BIG);
    struct prong_socket *socket;

    assert_non_null(bytes);
    net_pair(net);
    socket = net->accepted.socket;
    prong_socket_pause(net->client.socket);
    assert_int_equal(prong_socket_write(socket, bytes, BIG), 1);
    prong_socket_end(net->client.socket);
    run_until(net, &net->accepted, "end");
    run_idle(net);
    assert_events(&net->accepted, "end"); /* what is queued comes first */
    prong_socket_resume(net->client.socket);
    run_until(net, &net->accepted, "close");
    run_until(net, &net->client, "close");
    assert_events(&net->accepted, "end finish close");
    assert_int_equal(net->client.size, BIG);
    free(bytes);
}

static void r089_one_that_may_not_close_by_itself_stays_until_it_may(void **state)
{
    struct net *net = *state;
    int fd = half_open_pair(net);
    char byte;

    prong_socket_set_auto_close(net->accepted.socket, false);
    assert_false(prong_socket_auto_close(net->accepted.socket));
    shutdown(fd, SHUT_WR);
    run_until(net, &net->accepted, "end");
    prong_socket_end(net->accepted.socket);
    run_until(net, &net->accepted, "finish");
    assert_int_equal(recv(fd, &byte, 1, 0), 0); /* FIN is out all the same */
    run_idle(net);
    assert_events(&net->accepted, "end finish");
    prong_socket_set_auto_close(net->accepted.socket, true);
    run_until(net, &net->accepted, "close");
    close(fd);
}

static void r088_half_open_sends_nothing_until_end(void **state)
{
    struct net *net = *state;
    int fd = half_open_pair(net);
    char bytes[8];

    shutdown(fd, SHUT_WR);
    run_until(net, &net->accepted, "end");
    run_idle(net);
    assert_int_equal(recv(fd, bytes, sizeof(bytes), MSG_DONTWAIT), -1);
    assert_false(prong_socket_is_readable(net->accepted.socket));
    assert_true(prong_socket_is_writable(net->accepted.socket));
    assert_int_equal(prong_socket_write(net->accepted.socket, "late", 4), 0);
    prong_socket_end(net->accepted.socket);
    run_until(net, &net->accepted, "close");
    assert_int_equal(recv(fd, bytes, sizeof(bytes), MSG_WAITALL), 4);
    close(fd);
}

static void allow_half_open(struct record *record)
{
    prong_socket_set_allow_half_open(record->socket, true);
}

static void r088_half_open_may_be_switched_inside_on_end(void **state)
{
    struct net *net = *state;
    int fd = net_raw_pair(net);

    net->accepted.when = "end";
    net->accepted.then = allow_half_open;
    shutdown(fd, SHUT_WR);
    run_until(net, &net->accepted, "end");
    run_idle(net);
    assert_int_equal(prong_socket_state(net->accepted.socket), PRONG_SOCKET_OPEN);
    assert_true(prong_socket_allow_half_open(net->accepted.socket));
    close(fd);
}

static void r089_a_socket_closes_when_both_directions_are_done(void **state)
{
    struct net *net = *state;
    int fd = half_open_pair(net);

    prong_socket_end(net->accepted.socket);
    run_until(net, &net->accepted, "finish");
    run_idle(net);
    assert_events(&net->accepted, "finish");
    close(fd);
    run_until(net, &net->accepted, "close");
    assert_events(&net->accepted, "finish end close");
}

static void r090_a_peer_that_never_ends_is_waited_for(void **state)
{
    struct net *net = *state;
    int fd = net_raw_pair(net);

    prong_socket_end(net->accepted.socket);
    run_for(net, 50);
    assert_int_equal(prong_socket_state(net->accepted.socket), PRONG_SOCKET_ENDING);
    assert_true(prong_socket_is_readable(net->accepted.socket));
    assert_int_equal(write(fd, "late", 4), 4);
    run_until(net, &net->accepted, "data:4");
    close(fd);
}

/* --- close --- */

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

/* --- Who knows what afterwards --- */

static void r099_unread_bytes_in_the_kernel_make_it_a_reset(void **state)
{
    struct net *net = *state;
    char byte;
    int fd;

    net->options.pause_on_connect = true;
    fd = net_raw_pair(net);
    assert_int_equal(write(fd, "x", 1), 1);
    run_idle(net);
    prong_socket_destroy(net->accepted.socket, 0);
    run_until(net, &net->accepted, "close");
    assert_int_equal(recv(fd, &byte, 1, 0), -1);
    assert_int_equal(errno, ECONNRESET);
    close(fd);
}

static void assert_state(const struct prong_socket *socket, enum prong_socket_state expected,
                         bool is_readable, bool is_writable)
{
    assert_int_equal(prong_socket_state(socket), expected);
    assert_int_equal(prong_socket_is_readable(socket), is_readable);
    assert_int_equal(prong_socket_is_writable(socket), is_writable);
}

static void r100_the_state_tells_which_directions_are_open(void **state)
{
    struct net *net = *state;
    struct prong_socket *socket;

    net->options.socket.allow_half_open = true;
    net_listen(net);
    net_client(net, NULL);
    socket = net->client.socket;
    prong_socket_hold(socket);
    assert_state(socket, PRONG_SOCKET_NEW, false, false);
    assert_int_equal(prong_socket_connect(socket, "127.0.0.1", net->port), 0);
    assert_state(socket, PRONG_SOCKET_CONNECTING, false, true);
    run_until(net, &net->client, "connect");
    assert_state(socket, PRONG_SOCKET_OPEN, true, true);
    prong_socket_end(socket);
    assert_state(socket, PRONG_SOCKET_ENDING, true, false);
    run_until(net, &net->accepted, "end");
    assert_state(net->accepted.socket, PRONG_SOCKET_OPEN, false, true);
    prong_socket_destroy(socket, 0);
    assert_state(socket, PRONG_SOCKET_CLOSING, false, false);
    run_until(net, &net->client, "close");
    assert_state(socket, PRONG_SOCKET_CLOSED, false, false);
    prong_socket_release(socket);
}

static const struct prong_socket_events silent;

static void r102_without_on_error_an_error_only_closes(void **state)
{
    static struct prong_socket_events events;
    struct net *net = *state;
    int fd = net_raw_pair(net);

    events = recording;
    events.on_error = NULL;
    prong_socket_set_events(net->accepted.socket, &events, &net->accepted);
    net_raw_reset(fd);
    run_until(net, &net->accepted, "close");
    assert_events(&net->accepted, "close");
    assert_true(net->accepted.had_error);
    net_connect(net);
    run_until(net, &net->client, "connect");
    prong_socket_set_events(net->client.socket, &silent, NULL);
    prong_socket_destroy(net->client.socket, -EIO);
    net->client.socket = NULL;
    run_idle(net);
}

static const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, net_setup, net_teardown)
    TEST(r086_end_flushes_then_finishes),
    TEST(r087_without_half_open_a_socket_answers_the_end),
    TEST(r089_one_that_may_not_close_by_itself_stays_until_it_may),
    TEST(r088_half_open_sends_nothing_until_end),
    TEST(r088_half_open_may_be_switched_inside_on_end),
    TEST(r089_a_socket_closes_when_both_directions_are_done),
    TEST(r090_a_peer_that_never_ends_is_waited_for),
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
    TEST(r099_unread_bytes_in_the_kernel_make_it_a_reset),
    TEST(r100_the_state_tells_which_directions_are_open),
    TEST(r102_without_on_error_an_error_only_closes),
};

int main(void)
{
    return cmocka_run_group_tests(tests, NULL, NULL);
}
