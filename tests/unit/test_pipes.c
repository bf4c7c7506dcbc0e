/* SPDX-License-Identifier: MIT
 *
 * The pool of pipes: what is lent, kept, closed and called back.
 */
#include "pipes.h"

#include <ev.h>
#include <fcntl.h>
#include <prong/splice.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "net_fixture.h"

#define MOST 64 /* that one pool lends */

static unsigned recalled;

static void recall(struct pipe *pipe)
{
    recalled++;
    pipe_give_back(pipe);
}

static struct pipes *open_pool(struct net *net)
{
    struct pipes *pool = pipes_new(net->loop, recall);

    assert_non_null(pool);
    recalled = 0;
    return pool;
}

static struct pipe *lend(struct pipes *pool)
{
    struct pipe *pipe = pipes_lend(pool, NULL);

    assert_non_null(pipe);
    return pipe;
}

static bool is_open(int fd)
{
    return fcntl(fd, F_GETFD) >= 0;
}

static void a_pipe_has_room_for_a_mebibyte(void **state)
{
    struct pipes *pool = open_pool(*state);
    struct pipe *pipe = lend(pool);

    assert_true(fcntl(pipe->write_fd, F_GETPIPE_SZ) >= 1024 * 1024);
    assert_int_equal(pipe->filled, 0);
    assert_false(pipe_is_full(pipe));
    pipe_give_back(pipe);
    pipes_free(pool);
}

static void what_was_given_back_is_lent_again(void **state)
{
    struct pipes *pool = open_pool(*state);
    struct pipe *pipe = lend(pool);
    int fd = pipe->read_fd;

    pipe_give_back(pipe);
    assert_true(is_open(fd));
    pipe = lend(pool);
    assert_int_equal(pipe->read_fd, fd);
    pipe_give_back(pipe);
    pipes_free(pool);
    assert_false(is_open(fd));
}

static void one_with_bytes_in_it_is_never_lent_again(void **state)
{
    struct pipes *pool = open_pool(*state);
    struct pipe *pipe = lend(pool);
    int fd = pipe->read_fd;

    assert_int_equal(write(pipe->write_fd, "x", 1), 1);
    pipe->filled = 1;
    pipe_give_back(pipe);
    assert_false(is_open(fd));
    pipes_free(pool);
}

/* How many the kernel lets this user have is another matter. */
static void no_more_are_lent_than_there_are_to_be(void **state)
{
    struct pipes *pool = open_pool(*state);
    struct pipe *lent[MOST];
    size_t count = 0;

    while (count < MOST && (lent[count] = pipes_lend(pool, NULL)) != NULL)
        count++;
    assert_true(count > 0);
    assert_null(pipes_lend(pool, NULL));
    while (count > 0)
        pipe_give_back(lent[--count]);
    pipes_free(pool);
}

static void one_that_nobody_uses_is_called_back_and_closed(void **state)
{
    struct net *net = *state;
    struct pipes *pool = open_pool(net);
    struct pipe *idle = lend(pool), *full = lend(pool);
    int fd = idle->read_fd;

    full->filled = 1; /* as if: what is in it waits for its target */
    while (recalled == 0)
        ev_run(net->ev, EVRUN_ONCE);
    assert_int_equal(recalled, 1);
    pipe_give_back(full);
    while (is_open(fd))
        ev_run(net->ev, EVRUN_ONCE);
    pipes_free(pool);
}

static void a_pipe_from_elsewhere_keeps_what_is_in_it(void **state)
{
    struct pipes *pool = open_pool(*state);
    struct pipe *pipe;
    int fds[2];
    char byte;

    assert_int_equal(pipe2(fds, O_NONBLOCK | O_CLOEXEC), 0);
    assert_int_equal(write(fds[1], "x", 1), 1);
    pipe = pipes_adopt(pool, NULL, fds[0], fds[1], 1);
    assert_non_null(pipe);
    assert_int_equal(pipe->filled, 1);
    pipe_forget(pipe);
    assert_int_equal(read(fds[0], &byte, 1), 1); /* it is ours again */
    close(fds[0]);
    close(fds[1]);
    pipes_free(pool);
}

/* splice(2) says the same of a full pipe as of an idle source: the account knows. */
static void the_account_follows_the_bytes(void **state)
{
    struct net *net = *state;
    struct pipes *pool = open_pool(net);
    struct pipe *pipe = lend(pool);
    int peer = net_raw_pair(net);
    char bytes[8];

    prong_socket_set_manual_reading(net->accepted.socket, true);
    assert_int_equal(write(peer, "through", 7), 7);
    while (pipe_fill(pipe, net->accepted.socket) < 0)
        ev_run(net->ev, EVRUN_ONCE);
    assert_int_equal(pipe->filled, 7);
    assert_int_equal(pipe_pour(pipe, net->accepted.socket), 7);
    assert_int_equal(pipe->filled, 0);
    assert_int_equal(read(peer, bytes, sizeof(bytes)), 7);
    pipe_give_back(pipe);
    pipes_free(pool);
    close(peer);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, net_setup, net_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_pipe_has_room_for_a_mebibyte),
        TEST(what_was_given_back_is_lent_again),
        TEST(one_with_bytes_in_it_is_never_lent_again),
        TEST(no_more_are_lent_than_there_are_to_be),
        TEST(one_that_nobody_uses_is_called_back_and_closed),
        TEST(a_pipe_from_elsewhere_keeps_what_is_in_it),
        TEST(the_account_follows_the_bytes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
