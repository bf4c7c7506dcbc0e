/* SPDX-License-Identifier: MIT
 *
 * Pipes: bytes, back-pressure, ends and closes go from one socket to another.
 *
 * In these tests net->accepted is the source.  Its target is net->client, which is connected to a
 * raw descriptor.
 */
#include "net_fixture.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define BIG ((size_t)8 << 20)

struct ends {
    int in, out; /* what is written to `in` comes out of `out` */
};

static struct ends pipe_new(struct net *net)
{
    struct ends ends;
    int pair[2];

    net->options.socket.allow_half_open = true;
    ends.in = net_raw_pair(net);
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
    ends.out = pair[1];
    net->client.socket =
        prong_socket_from_fd(net->loop, pair[0], &net->options.socket, &recording, &net->client);
    assert_non_null(net->client.socket);
    assert_int_equal(prong_pipe(net->accepted.socket, net->client.socket), 0);
    return ends;
}

static void close_ends(const struct ends *ends)
{
    close(ends->in);
    close(ends->out);
}

/* Turns the loop until so many bytes have come out. */
static void take(struct net *net, int fd, size_t size)
{
    char *bytes = malloc(size);

    assert_non_null(bytes);
    for (size_t taken = 0; taken < size;) {
        ssize_t received = recv(fd, bytes, size - taken, MSG_DONTWAIT);

        taken += received > 0 ? (size_t)received : 0;
        run_idle(net);
    }
    free(bytes);
}

static void bytes_go_from_source_to_target(void **state)
{
    struct net *net = *state;
    struct ends ends = pipe_new(net);
    char bytes[8];

    assert_int_equal(write(ends.in, "through", 7), 7);
    run_idle(net);
    assert_int_equal(recv(ends.out, bytes, sizeof(bytes), 0), 7);
    assert_memory_equal(bytes, "through", 7);
    assert_events(&net->accepted, ""); /* on_data has nothing to do with it */
    close_ends(&ends);
}

static void a_full_target_pauses_its_source_until_it_is_empty(void **state)
{
    struct net *net = *state;
    struct ends ends = pipe_new(net);
    char *bytes = calloc(1, BIG);
    size_t sent = 0;

    assert_non_null(bytes);
    while (!prong_socket_is_paused(net->accepted.socket)) {
        ssize_t size = send(ends.in, bytes, BIG, MSG_DONTWAIT);

        sent += size > 0 ? (size_t)size : 0;
        run_idle(net);
    }
    assert_true(prong_socket_queue_bytes(net->client.socket) >= PRONG_HIGH_WATER_MARK);
    assert_true(prong_socket_queue_bytes(net->client.socket) <
                PRONG_HIGH_WATER_MARK + PRONG_READ_SIZE);
    take(net, ends.out, sent);
    assert_false(prong_socket_is_paused(net->accepted.socket));
    assert_int_equal(prong_socket_bytes_written(net->client.socket), sent);
    assert_true(happened(&net->client, "drain"));
    close_ends(&ends);
    free(bytes);
}

static void the_end_of_the_source_ends_the_target_behind_the_last_byte(void **state)
{
    struct net *net = *state;
    struct ends ends = pipe_new(net);
    char bytes[8];

    assert_int_equal(write(ends.in, "last", 4), 4);
    shutdown(ends.in, SHUT_WR);
    run_until(net, &net->client, "finish");
    assert_int_equal(recv(ends.out, bytes, sizeof(bytes), 0), 4);
    assert_int_equal(recv(ends.out, bytes, sizeof(bytes), 0), 0);
    assert_events(&net->accepted, "end");
    assert_int_equal(prong_socket_state(net->accepted.socket), PRONG_SOCKET_OPEN);
    prong_socket_destroy(net->accepted.socket, -EIO); /* the pipe has ended: nobody follows */
    run_until(net, &net->accepted, "close");
    assert_int_equal(prong_socket_state(net->client.socket), PRONG_SOCKET_ENDING);
    close_ends(&ends);
}

static void a_source_that_fails_takes_its_target_along(void **state)
{
    struct net *net = *state;
    struct ends ends = pipe_new(net);

    net_raw_reset(ends.in);
    run_until(net, &net->accepted, "close");
    run_until(net, &net->client, "close");
    assert_events(&net->client, "error close");
    assert_int_equal(net->client.error.code, -ECONNRESET);
    close(ends.out);
}

static void a_target_that_closes_takes_its_source_along(void **state)
{
    struct net *net = *state;
    struct ends ends = pipe_new(net);

    prong_socket_destroy(net->client.socket, 0);
    run_until(net, &net->client, "close");
    run_until(net, &net->accepted, "close");
    assert_events(&net->accepted, "close");
    assert_false(net->accepted.had_error);
    close_ends(&ends);
}

static void a_target_that_was_ended_breaks_the_pipe_with_the_next_byte(void **state)
{
    struct net *net = *state;
    struct ends ends = pipe_new(net);

    prong_socket_end(net->client.socket);
    assert_int_equal(write(ends.in, "x", 1), 1);
    run_until(net, &net->accepted, "close");
    assert_int_equal(net->accepted.error.code, PRONG_EENDED);
    close_ends(&ends);
}

static void both_directions_are_two_pipes(void **state)
{
    struct net *net = *state;
    struct ends ends = pipe_new(net);
    char bytes[8];

    assert_int_equal(prong_pipe(net->client.socket, net->accepted.socket), 0);
    assert_int_equal(write(ends.out, "back", 4), 4);
    shutdown(ends.out, SHUT_WR);
    run_until(net, &net->accepted, "finish");
    assert_int_equal(recv(ends.in, bytes, sizeof(bytes), 0), 4);
    assert_int_equal(write(ends.in, "forth", 5), 5); /* the other direction goes on */
    run_idle(net);
    assert_int_equal(recv(ends.out, bytes, sizeof(bytes), 0), 5);
    close(ends.in);
    run_until(net, &net->accepted, "close");
    run_until(net, &net->client, "close");
    assert_false(net->accepted.had_error);
    assert_false(net->client.had_error);
    close(ends.out);
}

static void both_fail_together(void **state)
{
    struct net *net = *state;
    struct ends ends = pipe_new(net);

    assert_int_equal(prong_pipe(net->client.socket, net->accepted.socket), 0);
    net_raw_reset(ends.in);
    run_until(net, &net->client, "close");
    assert_events(&net->accepted, "error close");
    assert_events(&net->client, "error close");
    close(ends.out);
}

static void a_pipe_may_be_made_before_both_are_connected(void **state)
{
    struct net *net = *state;
    struct prong_address address;
    int listener = net_raw_listener("127.0.0.1", &address), out;
    char bytes[8];
    int in;

    net->options.pause_on_connect = true;
    in = net_raw_pair(net);
    assert_int_equal(write(in, "early", 5), 5);
    net_client(net, NULL);
    assert_int_equal(prong_socket_connect_address(net->client.socket, &address), 0);
    assert_int_equal(prong_pipe(net->accepted.socket, net->client.socket), 0);
    run_until(net, &net->client, "connect");
    out = accept(listener, NULL, NULL);
    run_idle(net);
    assert_int_equal(recv(out, bytes, sizeof(bytes), 0), 5);
    close(out);
    close(in);
    close(listener);
}

static void give_back(struct record *record)
{
    record->then = NULL;
    assert_int_equal(prong_socket_unread(record->socket, record->bytes + 2, 3), 0);
    assert_int_equal(prong_pipe(record->socket, record->net->client.socket), 0);
}

static void bytes_that_were_given_back_come_first(void **state)
{
    struct net *net = *state;
    struct ends ends = pipe_new(net);
    char bytes[8];

    prong_unpipe(net->accepted.socket);
    net->accepted.when = "data";
    net->accepted.then = give_back;
    assert_int_equal(write(ends.in, "ab123", 5), 5);
    run_until(net, &net->accepted, "data:5");
    run_idle(net);
    assert_int_equal(recv(ends.out, bytes, sizeof(bytes), 0), 3);
    assert_memory_equal(bytes, "123", 3);
    close_ends(&ends);
}

static void unpipe_gives_the_bytes_back_to_on_data(void **state)
{
    struct net *net = *state;
    struct ends ends = pipe_new(net);

    prong_unpipe(net->accepted.socket);
    prong_unpipe(net->accepted.socket);
    assert_int_equal(write(ends.in, "x", 1), 1);
    run_until(net, &net->accepted, "data:1");
    close_ends(&ends);
}

static void a_detached_end_leaves_the_other_one_alone(void **state)
{
    struct net *net = *state;
    struct ends ends = pipe_new(net);
    struct prong_socket_image image;

    assert_int_equal(prong_socket_detach(net->client.socket, &image), 0);
    net->client.socket = NULL;
    assert_int_equal(write(ends.in, "x", 1), 1);
    run_until(net, &net->accepted, "data:1");
    prong_socket_image_clear(&image);
    close_ends(&ends);
}

static void a_detached_source_is_not_paused_by_its_pipe(void **state)
{
    struct net *net = *state;
    struct ends ends = pipe_new(net);
    struct prong_socket_image image;

    prong_socket_set_high_water_mark(net->client.socket, 0);
    prong_socket_cork(net->client.socket);
    assert_int_equal(write(ends.in, "x", 1), 1);
    run_idle(net);
    assert_true(prong_socket_is_paused(net->accepted.socket));
    assert_int_equal(prong_socket_detach(net->accepted.socket, &image), 0);
    net->accepted.socket = NULL;
    assert_false(image.paused);
    prong_socket_image_clear(&image);
    run_idle(net);
    assert_int_equal(prong_socket_state(net->client.socket), PRONG_SOCKET_OPEN);
    close_ends(&ends);
}

static void a_full_target_makes_its_source_wait_from_the_start(void **state)
{
    struct net *net = *state;
    struct ends ends = pipe_new(net);

    prong_unpipe(net->accepted.socket);
    prong_socket_set_high_water_mark(net->client.socket, 0);
    prong_socket_cork(net->client.socket);
    assert_int_equal(prong_socket_write(net->client.socket, "x", 1), 1);
    assert_int_equal(prong_pipe(net->accepted.socket, net->client.socket), 0);
    assert_true(prong_socket_is_paused(net->accepted.socket));
    prong_socket_uncork(net->client.socket);
    run_until(net, &net->client, "drain");
    assert_false(prong_socket_is_paused(net->accepted.socket));
    close_ends(&ends);
}

static void what_makes_no_sense_is_refused(void **state)
{
    struct net *net = *state;
    struct ends ends = pipe_new(net);
    struct prong_socket *fresh = prong_socket_new(net->loop, NULL, NULL, NULL);

    assert_int_equal(prong_pipe(net->accepted.socket, net->client.socket), -EALREADY);
    assert_int_equal(prong_pipe(net->client.socket, net->client.socket), -EINVAL);
    assert_int_equal(prong_pipe(net->client.socket, fresh), -ENOTCONN);
    assert_int_equal(prong_socket_state(fresh), PRONG_SOCKET_NEW);
    prong_unpipe(net->accepted.socket);
    prong_socket_end(net->client.socket);
    assert_int_equal(prong_pipe(net->accepted.socket, net->client.socket), PRONG_EENDED);
    shutdown(ends.in, SHUT_WR);
    run_until(net, &net->accepted, "end");
    assert_int_equal(prong_pipe(net->accepted.socket, net->client.socket), -EINVAL);
    prong_socket_destroy(net->client.socket, 0);
    assert_int_equal(prong_pipe(net->accepted.socket, net->client.socket), PRONG_EDESTROYED);
    prong_socket_destroy(fresh, 0);
    close_ends(&ends);
}

static const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, net_setup, net_teardown)
    TEST(bytes_go_from_source_to_target),
    TEST(a_full_target_pauses_its_source_until_it_is_empty),
    TEST(the_end_of_the_source_ends_the_target_behind_the_last_byte),
    TEST(a_source_that_fails_takes_its_target_along),
    TEST(a_target_that_closes_takes_its_source_along),
    TEST(a_target_that_was_ended_breaks_the_pipe_with_the_next_byte),
    TEST(both_directions_are_two_pipes),
    TEST(both_fail_together),
    TEST(a_pipe_may_be_made_before_both_are_connected),
    TEST(bytes_that_were_given_back_come_first),
    TEST(unpipe_gives_the_bytes_back_to_on_data),
    TEST(a_detached_end_leaves_the_other_one_alone),
    TEST(a_detached_source_is_not_paused_by_its_pipe),
    TEST(a_full_target_makes_its_source_wait_from_the_start),
    TEST(what_makes_no_sense_is_refused),
};

int main(void)
{
    return cmocka_run_group_tests(tests, NULL, NULL);
}
