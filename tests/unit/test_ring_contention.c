/* SPDX-License-Identifier: MIT
 *
 * The ring, used by several at once: threads, processes that are killed, and one that stands still.
 */
#include "ring_fixture.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* What a message of the stress tests says; the rest is filled with its own bytes. */
struct word {
    uint32_t producer;
    uint32_t number;
    uint32_t size;
};

#define LONGEST 600

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
    RING(threads_publish_and_hear_in_one_order),
    RING(a_producer_that_is_killed_leaves_nothing_behind),
    RING(who_holds_it_and_does_not_run_holds_others_up_for_a_moment_only),
};

int main(void)
{
    return cmocka_run_group_tests(tests, NULL, NULL);
}
