/* SPDX-License-Identifier: MIT
 *
 * Idle times, on a clock that only the test moves.
 */
#include "timeouts.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

/* --- Clock and memory, linked with --wrap --- */

static uint64_t clock_ms;
static int allocations_left = -1; /* -1: as many as are wanted */

int __real_clock_gettime(clockid_t clock, struct timespec *time);
int __wrap_clock_gettime(clockid_t clock, struct timespec *time);
void *__real_calloc(size_t count, size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__real_realloc(void *bytes, size_t size);
void *__wrap_realloc(void *bytes, size_t size);
void *__real_tsearch(const void *key, void **root, int (*compare)(const void *, const void *));
void *__wrap_tsearch(const void *key, void **root, int (*compare)(const void *, const void *));

int __wrap_clock_gettime(clockid_t clock, struct timespec *time)
{
    if (clock != CLOCK_MONOTONIC)
        return __real_clock_gettime(clock, time);
    *time = (struct timespec){.tv_sec = (time_t)(clock_ms / 1000),
                              .tv_nsec = (long)(clock_ms % 1000) * 1000000};
    return 0;
}

static bool may_allocate(void)
{
    return allocations_left < 0 || allocations_left-- > 0;
}

void *__wrap_calloc(size_t count, size_t size)
{
    return may_allocate() ? __real_calloc(count, size) : NULL;
}

void *__wrap_realloc(void *bytes, size_t size)
{
    return may_allocate() ? __real_realloc(bytes, size) : NULL;
}

void *__wrap_tsearch(const void *key, void **root, int (*compare)(const void *, const void *))
{
    return may_allocate() ? __real_tsearch(key, root, compare) : NULL;
}

/* --- The bench --- */

#define MANY 200

/* An eighth of a second, of which a double knows every multiple exactly. */
#define STEP 125

struct subject {
    struct timeout timeout;
    int index;
    uint64_t due_ms; /* by the model; 0: not running */
    uint32_t duration_ms;
};

struct bench {
    struct ev_loop *ev;
    struct timeouts timeouts;
    struct subject subjects[MANY];
    int fired[4 * MANY];
    int count;
    struct subject *then_stop; /* stopped by the next that fires */
    bool then_restart;         /* each that fires starts anew */
};

static struct bench *bench;

static void on_expired(struct timeout *timeout)
{
    struct subject *subject = timeout->owner;

    assert_null(timeout->list);
    assert_true(bench->count < 4 * MANY);
    bench->fired[bench->count++] = subject->index;
    if (bench->then_stop != NULL)
        timeout_stop(&bench->timeouts, &bench->then_stop->timeout);
    bench->then_stop = NULL;
    if (bench->then_restart)
        assert_int_equal(timeout_start(&bench->timeouts, timeout, subject->duration_ms), 0);
}

static int set_up(void **state)
{
    allocations_left = -1;
    clock_ms = 1000;
    bench = calloc(1, sizeof(*bench));
    bench->ev = ev_loop_new(EVBACKEND_SELECT);
    timeouts_init(&bench->timeouts, bench->ev);
    for (int i = 0; i < MANY; i++) {
        bench->subjects[i].index = i;
        bench->subjects[i].timeout.on_expired = on_expired;
        bench->subjects[i].timeout.owner = &bench->subjects[i];
    }
    *state = bench;
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    for (int i = 0; i < MANY; i++)
        timeout_stop(&bench->timeouts, &bench->subjects[i].timeout);
    timeouts_clear(&bench->timeouts);
    ev_loop_destroy(bench->ev);
    free(bench);
    return 0;
}

static void start(int index, uint32_t ms)
{
    bench->subjects[index].duration_ms = ms;
    assert_int_equal(timeout_start(&bench->timeouts, &bench->subjects[index].timeout, ms), 0);
}

/* Moves the clock, and has the timer fire as libev does: it is stopped first. */
static void advance(uint64_t ms)
{
    clock_ms += ms;
    if (!ev_is_active(&bench->timeouts.timer))
        return;
    ev_timer_stop(bench->ev, &bench->timeouts.timer);
    ev_invoke(bench->ev, &bench->timeouts.timer, EV_TIMER);
}

static void assert_fired(const int *indexes, int count)
{
    assert_int_equal(bench->count, count);
    assert_memory_equal(bench->fired, indexes, (size_t)count * sizeof(int));
    bench->count = 0;
}

/* --- Tests --- */

static void a_timeout_fires_once_when_its_time_is_over(void **state)
{
    (void)state;
    start(0, 4 * STEP);
    assert_int_equal(timeout_left_ms(&bench->subjects[0].timeout), 4 * STEP);
    assert_int_equal(timeout_duration_ms(&bench->subjects[0].timeout), 4 * STEP);
    advance(3 * STEP);
    assert_int_equal(bench->count, 0);
    assert_int_equal(timeout_left_ms(&bench->subjects[0].timeout), STEP);
    advance(STEP);
    assert_fired((int[]){0}, 1);
    assert_int_equal(timeout_left_ms(&bench->subjects[0].timeout), 0);
    advance(100 * STEP);
    assert_int_equal(bench->count, 0);
}

static void what_is_left_of_a_late_one_is_never_0(void **state)
{
    (void)state;
    start(0, STEP);
    clock_ms += 10 * STEP;
    assert_int_equal(timeout_left_ms(&bench->subjects[0].timeout), 1);
}

static void timeouts_fire_in_the_order_of_their_ends(void **state)
{
    (void)state;
    start(0, 6 * STEP);
    start(1, 2 * STEP);
    start(2, 4 * STEP);
    start(3, 2 * STEP);
    advance(STEP);
    start(4, 2 * STEP);
    advance(100 * STEP);
    assert_fired((int[]){1, 3, 4, 2, 0}, 5);
}

static void a_restart_begins_the_time_anew(void **state)
{
    (void)state;
    start(0, 4 * STEP);
    start(1, 4 * STEP);
    advance(3 * STEP);
    timeout_restart(&bench->timeouts, &bench->subjects[0].timeout);
    advance(3 * STEP);
    assert_fired((int[]){1}, 1);
    /* Alone in its list: that is the cheap way. */
    timeout_restart(&bench->timeouts, &bench->subjects[0].timeout);
    advance(3 * STEP);
    assert_int_equal(bench->count, 0);
    advance(STEP);
    assert_fired((int[]){0}, 1);
}

static void a_timeout_that_was_stopped_does_not_fire(void **state)
{
    (void)state;
    for (int i = 0; i < 5; i++)
        start(i, 100);
    timeout_stop(&bench->timeouts, &bench->subjects[0].timeout);
    timeout_stop(&bench->timeouts, &bench->subjects[2].timeout);
    timeout_stop(&bench->timeouts, &bench->subjects[4].timeout);
    timeout_stop(&bench->timeouts, &bench->subjects[4].timeout);
    advance(100);
    assert_fired((int[]){1, 3}, 2);
}

static void a_callback_may_stop_another_and_start_itself(void **state)
{
    (void)state;
    start(0, 100);
    start(1, 100);
    bench->then_stop = &bench->subjects[1];
    advance(100);
    assert_fired((int[]){0}, 1);
    bench->then_restart = true;
    start(2, 10);
    advance(10);
    assert_fired((int[]){2}, 1);
    advance(10);
    assert_fired((int[]){2}, 1);
}

static void r109_a_timeout_keeps_no_loop_alive(void **state)
{
    (void)state;
    start(0, 100000);
    ev_run(bench->ev, 0); /* comes back at once */
    start(1, 50000);
    ev_run(bench->ev, 0);
    assert_true(ev_is_active(&bench->timeouts.timer));
}

static void without_memory_a_timeout_does_not_run(void **state)
{
    struct timeout *timeout = &bench->subjects[0].timeout;

    (void)state;
    /* Room in the heap; a list; its place in the tree. */
    for (int i = 0; i < 3; i++) {
        allocations_left = i == 0 ? 0 : 1;
        assert_int_equal(timeout_start(&bench->timeouts, timeout, 100), -ENOMEM);
        allocations_left = -1;
        assert_null(timeout->list);
    }
    start(0, 100);
    advance(100);
    assert_fired((int[]){0}, 1);
}

/* --- Against a model that looks at everything --- */

static int next_due(void)
{
    int best = -1;

    for (int i = 0; i < MANY; i++) {
        const struct subject *subject = &bench->subjects[i];

        if (subject->due_ms != 0 && subject->due_ms <= clock_ms &&
            (best < 0 || subject->due_ms < bench->subjects[best].due_ms))
            best = i;
    }
    return best;
}

/* What fired is what was due, the earlier first; at the same moment the order is free. */
static void compare_with_model(void)
{
    uint64_t last = 0;

    for (int i = 0; i < bench->count; i++) {
        struct subject *subject = &bench->subjects[bench->fired[i]];

        assert_int_not_equal(subject->due_ms, 0);
        assert_true(subject->due_ms <= clock_ms);
        assert_true(subject->due_ms >= last);
        last = subject->due_ms;
        subject->due_ms = 0;
    }
    assert_int_equal(next_due(), -1);
    bench->count = 0;
}

static void one_random_step(void)
{
    struct subject *subject = &bench->subjects[random() % MANY];

    switch (random() % 4) {
    case 0:
        start(subject->index, (uint32_t)(1 + random() % 20) * STEP);
        subject->due_ms = clock_ms + subject->duration_ms;
        break;
    case 1:
        if (subject->due_ms == 0)
            break;
        timeout_restart(&bench->timeouts, &subject->timeout);
        subject->due_ms = clock_ms + subject->duration_ms;
        break;
    case 2:
        timeout_stop(&bench->timeouts, &subject->timeout);
        subject->due_ms = 0;
        break;
    default:
        advance((uint64_t)(random() % 3) * STEP);
        compare_with_model();
    }
}

static void random_steps_are_as_the_model_says(void **state)
{
    (void)state;
    srandom(1);
    for (int i = 0; i < 20000; i++)
        one_random_step();
    advance((uint64_t)100 * STEP);
    compare_with_model();
}

static const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    TEST(a_timeout_fires_once_when_its_time_is_over),
    TEST(what_is_left_of_a_late_one_is_never_0),
    TEST(timeouts_fire_in_the_order_of_their_ends),
    TEST(a_restart_begins_the_time_anew),
    TEST(a_timeout_that_was_stopped_does_not_fire),
    TEST(a_callback_may_stop_another_and_start_itself),
    TEST(r109_a_timeout_keeps_no_loop_alive),
    TEST(without_memory_a_timeout_does_not_run),
    TEST(random_steps_are_as_the_model_says),
};

int main(void)
{
    return cmocka_run_group_tests(tests, NULL, NULL);
}
