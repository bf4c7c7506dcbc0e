/* SPDX-License-Identifier: MIT
 *
 * The ring: order, laps, and memory that was spoiled.
 */
#include "ring_fixture.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ring_layout.h"
#include "wild_write.h"

static void expect(struct ring *ring, uint64_t *position, const char *text)
{
    struct ring_message message;

    assert_int_equal(ring_read(ring, position, &message), RING_MESSAGE);
    assert_int_equal(message.size, strlen(text));
    assert_memory_equal(message.bytes, text, message.size);
}

static void publish(struct ring *ring, const char *text)
{
    assert_int_equal(ring_publish(ring, text, strlen(text)), 0);
}

static void messages_come_in_order_to_everybody(void **state)
{
    struct ring *one = view(state), *two = view(state);
    uint64_t here = 0, there = 0;
    struct ring_message message;

    assert_int_equal(ring_read(one, &here, &message), RING_EMPTY);
    publish(one, "first");
    publish(two, "second");
    publish(one, "");
    expect(one, &here, "first");
    expect(one, &here, "second");
    expect(one, &here, "");
    assert_int_equal(ring_read(one, &here, &message), RING_EMPTY);
    expect(two, &there, "first");
    assert_int_equal(there, 1);
    assert_int_equal(here, 3);
    assert_int_equal(ring_last(two), 3);
    ring_free(one);
    ring_free(two);
}

static void a_message_may_fill_a_quarter_and_no_more(void **state)
{
    struct ring *ring = view(state);
    size_t most = ring_message_most(ring);
    char *bytes = malloc(most + 1);
    struct ring_message message;
    uint64_t position = 0;

    memset(bytes, 'x', most + 1);
    assert_int_equal(most, RING_LEAST / 4);
    assert_int_equal(ring_publish(ring, bytes, most + 1), -EMSGSIZE);
    for (int i = 0; i < 20; i++) {
        bytes[0] = (char)i;
        assert_int_equal(ring_publish(ring, bytes, most), 0);
        assert_int_equal(ring_read(ring, &position, &message), RING_MESSAGE);
        assert_int_equal(message.size, most);
        assert_memory_equal(message.bytes, bytes, most);
    }
    free(bytes);
    ring_free(ring);
}

static void who_publishes_while_reading_spoils_nothing(void **state)
{
    struct ring *ring = view(state);
    struct ring_message message;
    uint64_t position = 0;

    publish(ring, "heard");
    assert_int_equal(ring_read(ring, &position, &message), RING_MESSAGE);
    publish(ring, "other");
    assert_memory_equal(message.bytes, "heard", 5);
    ring_free(ring);
}

static void who_is_lapped_is_told_how_many_are_lost(void **state)
{
    struct ring *ring = view(state);
    struct ring_message message;
    uint64_t position = 0, expected;
    char text[16];

    for (unsigned i = 1; i <= 2000; i++) {
        snprintf(text, sizeof(text), "%u", i);
        publish(ring, text);
    }
    assert_int_equal(ring_read(ring, &position, &message), RING_LOST);
    assert_int_equal(message.lost, position);
    assert_in_range(2000 - position, 500, RING_LEAST / RING_BYTES_PER_ENTRY);
    for (expected = position + 1; expected <= 2000; expected++) {
        snprintf(text, sizeof(text), "%u", (unsigned)expected);
        expect(ring, &position, text);
    }
    assert_int_equal(ring_read(ring, &position, &message), RING_EMPTY);
    ring_free(ring);
}

static void what_is_no_ring_is_not_opened(void **state)
{
    int empty = memfd_create("empty", MFD_CLOEXEC), wrong = ring_create(RING_LEAST);
    uint64_t version = RING_VERSION + 1;

    (void)state;
    assert_null(ring_open(empty));
    assert_int_equal(errno, EPROTO);
    assert_int_equal(
        pwrite(wrong, &version, sizeof(version), offsetof(struct ring_header, version)),
        sizeof(version));
    assert_null(ring_open(wrong));
    assert_int_equal(errno, EPROTO);
    assert_int_equal(ring_create(RING_LEAST - 1), -EINVAL);
    assert_int_equal(ring_create(RING_MOST + 1), -EINVAL);
}

static void two_rings_have_two_identities(void **state)
{
    struct ring *one = view(state), *same = view(state), *two = ring_open(ring_create(RING_LEAST));

    assert_int_equal(ring_identity(one), ring_identity(same));
    assert_true(ring_identity(one) != ring_identity(two));
    ring_free(one);
    ring_free(same);
    ring_free(two);
}

/* --- Memory that was spoiled --- */

static void spoil(void **state, size_t offset, uint64_t value)
{
    assert_int_equal(pwrite(*(int *)*state, &value, sizeof(value), (off_t)offset), sizeof(value));
}

static void a_message_that_was_spoiled_is_lost_and_the_next_is_heard(void **state)
{
    size_t bytes = RING_HEADER_SIZE + RING_LEAST / RING_BYTES_PER_ENTRY * sizeof(struct ring_entry);
    struct ring *ring = view(state);
    struct ring_message message;
    uint64_t position = 0;

    publish(ring, "spoiled.");
    publish(ring, "whole");
    spoil(state, bytes, 0);
    assert_int_equal(ring_read(ring, &position, &message), RING_LOST);
    assert_int_equal(message.lost, 1);
    expect(ring, &position, "whole");
    ring_free(ring);
}

static void a_spoiled_header_costs_messages_and_nothing_else(void **state)
{
    static const uint64_t values[] = {0, 1, UINT64_MAX, INT64_MAX, UINT64_C(1) << 40};
    static const size_t members[] = {offsetof(struct ring_header, first),
                                     offsetof(struct ring_header, last),
                                     offsetof(struct ring_header, end)};
    struct ring *ring = view(state);
    struct ring_message message;

    for (size_t member = 0; member < 3; member++) {
        for (size_t value = 0; value < sizeof(values) / sizeof(values[0]); value++) {
            uint64_t position = ring_last(ring);

            spoil(state, members[member], values[value]);
            publish(ring, "after that");
            for (int i = 0; i < 10 && ring_read(ring, &position, &message) != RING_EMPTY; i++)
                ;
            assert_int_equal(position, ring_last(ring));
            publish(ring, "and now");
            expect(ring, &position, "and now");
        }
    }
    ring_free(ring);
}

static void who_spoils_what_a_ring_is_dies_of_it_alone(void **state)
{
    struct ring *one = view(state);
    int status = wild_write("memfd:prong-broadcast");

    assert_true(WIFSIGNALED(status));
    assert_int_equal(WTERMSIG(status), SIGSEGV);
    ring_free(one);
    ring_free(view(state)); /* those who come later still know what it is */
}

static const struct CMUnitTest tests[] = {
    RING(messages_come_in_order_to_everybody),
    RING(a_message_may_fill_a_quarter_and_no_more),
    RING(who_publishes_while_reading_spoils_nothing),
    RING(who_is_lapped_is_told_how_many_are_lost),
    RING(what_is_no_ring_is_not_opened),
    RING(two_rings_have_two_identities),
    RING(a_message_that_was_spoiled_is_lost_and_the_next_is_heard),
    RING(a_spoiled_header_costs_messages_and_nothing_else),
    RING(who_spoils_what_a_ring_is_dies_of_it_alone),
};

int main(void)
{
    return cmocka_run_group_tests(tests, NULL, NULL);
}
