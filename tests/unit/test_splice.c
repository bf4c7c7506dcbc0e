/* SPDX-License-Identifier: MIT
 *
 * Splicing: a socket that the program reads itself, and what goes through a pipe(2).
 *
 * net->accepted is the socket; its peer is a raw descriptor.
 */
#include "net_fixture.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define BIG ((size_t)8 << 20)

struct channel {
    int peer;    /* of the socket */
    int fds[2];  /* the pipe: read, write */
    ssize_t got; /* what the last splice in on_readable or on_writable returned */
    bool leave_it;
    unsigned calls;
    size_t left; /* in the pipe */
};

static struct channel *channel_of(struct prong_socket *socket)
{
    return ((struct record *)prong_socket_user(socket))->net->scratch;
}

static void on_readable(struct prong_socket *socket)
{
    struct channel *channel = channel_of(socket);

    channel->calls++;
    note(prong_socket_user(socket), "readable");
    if (channel->leave_it)
        return;
    channel->got = prong_socket_splice_in(socket, channel->fds[1], 65536);
}

static void on_writable(struct prong_socket *socket)
{
    struct channel *channel = channel_of(socket);

    note(prong_socket_user(socket), "writable");
    if (channel->left == 0)
        return;
    channel->got = prong_socket_splice_out(socket, channel->fds[0], channel->left);
    if (channel->got > 0)
        channel->left -= (size_t)channel->got;
}

static struct prong_socket_events splicing;

static struct channel *open_channel(struct net *net)
{
    static struct channel channel;

    splicing = recording;
    splicing.on_readable = on_readable;
    splicing.on_writable = on_writable;
    memset(&channel, 0, sizeof(channel));
    net->scratch = &channel;
    net->options.socket.allow_half_open = true;
    channel.peer = net_raw_pair(net);
    assert_int_equal(pipe2(channel.fds, O_NONBLOCK | O_CLOEXEC), 0);
    prong_socket_set_events(net->accepted.socket, &splicing, &net->accepted);
    return &channel;
}

static void close_channel(const struct channel *channel)
{
    close(channel->fds[0]);
    close(channel->fds[1]);
    if (channel->peer >= 0)
        close(channel->peer);
}

static void what_arrives_goes_into_the_pipe(void **state)
{
    struct net *net = *state;
    struct channel *channel = open_channel(net);
    char bytes[8];

    prong_socket_set_manual_reading(net->accepted.socket, true);
    assert_true(prong_socket_manual_reading(net->accepted.socket));
    assert_int_equal(write(channel->peer, "through", 7), 7);
    run_until(net, &net->accepted, "readable");
    assert_int_equal(channel->got, 7);
    assert_int_equal(read(channel->fds[0], bytes, sizeof(bytes)), 7);
    assert_memory_equal(bytes, "through", 7);
    assert_int_equal(prong_socket_bytes_read(net->accepted.socket), 7);
    assert_events(&net->accepted, "readable");
    close_channel(channel);
}

static void it_is_told_again_until_it_is_read(void **state)
{
    struct net *net = *state;
    struct channel *channel = open_channel(net);

    prong_socket_set_manual_reading(net->accepted.socket, true);
    channel->leave_it = true;
    assert_int_equal(write(channel->peer, "x", 1), 1);
    while (channel->calls < 3)
        ev_run(net->ev, EVRUN_NOWAIT);
    prong_socket_set_manual_reading(net->accepted.socket, false);
    run_until(net, &net->accepted, "data:1"); /* and then the library reads again */
    close_channel(channel);
}

static void a_paused_socket_is_not_readable(void **state)
{
    struct net *net = *state;
    struct channel *channel = open_channel(net);

    prong_socket_set_manual_reading(net->accepted.socket, true);
    prong_socket_pause(net->accepted.socket);
    assert_int_equal(write(channel->peer, "x", 1), 1);
    run_idle(net);
    assert_events(&net->accepted, "");
    prong_socket_resume(net->accepted.socket);
    run_until(net, &net->accepted, "readable");
    close_channel(channel);
}

static void bytes_that_were_given_back_come_first(void **state)
{
    struct net *net = *state;
    struct channel *channel = open_channel(net);

    assert_int_equal(prong_socket_unread(net->accepted.socket, "old", 3), 0);
    prong_socket_set_manual_reading(net->accepted.socket, true);
    assert_int_equal(write(channel->peer, "new", 3), 3);
    run_until(net, &net->accepted, "readable");
    assert_events(&net->accepted, "data:3 readable");
    assert_memory_equal(net->accepted.bytes, "old", 3);
    close_channel(channel);
}

static void the_end_is_told_like_any_other(void **state)
{
    struct net *net = *state;
    struct channel *channel = open_channel(net);

    prong_socket_set_manual_reading(net->accepted.socket, true);
    shutdown(channel->peer, SHUT_WR);
    run_until(net, &net->accepted, "end");
    assert_int_equal(channel->got, 0);
    assert_int_equal(prong_socket_splice_in(net->accepted.socket, channel->fds[1], 1), 0);
    assert_events(&net->accepted, "readable end");
    close_channel(channel);
}

static void a_reset_closes_with_its_error(void **state)
{
    struct net *net = *state;
    struct channel *channel = open_channel(net);

    prong_socket_set_manual_reading(net->accepted.socket, true);
    net_raw_reset(channel->peer);
    channel->peer = -1;
    run_until(net, &net->accepted, "close");
    assert_events(&net->accepted, "readable error close");
    assert_int_equal(net->accepted.error.code, -ECONNRESET);
    assert_string_equal(net->accepted.error.syscall, "read");
    close_channel(channel);
}

static void a_full_pipe_is_not_an_error(void **state)
{
    struct net *net = *state;
    struct channel *channel = open_channel(net);
    char bytes[4096] = {0};

    while (write(channel->fds[1], bytes, sizeof(bytes)) > 0)
        continue;
    prong_socket_set_manual_reading(net->accepted.socket, true);
    assert_int_equal(write(channel->peer, "x", 1), 1);
    run_until(net, &net->accepted, "readable");
    assert_int_equal(channel->got, -EAGAIN);
    assert_int_equal(prong_socket_state(net->accepted.socket), PRONG_SOCKET_OPEN);
    close_channel(channel);
}

static void room_for_nothing_is_not_the_end(void **state)
{
    struct net *net = *state;
    struct channel *channel = open_channel(net);

    prong_socket_pause(net->accepted.socket);
    assert_int_equal(write(channel->peer, "x", 1), 1);
    assert_int_equal(prong_socket_splice_in(net->accepted.socket, channel->fds[1], 0), -EAGAIN);
    run_idle(net);
    assert_events(&net->accepted, "");
    close_channel(channel);
}

static void the_pipe_goes_out(void **state)
{
    struct net *net = *state;
    struct channel *channel = open_channel(net);
    char bytes[8];

    assert_int_equal(write(channel->fds[1], "through", 7), 7);
    assert_int_equal(prong_socket_splice_out(net->accepted.socket, channel->fds[0], 7), 7);
    assert_int_equal(read(channel->peer, bytes, sizeof(bytes)), 7);
    assert_memory_equal(bytes, "through", 7);
    assert_int_equal(prong_socket_bytes_written(net->accepted.socket), 7);
    run_idle(net);
    assert_events(&net->accepted, "");
    close_channel(channel);
}

/* Fills the kernel's buffers: how much they took. */
static size_t fill(struct net *net, struct channel *channel)
{
    static char bytes[4096];
    size_t total = 0;
    ssize_t sent;

    do {
        assert_int_equal(write(channel->fds[1], bytes, sizeof(bytes)), sizeof(bytes));
        sent = prong_socket_splice_out(net->accepted.socket, channel->fds[0], sizeof(bytes));
        total += sent > 0 ? (size_t)sent : 0;
    } while (sent == sizeof(bytes));
    channel->left = sizeof(bytes) - (sent > 0 ? (size_t)sent : 0);
    return total;
}

static void drain_peer(struct net *net, const struct channel *channel, size_t size)
{
    char *bytes = malloc(BIG);

    assert_non_null(bytes);
    for (size_t taken = 0; taken < size;) {
        ssize_t received = recv(channel->peer, bytes, BIG, MSG_DONTWAIT);

        taken += received > 0 ? (size_t)received : 0;
        run_idle(net);
    }
    free(bytes);
}

static void room_is_told_once(void **state)
{
    struct net *net = *state;
    struct channel *channel = open_channel(net);
    size_t total = fill(net, channel), left = channel->left;

    run_idle(net);
    assert_events(&net->accepted, "");
    drain_peer(net, channel, total + left);
    assert_int_equal(channel->left, 0);
    assert_events(&net->accepted, "writable");
    close_channel(channel);
}

static void what_is_queued_goes_first(void **state)
{
    struct net *net = *state;
    struct channel *channel = open_channel(net);
    char bytes[8];

    prong_socket_cork(net->accepted.socket);
    assert_int_equal(prong_socket_write(net->accepted.socket, "one", 3), 0);
    assert_int_equal(write(channel->fds[1], "two", 3), 3);
    channel->left = 3;
    assert_int_equal(prong_socket_splice_out(net->accepted.socket, channel->fds[0], 3), -EAGAIN);
    prong_socket_uncork(net->accepted.socket);
    run_until(net, &net->accepted, "writable");
    assert_int_equal(recv(channel->peer, bytes, 6, MSG_WAITALL), 6);
    assert_memory_equal(bytes, "onetwo", 6);
    close_channel(channel);
}

static void after_an_end_nothing_goes_out(void **state)
{
    struct net *net = *state;
    struct channel *channel = open_channel(net);

    (void)fill(net, channel); /* it waits for room, and then no more */
    prong_socket_end(net->accepted.socket);
    assert_int_equal(prong_socket_splice_out(net->accepted.socket, channel->fds[0], 1),
                     PRONG_EENDED);
    run_until(net, &net->accepted, "finish");
    assert_events(&net->accepted, "finish");
    prong_socket_destroy(net->accepted.socket, 0);
    assert_int_equal(prong_socket_splice_out(net->accepted.socket, channel->fds[0], 1),
                     PRONG_EDESTROYED);
    assert_int_equal(prong_socket_splice_in(net->accepted.socket, channel->fds[1], 1),
                     PRONG_EDESTROYED);
    run_until(net, &net->accepted, "close");
    close_channel(channel);
}

static void a_peer_that_is_gone_is_an_error_of_the_write(void **state)
{
    struct net *net = *state;
    struct channel *channel = open_channel(net);

    prong_socket_pause(net->accepted.socket);
    net_raw_reset(channel->peer);
    channel->peer = -1;
    assert_int_equal(write(channel->fds[1], "x", 1), 1);
    assert_in_range(-prong_socket_splice_out(net->accepted.socket, channel->fds[0], 1), 1, 200);
    run_until(net, &net->accepted, "close");
    assert_string_equal(net->accepted.error.syscall, "write");
    close_channel(channel);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_arrives_goes_into_the_pipe, net_setup, net_teardown),
        cmocka_unit_test_setup_teardown(it_is_told_again_until_it_is_read, net_setup, net_teardown),
        cmocka_unit_test_setup_teardown(a_paused_socket_is_not_readable, net_setup, net_teardown),
        cmocka_unit_test_setup_teardown(bytes_that_were_given_back_come_first, net_setup,
                                        net_teardown),
        cmocka_unit_test_setup_teardown(the_end_is_told_like_any_other, net_setup, net_teardown),
        cmocka_unit_test_setup_teardown(a_reset_closes_with_its_error, net_setup, net_teardown),
        cmocka_unit_test_setup_teardown(a_full_pipe_is_not_an_error, net_setup, net_teardown),
        cmocka_unit_test_setup_teardown(room_for_nothing_is_not_the_end, net_setup, net_teardown),
        cmocka_unit_test_setup_teardown(the_pipe_goes_out, net_setup, net_teardown),
        cmocka_unit_test_setup_teardown(room_is_told_once, net_setup, net_teardown),
        cmocka_unit_test_setup_teardown(what_is_queued_goes_first, net_setup, net_teardown),
        cmocka_unit_test_setup_teardown(after_an_end_nothing_goes_out, net_setup, net_teardown),
        cmocka_unit_test_setup_teardown(a_peer_that_is_gone_is_an_error_of_the_write, net_setup,
                                        net_teardown),
    };

    signal(SIGPIPE, SIG_IGN);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
