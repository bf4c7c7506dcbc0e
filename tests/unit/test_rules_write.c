/* SPDX-License-Identifier: MIT
 *
 * The rules of writing, R72 to R80: what leaves when, what is said of it, and what is counted.
 */
#include "net_fixture.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#define BIG ((size_t)8 << 20)

/* Linked with --wrap: system calls that send, and the most pieces that one had. */
static unsigned sends;
static size_t most_pieces;

ssize_t __real_send(int fd, const void *bytes, size_t size, int flags);
ssize_t __wrap_send(int fd, const void *bytes, size_t size, int flags);
ssize_t __real_sendmsg(int fd, const struct msghdr *message, int flags);
ssize_t __wrap_sendmsg(int fd, const struct msghdr *message, int flags);

ssize_t __wrap_send(int fd, const void *bytes, size_t size, int flags)
{
    sends++;
    return __real_send(fd, bytes, size, flags);
}

ssize_t __wrap_sendmsg(int fd, const struct msghdr *message, int flags)
{
    sends++;
    if (message->msg_iovlen > most_pieces)
        most_pieces = message->msg_iovlen;
    return __real_sendmsg(fd, message, flags);
}

static char *big;

static int setup(void **state)
{
    sends = 0;
    most_pieces = 0;
    big = calloc(1, BIG);
    return big == NULL ? -1 : net_setup(state);
}

static int teardown(void **state)
{
    int result = net_teardown(state);

    free(big);
    return result;
}

/* A client whose queue is not empty, because the server does not read. */
static void fill(struct net *net)
{
    net_pair(net);
    prong_socket_pause(net->accepted.socket);
    forget(&net->client);
    assert_int_equal(prong_socket_write(net->client.socket, big, BIG), 1);
    assert_true(prong_socket_queue_bytes(net->client.socket) > 0);
}

static void drain(struct net *net)
{
    prong_socket_resume(net->accepted.socket);
    run_until(net, &net->client, "drain");
}

/* --- What leaves when --- */

static void r072_a_write_goes_to_the_kernel_at_once(void **state)
{
    struct net *net = *state;

    net_pair(net);
    assert_int_equal(prong_socket_write(net->client.socket, "now", 3), 0);
    assert_int_equal(sends, 1);
    assert_int_equal(prong_socket_bytes_written(net->client.socket), 3);
    assert_int_equal(prong_socket_queue_bytes(net->client.socket), 0);
}

static void r073_the_answer_is_about_what_is_left(void **state)
{
    struct net *net = *state;

    net_pair(net);
    prong_socket_set_high_water_mark(net->client.socket, 1000);
    assert_int_equal(prong_socket_write(net->client.socket, big, 100000), 0);
    assert_int_equal(prong_socket_queue_bytes(net->client.socket), 0);
    prong_socket_cork(net->client.socket);
    assert_int_equal(prong_socket_write(net->client.socket, big, 999), 0);
    assert_int_equal(prong_socket_write(net->client.socket, big, 1), 1);
    assert_int_equal(prong_socket_queue_bytes(net->client.socket), 1000); /* accepted as well */
    assert_true(prong_socket_needs_drain(net->client.socket));
}

static void r074_only_unsent_bytes_are_in_the_queue(void **state)
{
    struct net *net = *state;

    fill(net);
    assert_int_equal(prong_socket_queue_bytes(net->client.socket) +
                         prong_socket_bytes_written(net->client.socket),
                     BIG);
    assert_true(prong_socket_bytes_written(net->client.socket) > 0);
}

static void r075_drain_comes_once_when_the_queue_is_empty(void **state)
{
    struct net *net = *state;

    fill(net);
    assert_int_equal(prong_socket_write(net->client.socket, big, 1), 1);
    drain(net);
    assert_int_equal(prong_socket_queue_bytes(net->client.socket), 0);
    run_until_bytes(net, &net->accepted, BIG + 1);
    assert_events(&net->client, "drain");
    assert_false(prong_socket_needs_drain(net->client.socket));
}

static void r075_no_drain_for_a_write_that_said_go_on(void **state)
{
    struct net *net = *state;

    net_pair(net);
    prong_socket_cork(net->client.socket);
    assert_int_equal(prong_socket_write(net->client.socket, "x", 1), 0);
    prong_socket_uncork(net->client.socket);
    run_until_bytes(net, &net->accepted, 1);
    run_idle(net);
    assert_events(&net->client, "connect");
}

static void r075_no_drain_after_end(void **state)
{
    struct net *net = *state;

    fill(net);
    prong_socket_end(net->client.socket);
    prong_socket_resume(net->accepted.socket);
    run_until(net, &net->client, "close");
    assert_events(&net->client, "finish end close");
}

static void r076_the_mark_is_64_kib_and_can_be_changed(void **state)
{
    struct net *net = *state;

    net_pair(net);
    assert_int_equal(prong_socket_high_water_mark(net->client.socket), PRONG_HIGH_WATER_MARK);
    prong_socket_cork(net->client.socket);
    assert_int_equal(prong_socket_write(net->client.socket, big, PRONG_HIGH_WATER_MARK - 1), 0);
    assert_int_equal(prong_socket_write(net->client.socket, big, 1), 1);
}

static void r076_at_mark_0_every_queued_write_waits(void **state)
{
    struct net *net = *state;

    net_listen(net);
    net_connect(net);
    prong_socket_set_high_water_mark(net->client.socket, 0);
    assert_int_equal(prong_socket_write(net->client.socket, "x", 1), 1);
    run_until(net, &net->client, "drain");
    assert_int_equal(prong_socket_write(net->client.socket, "x", 1), 0); /* sent, not queued */
}

static void r078_a_write_of_nothing_is_told_and_sends_nothing(void **state)
{
    struct net *net = *state;

    net_pair(net);
    forget(&net->client);
    assert_int_equal(prong_socket_write_then(net->client.socket, "", 0, note_written, "a"), 0);
    assert_events(&net->client, "");
    run_idle(net);
    assert_events(&net->client, "written:a");
    assert_int_equal(sends, 0);
}

/* --- Gathered --- */

static void r079_corked_writes_leave_as_one(void **state)
{
    struct net *net = *state;

    net_pair(net);
    prong_socket_cork(net->client.socket);
    prong_socket_cork(net->client.socket);
    assert_int_equal(prong_socket_corked(net->client.socket), 2);
    for (int i = 0; i < 3; i++)
        prong_socket_write(net->client.socket, big, 3000);
    prong_socket_uncork(net->client.socket);
    run_idle(net);
    assert_int_equal(sends, 0);
    prong_socket_uncork(net->client.socket);
    assert_int_equal(sends, 1);
    assert_true(most_pieces > 1);
    run_until_bytes(net, &net->accepted, 9000);
}

static void r079_end_uncorks(void **state)
{
    struct net *net = *state;

    net_pair(net);
    prong_socket_cork(net->client.socket);
    prong_socket_write(net->client.socket, "bye", 3);
    prong_socket_end(net->client.socket);
    run_until(net, &net->accepted, "close");
    assert_events(&net->accepted, "data:3 end finish close");
}

static void r079_a_corked_socket_whose_peer_ends_still_ends(void **state)
{
    struct net *net = *state;
    int fd = net_raw_pair(net);
    char bytes[8];

    prong_socket_cork(net->accepted.socket);
    prong_socket_write(net->accepted.socket, "bye", 3);
    shutdown(fd, SHUT_WR);
    run_until(net, &net->accepted, "close");
    assert_int_equal(recv(fd, bytes, sizeof(bytes), MSG_WAITALL), 3);
    close(fd);
}

static void r079_queued_writes_leave_together(void **state)
{
    struct net *net = *state;
    struct iovec pieces[] = {
        {(char *)(uintptr_t) "ab", 2}, {NULL, 0}, {(char *)(uintptr_t) "c", 1}};

    net_listen(net);
    net_connect(net);
    prong_socket_write(net->client.socket, "1", 1);
    prong_socket_writev(net->client.socket, pieces, 3);
    prong_socket_write(net->client.socket, big, 10000);
    run_until_bytes(net, &net->accepted, 10004);
    assert_int_equal(sends, 1);
    assert_memory_equal(net->accepted.bytes, "1abc", 4);
}

/* --- Counted --- */

static void r080_written_is_what_the_kernel_took(void **state)
{
    struct net *net = *state;
    struct prong_socket *socket;
    uint64_t taken;

    fill(net);
    socket = net->client.socket;
    prong_socket_hold(socket);
    taken = prong_socket_bytes_written(socket);
    assert_true(taken < BIG);
    prong_socket_destroy(socket, 0);
    assert_int_equal(prong_socket_bytes_written(socket), taken);
    assert_int_equal(prong_socket_queue_bytes(socket), 0);
    run_until(net, &net->client, "close");
    assert_int_equal(prong_socket_bytes_written(socket), taken);
    prong_socket_release(socket);
}

static void r080_before_the_connect_nothing_is_written_yet(void **state)
{
    struct net *net = *state;

    net_listen(net);
    net_connect(net);
    prong_socket_write(net->client.socket, "12345", 5);
    assert_int_equal(prong_socket_bytes_written(net->client.socket), 0);
    assert_int_equal(prong_socket_queue_bytes(net->client.socket), 5);
    run_until_bytes(net, &net->accepted, 5);
    assert_int_equal(prong_socket_bytes_written(net->client.socket), 5);
    assert_int_equal(prong_server_counters(net->server)->bytes_read, 5);
}

/* --- What may wait at all --- */

/* A server's socket whose peer does not read. */
static void stop_reading(struct net *net)
{
    net_pair(net);
    prong_socket_pause(net->client.socket);
    forget(&net->accepted);
}

static uint64_t queued(const struct net *net)
{
    return prong_server_counters(net->server)->bytes_queued;
}

static void a_server_knows_how_much_waits(void **state)
{
    struct net *net = *state;

    stop_reading(net);
    assert_int_equal(queued(net), 0);
    assert_int_equal(prong_socket_write(net->accepted.socket, big, BIG), 1);
    assert_int_equal(queued(net), prong_socket_queue_bytes(net->accepted.socket));
    prong_socket_resume(net->client.socket);
    run_until(net, &net->accepted, "drain");
    assert_int_equal(queued(net), 0);
    prong_socket_pause(net->client.socket);
    assert_int_equal(prong_socket_write(net->accepted.socket, big, BIG), 1);
    assert_true(queued(net) > 0);
    prong_socket_destroy(net->accepted.socket, 0);
    assert_int_equal(queued(net), 0);
}

static void a_loop_knows_how_much_waits_on_all_its_sockets(void **state)
{
    struct net *net = *state;

    stop_reading(net);
    prong_socket_pause(net->accepted.socket);
    assert_int_equal(prong_socket_write(net->accepted.socket, big, BIG), 1);
    assert_int_equal(prong_socket_write(net->client.socket, big, BIG), 1);
    assert_int_equal(prong_loop_bytes_queued(net->loop),
                     queued(net) + prong_socket_queue_bytes(net->client.socket));
    prong_socket_destroy(net->client.socket, 0);
    assert_int_equal(prong_loop_bytes_queued(net->loop), queued(net));
    prong_socket_destroy(net->accepted.socket, 0);
    assert_int_equal(prong_loop_bytes_queued(net->loop), 0);
}

static void what_waits_moves_with_its_socket(void **state)
{
    struct net *net = *state;
    struct prong_socket_image image;
    struct prong_socket *socket;
    uint64_t before;

    stop_reading(net);
    assert_int_equal(prong_socket_write(net->accepted.socket, big, BIG), 1);
    before = queued(net);
    assert_int_equal(prong_socket_detach(net->accepted.socket, &image), 0);
    assert_int_equal(queued(net), 0);
    assert_int_equal(prong_loop_bytes_queued(net->loop), 0);
    socket = prong_socket_attach(net->loop, net->server, &image, 0, NULL, NULL);
    assert_non_null(socket);
    assert_int_equal(queued(net), before);
    assert_int_equal(prong_loop_bytes_queued(net->loop), before);
    prong_socket_destroy(socket, 0);
    assert_int_equal(queued(net), 0);
    assert_int_equal(prong_loop_bytes_queued(net->loop), 0);
}

static void more_than_may_wait_closes_the_connection(void **state)
{
    struct net *net = *state;
    int result = 0;

    net->options.max_queue_bytes = 100000;
    stop_reading(net);
    for (unsigned i = 0; i < 100000 && result >= 0; i++) {
        result = prong_socket_write(net->accepted.socket, big, 1000);
        assert_true(queued(net) <= 100000);
    }
    assert_int_equal(result, -ENOBUFS);
    assert_int_equal(queued(net), 0);
    run_until(net, &net->accepted, "close");
    assert_int_equal(net->accepted.error.code, -ENOBUFS);
    assert_string_equal(net->accepted.error.syscall, "write");
}

static void the_room_of_a_queue_is_known(void **state)
{
    struct net *net = *state;

    net->options.max_queue_bytes = BIG;
    stop_reading(net);
    assert_int_equal(prong_socket_queue_room(net->client.socket), SIZE_MAX);
    assert_int_equal(prong_socket_queue_room(net->accepted.socket), BIG);
    assert_int_equal(prong_socket_write(net->accepted.socket, big, BIG), 1);
    assert_int_equal(prong_socket_queue_room(net->accepted.socket), BIG - queued(net));
    prong_socket_cork(net->accepted.socket);
    assert_int_equal(prong_socket_write(net->accepted.socket, big, BIG - queued(net)), 1);
    assert_int_equal(prong_socket_queue_room(net->accepted.socket), 0);
}

static void who_writes_on_is_known_until_all_is_sent(void **state)
{
    struct net *net = *state;

    fill(net);
    assert_false(prong_socket_wrote_on(net->client.socket));
    assert_int_equal(prong_socket_write(net->client.socket, "x", 1), 1);
    assert_true(prong_socket_wrote_on(net->client.socket));
    drain(net);
    assert_false(prong_socket_wrote_on(net->client.socket));
}

static const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    TEST(r072_a_write_goes_to_the_kernel_at_once),
    TEST(r073_the_answer_is_about_what_is_left),
    TEST(r074_only_unsent_bytes_are_in_the_queue),
    TEST(r075_drain_comes_once_when_the_queue_is_empty),
    TEST(r075_no_drain_for_a_write_that_said_go_on),
    TEST(r075_no_drain_after_end),
    TEST(r076_the_mark_is_64_kib_and_can_be_changed),
    TEST(r076_at_mark_0_every_queued_write_waits),
    TEST(r078_a_write_of_nothing_is_told_and_sends_nothing),
    TEST(r079_corked_writes_leave_as_one),
    TEST(r079_end_uncorks),
    TEST(who_writes_on_is_known_until_all_is_sent),
    TEST(a_server_knows_how_much_waits),
    TEST(a_loop_knows_how_much_waits_on_all_its_sockets),
    TEST(the_room_of_a_queue_is_known),
    TEST(what_waits_moves_with_its_socket),
    TEST(more_than_may_wait_closes_the_connection),
    TEST(r079_a_corked_socket_whose_peer_ends_still_ends),
    TEST(r079_queued_writes_leave_together),
    TEST(r080_written_is_what_the_kernel_took),
    TEST(r080_before_the_connect_nothing_is_written_yet),
};

int main(void)
{
    return cmocka_run_group_tests(tests, NULL, NULL);
}
