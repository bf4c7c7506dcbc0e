/* SPDX-License-Identifier: MIT
 *
 * The rules of ending, R86 to R90, and of what is known afterwards, R99 to R102.
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
    TEST(r099_unread_bytes_in_the_kernel_make_it_a_reset),
    TEST(r100_the_state_tells_which_directions_are_open),
    TEST(r102_without_on_error_an_error_only_closes),
};

int main(void)
{
    return cmocka_run_group_tests(tests, NULL, NULL);
}
