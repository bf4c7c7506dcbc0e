/* SPDX-License-Identifier: MIT
 *
 * A channel whose other side breaks the rules, or whose kernel is short of something.
 */
#include "ipc.h"

#include <errno.h>
#include <ev.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "ipc_fixture.h"

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

static void descriptors_lost_on_the_way_take_the_others_with_them(void **state)
{
    struct pair *pair = *state;
    const uint32_t words[2] = {1, 0};
    unsigned before = open_descriptors();

    send_raw_fds(pair->raw, words, sizeof(words), IPC_MAX_FDS + 10);
    settle(pair);
    assert_int_equal(pair->near_seen.frames, 1);
    assert_int_equal(pair->near_seen.fd_count, 0);
    assert_int_equal(pair->near_seen.closes, 0);
    assert_int_equal(open_descriptors(), before);
}

/* A worker whose clients have its last descriptor must not lose its master for that. */
static void a_receiver_short_of_descriptors_gets_the_frame_without_them(void **state)
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
    assert_int_equal(pair->far_seen.frames, 1);
    assert_int_equal(pair->far_seen.fd_count, 0);
    assert_int_equal(pair->far_seen.closes, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        PAIR(too_many_descriptors_in_flight_is_a_matter_of_waiting),
        PAIR(a_failure_of_a_direct_send_is_returned),
        PAIR(a_failure_of_a_queued_send_closes_the_channel),
        cmocka_unit_test(a_frame_of_the_wrong_length_closes_the_channel),
        HALF(an_over_long_frame_closes_the_channel),
        HALF(descriptors_of_a_broken_frame_are_closed),
        HALF(descriptors_lost_on_the_way_take_the_others_with_them),
        PAIR(a_receiver_short_of_descriptors_gets_the_frame_without_them),
    };

    return cmocka_run_group_tests_name("failures of ipc", tests, NULL, NULL);
}
