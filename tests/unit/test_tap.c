/* SPDX-License-Identifier: MIT
 *
 * Taps: what is told is what went over the connection, however it went.
 *
 * net->accepted is the socket; its peer is a raw descriptor.
 */
#include "net_fixture.h"

#include <errno.h>
#include <fcntl.h>
#include <prong/tap.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define BIG ((size_t)8 << 20) /* more than both kernel buffers take */

struct seen {
    char *bytes;
    size_t size;
};

struct look {
    struct seen input, output;
    size_t unseen_input, unseen_output;
    unsigned ends, moves;
    bool leave; /* takes itself away with the first bytes */
};

static struct look look;

static void keep(struct seen *seen, const void *bytes, size_t size)
{
    seen->bytes = realloc(seen->bytes, seen->size + size);
    assert_non_null(seen->bytes);
    memcpy(seen->bytes + seen->size, bytes, size);
    seen->size += size;
}

static void on_input(struct prong_socket *socket, const void *bytes, size_t size, void *user)
{
    assert_ptr_equal(user, &look);
    keep(&look.input, bytes, size);
    if (look.leave)
        assert_int_equal(prong_socket_set_tap(socket, NULL, NULL), 0);
}

static void on_output(struct prong_socket *socket, const void *bytes, size_t size, void *user)
{
    assert_ptr_equal(user, &look);
    keep(&look.output, bytes, size);
    if (look.leave)
        assert_int_equal(prong_socket_set_tap(socket, NULL, NULL), 0);
}

static void on_unseen_input(struct prong_socket *socket, size_t size, void *user)
{
    (void)socket;
    (void)user;
    look.unseen_input += size;
}

static void on_unseen_output(struct prong_socket *socket, size_t size, void *user)
{
    (void)socket;
    (void)user;
    look.unseen_output += size;
}

static void on_end(struct prong_socket *socket, bool moved, void *user)
{
    assert_ptr_equal(user, &look);
    assert_false(prong_socket_is_tapped(socket));
    look.ends++;
    look.moves += moved;
}

static const struct prong_tap tap = {on_input, on_output, on_unseen_input, on_unseen_output,
                                     on_end};

static int setup(void **state)
{
    memset(&look, 0, sizeof(look));
    return net_setup(state);
}

static int teardown(void **state)
{
    free(look.input.bytes);
    free(look.output.bytes);
    return net_teardown(state);
}

/* The raw peer of a socket that is tapped. */
static int open_tapped(struct net *net)
{
    int peer = net_raw_pair(net);

    assert_int_equal(prong_socket_set_tap(net->accepted.socket, &tap, &look), 0);
    assert_true(prong_socket_is_tapped(net->accepted.socket));
    return peer;
}

static void assert_seen(const struct seen *seen, const void *bytes, size_t size)
{
    assert_int_equal(seen->size, size);
    assert_memory_equal(seen->bytes, bytes, size);
}

static void what_is_read_is_told(void **state)
{
    struct net *net = *state;
    int peer = open_tapped(net);

    assert_int_equal(write(peer, "to the server", 13), 13);
    run_until_bytes(net, &net->accepted, 13);
    assert_seen(&look.input, "to the server", 13);
    assert_int_equal(look.output.size, 0);
    close(peer);
}

static void what_is_given_back_is_told_once(void **state)
{
    struct net *net = *state;
    int peer = open_tapped(net);

    assert_int_equal(prong_socket_unread(net->accepted.socket, "old ", 4), 0);
    assert_int_equal(write(peer, "new", 3), 3);
    run_until_bytes(net, &net->accepted, 7);
    assert_seen(&look.input, "new", 3);
    close(peer);
}

static void pieces_that_are_written_are_told_in_their_order(void **state)
{
    struct net *net = *state;
    struct iovec pieces[] = {{"one ", 4}, {"", 0}, {"two ", 4}, {"three", 5}};
    int peer = open_tapped(net);

    assert_int_equal(prong_socket_writev(net->accepted.socket, pieces, 4), 0);
    assert_seen(&look.output, "one two three", 13);
    close(peer);
}

static char *make_pattern(void)
{
    char *bytes = malloc(BIG);

    assert_non_null(bytes);
    for (size_t i = 0; i < BIG; i++)
        bytes[i] = (char)(i * 2654435761U >> 24);
    return bytes;
}

/* The kernel takes a part now, the rest piece by piece when the peer reads. */
static void what_waits_in_the_queue_is_told_when_it_leaves(void **state)
{
    struct net *net = *state;
    int peer = open_tapped(net);
    char *bytes = make_pattern(), *got = malloc(BIG);
    size_t size = 0;

    assert_non_null(got);
    assert_int_equal(prong_socket_write(net->accepted.socket, bytes, BIG), 1);
    assert_in_range(look.output.size, 1, BIG - 1);
    assert_int_equal(look.output.size, prong_socket_bytes_written(net->accepted.socket));
    assert_int_equal(fcntl(peer, F_SETFL, O_NONBLOCK), 0);
    while (size < BIG) {
        ssize_t part = read(peer, got + size, BIG - size);

        size += part > 0 ? (size_t)part : 0;
        ev_run(net->ev, EVRUN_NOWAIT);
    }
    assert_seen(&look.output, bytes, BIG);
    assert_memory_equal(got, bytes, BIG);
    free(bytes);
    free(got);
    close(peer);
}

static void a_tap_may_take_itself_away(void **state)
{
    struct net *net = *state;
    struct iovec pieces[] = {{"one ", 4}, {"two ", 4}};
    int peer = open_tapped(net);

    look.leave = true;
    assert_int_equal(prong_socket_writev(net->accepted.socket, pieces, 2), 0);
    assert_seen(&look.output, "one ", 4);
    assert_false(prong_socket_is_tapped(net->accepted.socket));
    assert_int_equal(write(peer, "unheard", 7), 7);
    run_until_bytes(net, &net->accepted, 7);
    assert_int_equal(look.input.size, 0);
    prong_socket_destroy(net->accepted.socket, 0);
    assert_int_equal(look.ends, 0);
    close(peer);
}

static void what_is_spliced_is_told_as_unseen(void **state)
{
    struct net *net = *state;
    int peer = open_tapped(net);
    int fds[2];

    assert_int_equal(pipe2(fds, O_NONBLOCK | O_CLOEXEC), 0);
    assert_int_equal(write(fds[1], "through", 7), 7);
    assert_int_equal(prong_socket_splice_out(net->accepted.socket, fds[0], 7), 7);
    assert_int_equal(look.unseen_output, 7);
    assert_int_equal(write(peer, "back", 4), 4);
    while (prong_socket_splice_in(net->accepted.socket, fds[1], 100) == -EAGAIN)
        continue;
    assert_int_equal(look.unseen_input, 4);
    assert_int_equal(look.input.size + look.output.size, 0);
    close(fds[0]);
    close(fds[1]);
    close(peer);
}

static void the_end_of_the_connection_is_told_once(void **state)
{
    struct net *net = *state;
    int peer = open_tapped(net);

    close(peer);
    run_until(net, &net->accepted, "close");
    assert_int_equal(look.ends, 1);
    assert_int_equal(look.moves, 0);
}

static void a_tap_does_not_travel(void **state)
{
    struct net *net = *state;
    struct prong_socket_image image;
    int peer = open_tapped(net);

    assert_int_equal(prong_socket_detach(net->accepted.socket, &image), 0);
    assert_int_equal(look.ends, 1);
    assert_int_equal(look.moves, 1);
    prong_socket_image_clear(&image);
    net->accepted.socket = NULL;
    close(peer);
}

static void only_a_connection_is_tapped(void **state)
{
    struct net *net = *state;
    struct prong_socket *socket = prong_socket_new(net->loop, NULL, NULL, NULL);

    assert_non_null(socket);
    assert_int_equal(prong_socket_set_tap(socket, &tap, &look), PRONG_EDESTROYED);
    assert_int_equal(prong_socket_set_tap(socket, NULL, NULL), 0);
    assert_false(prong_socket_is_tapped(socket));
    prong_socket_destroy(socket, 0);
    run_idle(net);
    assert_int_equal(look.ends, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(what_is_read_is_told),
        TEST(what_is_given_back_is_told_once),
        TEST(pieces_that_are_written_are_told_in_their_order),
        TEST(what_waits_in_the_queue_is_told_when_it_leaves),
        TEST(a_tap_may_take_itself_away),
        TEST(what_is_spliced_is_told_as_unseen),
        TEST(the_end_of_the_connection_is_told_once),
        TEST(a_tap_does_not_travel),
        TEST(only_a_connection_is_tapped),
    };

    signal(SIGPIPE, SIG_IGN);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
