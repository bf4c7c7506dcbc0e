/* SPDX-License-Identifier: MIT
 *
 * The states of a slot, and how long it rests.
 */
#include "slot.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "generation.h"
#include "supervisor.h"

#define STATE_COUNT (SLOT_RESTING + 1)

static void a_slot_moves_only_as_its_diagram_says(void **state)
{
    static const bool allowed[STATE_COUNT][STATE_COUNT] = {
        [SLOT_EMPTY] = {[SLOT_STARTING] = true},
        [SLOT_STARTING] = {[SLOT_READY] = true,
                           [SLOT_STOPPING] = true,
                           [SLOT_EMPTY] = true,
                           [SLOT_RESTING] = true},
        [SLOT_READY] = {[SLOT_DRAINING] = true,
                        [SLOT_STOPPING] = true,
                        [SLOT_EMPTY] = true,
                        [SLOT_RESTING] = true},
        [SLOT_DRAINING] = {[SLOT_STOPPING] = true, [SLOT_EMPTY] = true},
        [SLOT_STOPPING] = {[SLOT_EMPTY] = true},
        [SLOT_RESTING] = {[SLOT_STARTING] = true, [SLOT_EMPTY] = true},
    };

    (void)state;
    for (unsigned from = 0; from < STATE_COUNT; from++) {
        for (unsigned to = 0; to < STATE_COUNT; to++)
            assert_int_equal(slot_may_enter(from, to), allowed[from][to]);
    }
}

static void a_rest_doubles_and_is_long_after_too_many_deaths(void **state)
{
    static const double rests[] = {0, 0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 5, 5, 60, 60};

    (void)state;
    for (unsigned deaths = 0; deaths < sizeof(rests) / sizeof(rests[0]); deaths++)
        assert_float_equal(slot_rest_s(deaths, 8), rests[deaths], 0.001);
    assert_float_equal(slot_rest_s(UINT32_MAX, 8), 60, 0);
    assert_float_equal(slot_rest_s(UINT32_MAX, UINT64_MAX), 5, 0);
    assert_float_equal(slot_rest_s(1, 0), 60, 0);
}

static void a_slot_is_the_last_when_no_other_has_a_worker(void **state)
{
    struct slot slots[3] = {{0}};
    struct generation generation = {.slots = slots, .slot_count = 3};

    (void)state;
    for (unsigned i = 0; i < 3; i++)
        slot_init(&slots[i], &generation, i, NULL);
    slots[1].state = SLOT_RESTING;
    assert_true(slot_is_last(&slots[0]));
    slots[1].state = SLOT_STARTING;
    assert_false(slot_is_last(&slots[0]));
    slots[1].state = SLOT_DRAINING;
    slots[2].state = SLOT_READY;
    assert_false(slot_is_last(&slots[0]));
    assert_true(slot_is_last(&slots[2]));
}

static void a_death_is_early_before_it_is_ready_or_soon_after(void **state)
{
    struct slot slot = {.state = SLOT_STARTING};

    (void)state;
    assert_true(slot_died_early(&slot, 1000));
    slot.state = SLOT_READY;
    slot.ready_at = 1000;
    assert_true(slot_died_early(&slot, 1004.9));
    assert_false(slot_died_early(&slot, 1005.1));
    slot.state = SLOT_DRAINING;
    assert_false(slot_died_early(&slot, 1000));
    slot.state = SLOT_STOPPING;
    assert_false(slot_died_early(&slot, 1000));
}

/* A slot without a process, on a loop that never runs. */
struct fixture {
    struct supervisor supervisor;
    struct generation generation;
    struct scoreboard_worker cell;
    struct slot slot;
};

static void ignore_timer(struct ev_loop *loop, ev_timer *timer, int revents)
{
    (void)loop;
    (void)timer;
    (void)revents;
}

static void set_up(struct fixture *fixture)
{
    *fixture = (struct fixture){0};
    fixture->supervisor.loop = ev_loop_new(EVFLAG_AUTO);
    assert_non_null(fixture->supervisor.loop);
    slot_init(&fixture->slot, &fixture->generation, 3, &fixture->cell);
    fixture->slot.supervisor = &fixture->supervisor;
    ev_timer_init(&fixture->slot.timer, ignore_timer, 0., 0.);
}

static void tear_down(struct fixture *fixture)
{
    ev_loop_destroy(fixture->supervisor.loop);
}

static void a_state_is_shown_on_the_scoreboard(void **state)
{
    struct fixture fixture;

    (void)state;
    set_up(&fixture);
    slot_enter(&fixture.slot, SLOT_STARTING);
    assert_int_equal(atomic_load(&fixture.cell.state), SLOT_STARTING);
    slot_enter(&fixture.slot, SLOT_READY);
    assert_int_equal(atomic_load(&fixture.cell.state), SLOT_READY);
    tear_down(&fixture);
}

static void only_a_state_that_may_not_last_has_a_limit(void **state)
{
    struct fixture fixture;

    (void)state;
    set_up(&fixture);
    slot_enter_for(&fixture.slot, SLOT_STARTING, 10);
    assert_true(ev_is_active(&fixture.slot.timer));
    slot_enter(&fixture.slot, SLOT_READY);
    assert_false(ev_is_active(&fixture.slot.timer));
    tear_down(&fixture);
}

static void a_stop_ends_a_rest(void **state)
{
    struct fixture fixture;

    (void)state;
    set_up(&fixture);
    slot_enter(&fixture.slot, SLOT_STARTING);
    slot_enter_for(&fixture.slot, SLOT_RESTING, 60);
    slot_stop(&fixture.slot);
    assert_int_equal(fixture.slot.state, SLOT_EMPTY);
    assert_false(ev_is_active(&fixture.slot.timer));
    slot_stop(&fixture.slot);
    assert_int_equal(fixture.slot.state, SLOT_EMPTY);
    tear_down(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_slot_moves_only_as_its_diagram_says),
        cmocka_unit_test(a_rest_doubles_and_is_long_after_too_many_deaths),
        cmocka_unit_test(a_slot_is_the_last_when_no_other_has_a_worker),
        cmocka_unit_test(a_death_is_early_before_it_is_ready_or_soon_after),
        cmocka_unit_test(a_state_is_shown_on_the_scoreboard),
        cmocka_unit_test(only_a_state_that_may_not_last_has_a_limit),
        cmocka_unit_test(a_stop_ends_a_rest),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
