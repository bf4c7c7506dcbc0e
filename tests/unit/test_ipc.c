/* SPDX-License-Identifier: MIT
 *
 * Frames with descriptors between two ends of a channel.
 */
#include "ipc.h"

#include <errno.h>
#include <ev.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* The next call of sendmsg() fails with this, unless it is 0 (linked with --wrap). */
static int next_send_error;

ssize_t __real_sendmsg(int fd, const struct msghdr *message, int flags);
ssize_t __wrap_sendmsg(int fd, const struct msghdr *message, int flags);

ssize_t __wrap_sendmsg(int fd, const struct msghdr *message, int flags)
{
    if (next_send_error == 0)
        return __real_sendmsg(fd, message, flags);
    errno = next_send_error;
    next_send_error = 0;
    return -1;
}

/* What one end saw. */
struct seen {
    unsigned frames;
    unsigned type;
    size_t size;
    char bytes[64];
    size_t fd_count;
    int fds[IPC_MAX_FDS];
    unsigned closes;
    int error;
    bool free_on_frame;
    bool free_on_close;
};

/* Two ends on one loop; an end that a test uses raw has no `ipc`. */
struct pair {
    struct ev_loop *loop;
    int raw; /* the other end as a bare descriptor, or -1 */
    struct ipc *near;
    struct ipc *far;
    struct seen near_seen;
    struct seen far_seen;
};

static void forget(struct pair *pair, struct ipc *ipc)
{
    if (pair->near == ipc)
        pair->near = NULL;
    else
        pair->far = NULL;
    ipc_free(ipc);
}

static void on_frame(struct ipc *ipc, const struct ipc_frame *frame, void *user)
{
    struct pair *pair = user;
    struct seen *seen = ipc == pair->near ? &pair->near_seen : &pair->far_seen;

    assert_int_equal(seen->closes, 0);
    seen->frames++;
    seen->type = frame->type;
    seen->size = frame->size;
    seen->fd_count = frame->fd_count;
    memcpy(seen->bytes, frame->payload,
           frame->size < sizeof(seen->bytes) ? frame->size : sizeof(seen->bytes));
    for (size_t i = 0; i < frame->fd_count; i++)
        seen->fds[i] = frame->fds[i];
    if (seen->free_on_frame)
        forget(pair, ipc);
}

static void on_close(struct ipc *ipc, int error, void *user)
{
    struct pair *pair = user;
    struct seen *seen = ipc == pair->near ? &pair->near_seen : &pair->far_seen;

    seen->closes++;
    seen->error = error;
    if (seen->free_on_close)
        forget(pair, ipc);
}

static const struct ipc_events events = {.on_frame = on_frame, .on_close = on_close};

static int open_pair(void **state)
{
    struct pair *pair = calloc(1, sizeof(*pair));
    int fds[2];

    pair->loop = ev_loop_new(EVFLAG_NOENV | EVBACKEND_EPOLL);
    assert_int_equal(ipc_pair(fds), 0);
    pair->raw = -1;
    pair->near = ipc_new(pair->loop, fds[0], &events, pair);
    pair->far = ipc_new(pair->loop, fds[1], &events, pair);
    *state = pair;
    return 0;
}

static int open_half(void **state)
{
    struct pair *pair = calloc(1, sizeof(*pair));
    int fds[2];

    pair->loop = ev_loop_new(EVFLAG_NOENV | EVBACKEND_EPOLL);
    assert_int_equal(ipc_pair(fds), 0);
    pair->near = ipc_new(pair->loop, fds[0], &events, pair);
    pair->raw = fds[1];
    *state = pair;
    return 0;
}

static int close_pair(void **state)
{
    struct pair *pair = *state;

    ipc_free(pair->near);
    ipc_free(pair->far);
    if (pair->raw >= 0)
        (void)close(pair->raw);
    ev_loop_destroy(pair->loop);
    free(pair);
    return 0;
}

/* Turns the loop until nothing happens any more. */
static void settle(struct pair *pair)
{
    for (unsigned i = 0; i < 100; i++)
        ev_run(pair->loop, EVRUN_NOWAIT);
}

static unsigned open_descriptors(void)
{
    unsigned count = 0;

    for (int fd = 0; fd < 1024; fd++)
        count += fcntl(fd, F_GETFD) >= 0;
    return count;
}

static void a_frame_arrives_as_it_was_sent(void **state)
{
    struct pair *pair = *state;

    assert_int_equal(ipc_send(pair->near, 7, "hello", 6, NULL, 0), 0);
    settle(pair);
    assert_int_equal(pair->far_seen.frames, 1);
    assert_int_equal(pair->far_seen.type, 7);
    assert_int_equal(pair->far_seen.size, 6);
    assert_string_equal(pair->far_seen.bytes, "hello");
    assert_int_equal(pair->far_seen.fd_count, 0);
}

static void a_frame_may_be_empty_or_as_large_as_allowed(void **state)
{
    struct pair *pair = *state;
    char *payload = malloc(IPC_MAX_PAYLOAD + 1);

    memset(payload, 'x', IPC_MAX_PAYLOAD + 1);
    assert_int_equal(ipc_send(pair->near, 0, NULL, 0, NULL, 0), 0);
    settle(pair);
    assert_int_equal(pair->far_seen.frames, 1);
    assert_int_equal(pair->far_seen.size, 0);
    assert_int_equal(ipc_send(pair->near, UINT32_MAX, payload, IPC_MAX_PAYLOAD, NULL, 0), 0);
    settle(pair);
    assert_int_equal(pair->far_seen.type, UINT32_MAX);
    assert_int_equal(pair->far_seen.size, IPC_MAX_PAYLOAD);
    assert_int_equal(ipc_send(pair->near, 1, payload, IPC_MAX_PAYLOAD + 1, NULL, 0), -EMSGSIZE);
    free(payload);
}

static void descriptors_travel_and_are_close_on_exec(void **state)
{
    struct pair *pair = *state;
    int fds[2];
    char byte = 0;

    assert_int_equal(pipe(fds), 0);
    assert_int_equal(ipc_send(pair->near, 1, "", 0, &fds[1], 1), 0);
    (void)close(fds[1]);
    settle(pair);
    assert_int_equal(pair->far_seen.fd_count, 1);
    assert_true(fcntl(pair->far_seen.fds[0], F_GETFD) & FD_CLOEXEC);
    assert_int_equal(write(pair->far_seen.fds[0], "!", 1), 1);
    assert_int_equal(read(fds[0], &byte, 1), 1);
    assert_int_equal(byte, '!');
    (void)close(fds[0]);
    (void)close(pair->far_seen.fds[0]);
}

static void as_many_descriptors_as_allowed_travel_in_one_frame(void **state)
{
    struct pair *pair = *state;
    int fds[IPC_MAX_FDS + 1];

    for (size_t i = 0; i < COUNT(fds); i++)
        fds[i] = STDIN_FILENO;
    assert_int_equal(ipc_send(pair->near, 1, "", 0, fds, IPC_MAX_FDS + 1), -EMSGSIZE);
    assert_int_equal(ipc_send(pair->near, 1, "", 0, fds, IPC_MAX_FDS), 0);
    settle(pair);
    assert_int_equal(pair->far_seen.fd_count, IPC_MAX_FDS);
    for (size_t i = 0; i < IPC_MAX_FDS; i++)
        assert_int_equal(close(pair->far_seen.fds[i]), 0);
}

/* Sends numbered frames until one has to wait.  Returns how many were sent or queued. */
static unsigned send_until_queued(struct pair *pair)
{
    static char payload[60000];
    unsigned number = 0;
    int result;

    do
        result = ipc_send(pair->near, number++, payload, sizeof(payload), NULL, 0);
    while (result == 0);
    assert_int_equal(result, 1);
    return number;
}

static void what_the_kernel_does_not_take_waits_and_arrives_in_order(void **state)
{
    struct pair *pair = *state;
    unsigned sent = send_until_queued(pair);

    for (unsigned i = 0; i < 50; i++)
        assert_int_equal(ipc_send(pair->near, sent + i, "small", 5, NULL, 0), 1);
    assert_int_equal(ipc_queued(pair->near), 51);
    settle(pair);
    assert_int_equal(ipc_queued(pair->near), 0);
    assert_int_equal(pair->far_seen.frames, sent + 50);
    assert_int_equal(pair->far_seen.type, sent + 49);
    assert_int_equal(ipc_send(pair->near, 1, NULL, 0, NULL, 0), 0);
}

static void a_queued_frame_keeps_copies_of_payload_and_descriptors(void **state)
{
    struct pair *pair = *state;
    unsigned before = open_descriptors();
    char payload[] = "kept";
    int fds[2];

    (void)send_until_queued(pair);
    assert_int_equal(pipe(fds), 0);
    assert_int_equal(ipc_send(pair->near, 5, payload, 5, fds, 2), 1);
    (void)close(fds[0]);
    (void)close(fds[1]);
    memset(payload, 0, sizeof(payload));
    settle(pair);
    assert_string_equal(pair->far_seen.bytes, "kept");
    assert_int_equal(pair->far_seen.fd_count, 2);
    assert_int_equal(write(pair->far_seen.fds[1], "!", 1), 1);
    (void)close(pair->far_seen.fds[0]);
    (void)close(pair->far_seen.fds[1]);
    assert_int_equal(open_descriptors(), before);
}

static void freeing_closes_the_descriptors_that_wait(void **state)
{
    struct pair *pair = *state;
    unsigned before = open_descriptors();
    int fds[2];

    (void)send_until_queued(pair);
    assert_int_equal(pipe(fds), 0);
    assert_int_equal(ipc_send(pair->near, 5, NULL, 0, fds, 2), 1);
    (void)close(fds[0]);
    (void)close(fds[1]);
    ipc_free(pair->near);
    pair->near = NULL;
    assert_int_equal(open_descriptors(), before - 1);
}

static void too_many_descriptors_in_flight_is_a_matter_of_waiting(void **state)
{
    static const int errors[] = {ETOOMANYREFS, ENOBUFS, ENOMEM};
    struct pair *pair = *state;

    for (size_t i = 0; i < COUNT(errors); i++) {
        next_send_error = errors[i];
        assert_int_equal(ipc_send(pair->near, 1, NULL, 0, NULL, 0), 1);
        assert_int_equal(ipc_queued(pair->near), 1);
        while (pair->far_seen.frames == i)
            ev_run(pair->loop, EVRUN_ONCE);
        assert_int_equal(ipc_queued(pair->near), 0);
    }
    assert_int_equal(pair->near_seen.closes, 0);
}

static void a_failure_of_a_direct_send_is_returned(void **state)
{
    struct pair *pair = *state;

    next_send_error = EPERM;
    assert_int_equal(ipc_send(pair->near, 1, NULL, 0, NULL, 0), -EPERM);
    assert_int_equal(pair->near_seen.closes, 0);
}

static void a_failure_of_a_queued_send_closes_the_channel(void **state)
{
    struct pair *pair = *state;

    next_send_error = EAGAIN;
    assert_int_equal(ipc_send(pair->near, 1, NULL, 0, NULL, 0), 1);
    next_send_error = EPERM;
    settle(pair);
    assert_int_equal(pair->near_seen.closes, 1);
    assert_int_equal(pair->near_seen.error, -EPERM);
    assert_int_equal(ipc_queued(pair->near), 0);
}

static void the_end_of_the_other_side_is_told_once(void **state)
{
    struct pair *pair = *state;

    ipc_free(pair->far);
    pair->far = NULL;
    settle(pair);
    assert_int_equal(pair->near_seen.closes, 1);
    assert_int_equal(pair->near_seen.error, 0);
    assert_int_equal(ipc_send(pair->near, 1, NULL, 0, NULL, 0), -EPIPE);
}

static void frames_sent_before_the_end_arrive_before_it(void **state)
{
    struct pair *pair = *state;

    for (unsigned i = 0; i < 40; i++)
        assert_int_equal(ipc_send(pair->far, i, NULL, 0, NULL, 0), 0);
    ipc_free(pair->far);
    pair->far = NULL;
    settle(pair);
    assert_int_equal(pair->near_seen.frames, 40);
    assert_int_equal(pair->near_seen.closes, 1);
}

static void frames_arrive_from_a_side_that_ended_with_ours_unread(void **state)
{
    struct pair *pair = *state;

    (void)send_until_queued(pair);
    assert_int_equal(ipc_send(pair->far, 99, NULL, 0, NULL, 0), 0);
    ipc_free(pair->far);
    pair->far = NULL;
    settle(pair);
    assert_int_equal(pair->near_seen.type, 99);
    assert_int_equal(pair->near_seen.closes, 1);
    assert_int_equal(pair->near_seen.error, 0);
    assert_int_equal(ipc_queued(pair->near), 0);
}

static void a_frame_of_the_wrong_length_closes_the_channel(void **state)
{
    static const struct {
        uint32_t words[3];
        size_t size;
    } cases[] = {
        {{1, 0, 0}, 1},  {{1, 0, 0}, 7},           {{1, 1, 0}, 8},  {{1, 0, 0}, 9},
        {{1, 5, 0}, 12}, {{1, UINT32_MAX, 0}, 12}, {{1, 3, 0}, 12}, {{1, UINT32_MAX, 0}, 8},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct pair *pair;
        void *own;

        open_half(&own);
        pair = own;
        assert_int_equal(send(pair->raw, cases[i].words, cases[i].size, 0), cases[i].size);
        settle(pair);
        assert_int_equal(pair->near_seen.frames, 0);
        assert_int_equal(pair->near_seen.closes, 1);
        assert_int_equal(pair->near_seen.error, -EBADMSG);
        close_pair(&own);
    }
}

static void an_over_long_frame_closes_the_channel(void **state)
{
    struct pair *pair = *state;
    size_t size = IPC_MAX_PAYLOAD + 9;
    uint32_t *words = calloc(1, size);

    words[1] = IPC_MAX_PAYLOAD + 1;
    assert_int_equal(send(pair->raw, words, size, 0), size);
    settle(pair);
    assert_int_equal(pair->near_seen.frames, 0);
    assert_int_equal(pair->near_seen.error, -EBADMSG);
    free(words);
}

static void send_raw_fds(int socket, const void *bytes, size_t size, size_t fd_count)
{
    union {
        struct cmsghdr align;
        char bytes[CMSG_SPACE(128 * sizeof(int))];
    } control = {.bytes = {0}};
    char copy[64];
    struct iovec part = {copy, size};
    struct msghdr message = {.msg_iov = &part,
                             .msg_iovlen = 1,
                             .msg_control = control.bytes,
                             .msg_controllen = CMSG_SPACE(fd_count * sizeof(int))};
    struct cmsghdr *head = CMSG_FIRSTHDR(&message);
    int *fds = (void *)CMSG_DATA(head);

    memcpy(copy, bytes, size);
    head->cmsg_level = SOL_SOCKET;
    head->cmsg_type = SCM_RIGHTS;
    head->cmsg_len = CMSG_LEN(fd_count * sizeof(int));
    for (size_t i = 0; i < fd_count; i++)
        fds[i] = STDIN_FILENO;
    assert_int_equal(sendmsg(socket, &message, 0), size);
}

static void descriptors_of_a_broken_frame_are_closed(void **state)
{
    struct pair *pair = *state;
    const uint32_t words[2] = {1, 77};
    unsigned before = open_descriptors();

    send_raw_fds(pair->raw, words, sizeof(words), 3);
    settle(pair);
    assert_int_equal(pair->near_seen.error, -EBADMSG);
    assert_int_equal(open_descriptors(), before);
}

static void descriptors_lost_on_the_way_close_the_channel(void **state)
{
    struct pair *pair = *state;
    const uint32_t words[2] = {1, 0};
    unsigned before = open_descriptors();

    send_raw_fds(pair->raw, words, sizeof(words), IPC_MAX_FDS + 10);
    settle(pair);
    assert_int_equal(pair->near_seen.frames, 0);
    assert_int_equal(pair->near_seen.error, -EMSGSIZE);
    assert_int_equal(open_descriptors(), before);
}

static void a_receiver_short_of_descriptors_closes_the_channel(void **state)
{
    struct pair *pair = *state;
    struct rlimit old;
    struct rlimit low;
    int fds[IPC_MAX_FDS];

    for (size_t i = 0; i < COUNT(fds); i++)
        fds[i] = STDIN_FILENO;
    assert_int_equal(ipc_send(pair->near, 1, NULL, 0, fds, COUNT(fds)), 0);
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &old), 0);
    low = old;
    low.rlim_cur = open_descriptors() + 5;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &low), 0);
    settle(pair);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &old), 0);
    assert_int_equal(pair->far_seen.frames, 0);
    assert_int_equal(pair->far_seen.error, -EMSGSIZE);
}

static void a_channel_may_be_freed_from_on_frame(void **state)
{
    struct pair *pair = *state;

    pair->far_seen.free_on_frame = true;
    assert_int_equal(ipc_send(pair->near, 1, NULL, 0, NULL, 0), 0);
    assert_int_equal(ipc_send(pair->near, 2, NULL, 0, NULL, 0), 0);
    settle(pair);
    assert_int_equal(pair->far_seen.frames, 1);
    assert_int_equal(pair->far_seen.closes, 0);
    assert_int_equal(pair->near_seen.closes, 1);
}

static void a_channel_may_be_freed_from_on_close(void **state)
{
    struct pair *pair = *state;

    pair->near_seen.free_on_close = true;
    (void)send_until_queued(pair);
    ipc_free(pair->far);
    pair->far = NULL;
    settle(pair);
    assert_int_equal(pair->near_seen.closes, 1);
    assert_null(pair->near);
}

static void one_channel_does_not_keep_the_loop_from_others(void **state)
{
    struct pair *pair = *state;

    for (unsigned i = 0; i < 100; i++)
        assert_int_equal(ipc_send(pair->near, i, NULL, 0, NULL, 0), 0);
    ev_run(pair->loop, EVRUN_NOWAIT);
    assert_in_range(pair->far_seen.frames, 1, 99);
    settle(pair);
    assert_int_equal(pair->far_seen.frames, 100);
}

static void both_ends_are_non_blocking_and_close_on_exec(void **state)
{
    int fds[2];

    (void)state;
    assert_int_equal(ipc_pair(fds), 0);
    for (size_t i = 0; i < 2; i++) {
        assert_true(fcntl(fds[i], F_GETFL) & O_NONBLOCK);
        assert_true(fcntl(fds[i], F_GETFD) & FD_CLOEXEC);
        (void)close(fds[i]);
    }
}

static void nothing_is_freed_without_harm(void **state)
{
    (void)state;
    ipc_free(NULL);
}

#define PAIR(name) cmocka_unit_test_setup_teardown(name, open_pair, close_pair)
#define HALF(name) cmocka_unit_test_setup_teardown(name, open_half, close_pair)

int main(void)
{
    const struct CMUnitTest tests[] = {
        PAIR(a_frame_arrives_as_it_was_sent),
        PAIR(a_frame_may_be_empty_or_as_large_as_allowed),
        PAIR(descriptors_travel_and_are_close_on_exec),
        PAIR(as_many_descriptors_as_allowed_travel_in_one_frame),
        PAIR(what_the_kernel_does_not_take_waits_and_arrives_in_order),
        PAIR(a_queued_frame_keeps_copies_of_payload_and_descriptors),
        PAIR(freeing_closes_the_descriptors_that_wait),
        PAIR(too_many_descriptors_in_flight_is_a_matter_of_waiting),
        PAIR(a_failure_of_a_direct_send_is_returned),
        PAIR(a_failure_of_a_queued_send_closes_the_channel),
        PAIR(the_end_of_the_other_side_is_told_once),
        PAIR(frames_sent_before_the_end_arrive_before_it),
        PAIR(frames_arrive_from_a_side_that_ended_with_ours_unread),
        cmocka_unit_test(a_frame_of_the_wrong_length_closes_the_channel),
        HALF(an_over_long_frame_closes_the_channel),
        HALF(descriptors_of_a_broken_frame_are_closed),
        HALF(descriptors_lost_on_the_way_close_the_channel),
        PAIR(a_receiver_short_of_descriptors_closes_the_channel),
        PAIR(a_channel_may_be_freed_from_on_frame),
        PAIR(a_channel_may_be_freed_from_on_close),
        PAIR(one_channel_does_not_keep_the_loop_from_others),
        cmocka_unit_test(both_ends_are_non_blocking_and_close_on_exec),
        cmocka_unit_test(nothing_is_freed_without_harm),
    };

    return cmocka_run_group_tests_name("ipc", tests, NULL, NULL);
}
