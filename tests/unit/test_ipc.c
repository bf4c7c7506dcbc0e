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
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "ipc_fixture.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

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

static void the_rest_of_a_dead_side_is_read_at_once(void **state)
{
    struct pair *pair = *state;

    (void)send_until_queued(pair);
    for (unsigned i = 0; i < 40; i++)
        assert_int_equal(ipc_send(pair->far, i, NULL, 0, NULL, 0), 0);
    ipc_free(pair->far);
    pair->far = NULL;
    ipc_read_rest(pair->near);
    assert_int_equal(pair->near_seen.frames, 40);
    assert_int_equal(pair->near_seen.closes, 1);
    ipc_read_rest(pair->near);
    assert_int_equal(pair->near_seen.closes, 1);
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
        PAIR(the_end_of_the_other_side_is_told_once),
        PAIR(frames_sent_before_the_end_arrive_before_it),
        PAIR(frames_arrive_from_a_side_that_ended_with_ours_unread),
        PAIR(the_rest_of_a_dead_side_is_read_at_once),
        PAIR(a_channel_may_be_freed_from_on_frame),
        PAIR(a_channel_may_be_freed_from_on_close),
        PAIR(one_channel_does_not_keep_the_loop_from_others),
        cmocka_unit_test(both_ends_are_non_blocking_and_close_on_exec),
        cmocka_unit_test(nothing_is_freed_without_harm),
    };

    return cmocka_run_group_tests_name("ipc", tests, NULL, NULL);
}
