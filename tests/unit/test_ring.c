/* SPDX-License-Identifier: MIT
 *
 * The ring: order, laps, memory that was spoiled, threads, and processes that are killed.
 */
#include "ring.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "ring_layout.h"

/* What a message of the stress tests says; the rest is filled with its own bytes. */
struct word {
    uint32_t producer;
    uint32_t number;
    uint32_t size;
};

#define LONGEST 600

static int open_ring(void **state)
{
    int *fd = malloc(sizeof(*fd));

    *fd = ring_create(RING_LEAST);
    *state = fd;
    return *fd < 0 ? -1 : 0;
}

static int close_ring(void **state)
{
    close(*(int *)*state);
    free(*state);
    return 0;
}

/* One more process' view of it, or thread's. */
static struct ring *view(void **state)
{
    struct ring *ring = ring_open(dup(*(int *)*state));

    assert_non_null(ring);
    return ring;
}

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

/* A wild pointer, in a process that has it mapped: how that one ends. */
static int scribble(void **state)
{
    char line[256];
    unsigned long start = 0;
    pid_t child = fork();
    FILE *maps;
    int status;

    if (child == 0) {
        (void)signal(SIGSEGV, SIG_DFL);
        (void)view(state);
        maps = fopen("/proc/self/maps", "re");
        while (start == 0 && fgets(line, sizeof(line), maps) != NULL)
            start = strstr(line, "memfd:prong-broadcast") != NULL ? strtoul(line, NULL, 16) : 0;
        if (start != 0)
            *(volatile uint64_t *)start = 0;
        _exit(0);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    return status;
}

static void who_spoils_what_a_ring_is_dies_of_it_alone(void **state)
{
    int status = scribble(state);

    assert_true(WIFSIGNALED(status));
    assert_int_equal(WTERMSIG(status), SIGSEGV);
    ring_free(view(state)); /* those who come later still know what it is */
}

/* --- Several at once --- */

static void fill_message(unsigned char *bytes, const struct word *word)
{
    memset(bytes, (int)(word->number % 251), word->size);
    memcpy(bytes, word, sizeof(*word));
}

static uint32_t size_for(uint32_t number)
{
    return (uint32_t)sizeof(struct word) + number * 37 % (LONGEST - (uint32_t)sizeof(struct word));
}

static void publish_number(struct ring *ring, uint32_t producer, uint32_t number)
{
    struct word word = {producer, number, size_for(number)};
    unsigned char bytes[LONGEST];

    fill_message(bytes, &word);
    while (ring_publish(ring, bytes, word.size) == -EBUSY)
        ;
}

#define PRODUCERS 3
#define MESSAGES  3000
#define READERS   3

struct job {
    struct ring *ring;
    uint32_t producer;
    uint64_t *order; /* what a reader saw: message `n` in place n; 0: lost */
    bool is_whole;   /* every message was what its producer sent, in its order */
};

static void *produce(void *argument)
{
    const struct job *job = argument;

    for (uint32_t i = 1; i <= MESSAGES; i++)
        publish_number(job->ring, job->producer, i);
    return NULL;
}

/* Is it a message as its producer sends them?  Threads may not assert. */
static bool is_whole(const struct ring_message *message, struct word *word)
{
    unsigned char bytes[LONGEST];

    if (message->size < sizeof(*word) || message->size > LONGEST)
        return false;
    memcpy(word, message->bytes, sizeof(*word));
    if (word->size != message->size || word->producer >= PRODUCERS + 1)
        return false;
    fill_message(bytes, word);
    return memcmp(bytes, message->bytes, message->size) == 0;
}

static void *hear(void *argument)
{
    struct job *job = argument;
    uint32_t heard[PRODUCERS + 1] = {0};
    struct ring_message message;
    uint64_t position = 0;
    struct word word = {0};

    while (position < (uint64_t)PRODUCERS * MESSAGES) {
        if (ring_read(job->ring, &position, &message) != RING_MESSAGE)
            continue;
        if (!is_whole(&message, &word) || word.number <= heard[word.producer])
            job->is_whole = false;
        heard[word.producer] = word.number;
        job->order[position] = (uint64_t)word.producer << 32 | word.number;
    }
    return NULL;
}

static void expect_one_order(const struct job *readers)
{
    for (size_t i = 1; i <= (size_t)PRODUCERS * MESSAGES; i++) {
        uint64_t seen = 0;

        for (int reader = 0; reader < READERS; reader++) {
            uint64_t own = readers[reader].order[i];

            assert_true(own == 0 || seen == 0 || own == seen);
            seen = own != 0 ? own : seen;
        }
    }
}

static void threads_publish_and_hear_in_one_order(void **state)
{
    struct job readers[READERS], producers[PRODUCERS];
    pthread_t threads[READERS + PRODUCERS];

    for (int i = 0; i < READERS; i++) {
        readers[i] = (struct job){.ring = view(state), .is_whole = true};
        readers[i].order = calloc((size_t)PRODUCERS * MESSAGES + 1, sizeof(uint64_t));
        pthread_create(&threads[i], NULL, hear, &readers[i]);
    }
    for (int i = 0; i < PRODUCERS; i++) {
        producers[i] = (struct job){.ring = view(state), .producer = (uint32_t)i};
        pthread_create(&threads[READERS + i], NULL, produce, &producers[i]);
    }
    for (int i = 0; i < READERS + PRODUCERS; i++)
        pthread_join(threads[i], NULL);
    expect_one_order(readers);
    for (int i = 0; i < READERS; i++) {
        assert_true(readers[i].is_whole);
        free(readers[i].order);
        ring_free(readers[i].ring);
    }
    for (int i = 0; i < PRODUCERS; i++)
        ring_free(producers[i].ring);
}

/* In a child: publishes until it is killed. */
static pid_t start_producer(void **state, uint32_t producer, uint32_t number)
{
    pid_t pid = fork();
    struct ring *ring;

    if (pid != 0)
        return pid;
    ring = ring_open(dup(*(int *)*state));
    for (;;)
        publish_number(ring, producer, ++number);
}

/* What is there may be read, is whole, and in the order of its producer. */
static void read_all(struct ring *ring, uint64_t *position, uint32_t heard[PRODUCERS + 1])
{
    uint64_t last = ring_last(ring);
    struct ring_message message;
    struct word word = {0};

    while (*position < last) {
        if (ring_read(ring, position, &message) != RING_MESSAGE)
            continue;
        assert_true(is_whole(&message, &word));
        assert_true(word.number > heard[word.producer]);
        heard[word.producer] = word.number;
    }
}

static void a_producer_that_is_killed_leaves_nothing_behind(void **state)
{
    struct ring *ring = view(state);
    pid_t pids[PRODUCERS];
    uint64_t position = 0;
    uint32_t heard[PRODUCERS + 1] = {0};

    for (uint32_t i = 0; i < PRODUCERS; i++)
        pids[i] = start_producer(state, i, 0);
    for (uint32_t round = 0; round < 60; round++) {
        uint32_t victim = round % PRODUCERS;
        uint64_t before = ring_last(ring);

        while (ring_last(ring) < before + 20 + round)
            read_all(ring, &position, heard);
        kill(pids[victim], SIGKILL);
        waitpid(pids[victim], NULL, 0);
        publish_number(ring, PRODUCERS, round + 1); /* at once: nobody holds the latch */
        read_all(ring, &position, heard);
        pids[victim] = start_producer(state, victim, heard[victim] + 1000000);
    }
    for (uint32_t i = 0; i < PRODUCERS; i++) {
        kill(pids[i], SIGKILL);
        waitpid(pids[i], NULL, 0);
    }
    read_all(ring, &position, heard);
    assert_int_equal(heard[PRODUCERS], 60);
    ring_free(ring);
}

/* Time that is not slept, but counted. */
static bool counts_naps;
static unsigned napped_ms;

int __wrap_nanosleep(const struct timespec *time, struct timespec *rest);
int __real_nanosleep(const struct timespec *time, struct timespec *rest);

int __wrap_nanosleep(const struct timespec *time, struct timespec *rest)
{
    if (!counts_naps)
        return __real_nanosleep(time, rest);
    napped_ms += (unsigned)(time->tv_nsec / 1000000);
    return 0;
}

/* As a debugger does it. */
static void who_holds_it_and_does_not_run_holds_others_up_for_a_moment_only(void **state)
{
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_len = 1};
    struct ring *ring = view(state);
    char path[32];
    int fd;

    snprintf(path, sizeof(path), "/proc/self/fd/%d", *(int *)*state);
    fd = open(path, O_RDWR | O_CLOEXEC);
    assert_int_equal(fcntl(fd, F_OFD_SETLK, &lock), 0);
    counts_naps = true;
    for (int i = 0; i < 100; i++) /* in one turn of the loop */
        assert_int_equal(ring_publish(ring, "x", 1), -EBUSY);
    counts_naps = false;
    assert_int_equal(napped_ms, 2000); /* not each time */
    close(fd);
    assert_int_equal(ring_publish(ring, "x", 1), 0);
    ring_free(ring);
}

static const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, open_ring, close_ring)
    TEST(messages_come_in_order_to_everybody),
    TEST(a_message_may_fill_a_quarter_and_no_more),
    TEST(who_publishes_while_reading_spoils_nothing),
    TEST(who_is_lapped_is_told_how_many_are_lost),
    TEST(what_is_no_ring_is_not_opened),
    TEST(two_rings_have_two_identities),
    TEST(a_message_that_was_spoiled_is_lost_and_the_next_is_heard),
    TEST(a_spoiled_header_costs_messages_and_nothing_else),
    TEST(who_spoils_what_a_ring_is_dies_of_it_alone),
    TEST(threads_publish_and_hear_in_one_order),
    TEST(a_producer_that_is_killed_leaves_nothing_behind),
    TEST(who_holds_it_and_does_not_run_holds_others_up_for_a_moment_only),
};

int main(void)
{
    return cmocka_run_group_tests(tests, NULL, NULL);
}
