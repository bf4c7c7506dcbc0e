/* SPDX-License-Identifier: MIT
 *
 * Timers: once, every so often, and never after a stop.
 */
#include "net_fixture.h"

#include <errno.h>
#include <stdlib.h>

/* Linked with --wrap: no memory for a timer. */
static bool memory_is_short;

void *__real_calloc(size_t count, size_t size);
void *__wrap_calloc(size_t count, size_t size);

void *__wrap_calloc(size_t count, size_t size)
{
    return memory_is_short ? NULL : __real_calloc(count, size);
}

struct clock {
    int fired;
    void (*then)(struct prong_timer *timer);
};

static void on_timer(struct prong_timer *timer, void *user)
{
    struct clock *clock = user;

    clock->fired++;
    if (clock->then != NULL)
        clock->then(timer);
}

static void run_until_fired(struct net *net, const struct clock *clock, int times)
{
    while (clock->fired < times)
        ev_run(net->ev, EVRUN_ONCE);
}

static void a_timer_fires_once_and_stops(void **state)
{
    struct net *net = *state;
    struct clock clock = {0};
    struct prong_timer *timer = prong_timer_new(net->loop, on_timer, &clock);

    assert_false(prong_timer_is_active(timer));
    prong_timer_start(timer, 1, 0);
    assert_true(prong_timer_is_active(timer));
    assert_int_equal(clock.fired, 0);
    ev_run(net->ev, 0); /* returns when it has fired */
    assert_int_equal(clock.fired, 1);
    assert_false(prong_timer_is_active(timer));
    prong_timer_free(timer);
}

static void a_repeating_timer_fires_until_it_is_stopped(void **state)
{
    struct net *net = *state;
    struct clock clock = {.then = NULL};
    struct prong_timer *timer = prong_timer_new(net->loop, on_timer, &clock);

    prong_timer_start(timer, 0, 1);
    run_until_fired(net, &clock, 3);
    assert_true(prong_timer_is_active(timer));
    clock.then = prong_timer_stop;
    ev_run(net->ev, 0);
    assert_int_equal(clock.fired, 4);
    prong_timer_stop(timer);
    prong_timer_free(timer);
}

static void a_repeating_timer_that_is_late_fires_once(void **state)
{
    struct net *net = *state;
    struct clock clock = {0};
    struct prong_timer *timer = prong_timer_new(net->loop, on_timer, &clock);
    ev_tstamp end;

    prong_timer_start(timer, 1, 1);
    for (end = ev_time() + 0.01; ev_time() < end;)
        ; /* ten times its period without a turn */
    ev_run(net->ev, EVRUN_NOWAIT);
    assert_int_equal(clock.fired, 1);
    prong_timer_free(timer);
}

static void start_anew(struct prong_timer *timer)
{
    prong_timer_start(timer, 1, 0);
}

static void a_callback_may_start_or_free_its_timer(void **state)
{
    struct net *net = *state;
    struct clock clock = {.then = start_anew};
    struct prong_timer *timer = prong_timer_new(net->loop, on_timer, &clock);

    prong_timer_start(timer, 1, 0);
    run_until_fired(net, &clock, 3);
    clock.then = prong_timer_free;
    ev_run(net->ev, 0);
    assert_int_equal(clock.fired, 4);
    assert_int_equal(prong_loop_objects(net->loop), 1); /* the server */
}

static void a_started_timer_starts_anew(void **state)
{
    struct net *net = *state;
    struct clock clock = {0};
    struct prong_timer *timer = prong_timer_new(net->loop, on_timer, &clock);

    prong_timer_start(timer, 1, 1);
    prong_timer_start(timer, 3600000, 0);
    for (int i = 0; i < 3; i++)
        ev_run(net->ev, EVRUN_NOWAIT);
    assert_int_equal(clock.fired, 0);
    prong_timer_free(timer);
    prong_timer_free(NULL);
}

static void r114_an_unreferenced_timer_keeps_no_loop_alive(void **state)
{
    struct net *net = *state;
    struct clock clock = {0};
    struct prong_timer *timer = prong_timer_new(net->loop, on_timer, &clock);

    prong_timer_unref(timer); /* sticks */
    prong_timer_start(timer, 3600000, 0);
    ev_run(net->ev, 0);
    prong_timer_ref(timer);
    prong_timer_unref(timer);
    prong_timer_unref(timer);
    ev_run(net->ev, 0);
    prong_timer_stop(timer);
    prong_timer_start(timer, 0, 0);
    while (clock.fired == 0)
        ev_run(net->ev, EVRUN_NOWAIT);
    /* Nothing is out of balance: a referenced one is waited for again. */
    prong_timer_ref(timer);
    prong_timer_start(timer, 1, 0);
    ev_run(net->ev, 0);
    assert_int_equal(clock.fired, 2);
    prong_timer_free(timer);
}

static void without_memory_there_is_no_timer(void **state)
{
    struct net *net = *state;

    memory_is_short = true;
    assert_null(prong_timer_new(net->loop, on_timer, NULL));
    memory_is_short = false;
    assert_int_equal(prong_loop_objects(net->loop), 1);
}

static const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, net_setup, net_teardown)
    TEST(a_timer_fires_once_and_stops),
    TEST(a_repeating_timer_fires_until_it_is_stopped),
    TEST(a_repeating_timer_that_is_late_fires_once),
    TEST(a_callback_may_start_or_free_its_timer),
    TEST(a_started_timer_starts_anew),
    TEST(r114_an_unreferenced_timer_keeps_no_loop_alive),
    TEST(without_memory_there_is_no_timer),
};

int main(void)
{
    return cmocka_run_group_tests(tests, NULL, NULL);
}
