/* SPDX-License-Identifier: MIT
 *
 * When memory is given back.
 */
#include "memory.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

struct fixture {
    struct ev_loop *loop;
    struct memory memory;
};

static int set_up(void **state)
{
    static struct fixture fixture;

    fixture.loop = ev_loop_new(EVFLAG_AUTO);
    memory_start(&fixture.memory, fixture.loop);
    *state = &fixture;
    return fixture.loop == NULL ? -1 : 0;
}

static int tear_down(void **state)
{
    struct fixture *fixture = *state;

    memory_stop(&fixture->memory);
    ev_loop_destroy(fixture->loop);
    return 0;
}

static void nothing_is_planned_while_the_crowd_is_there(void **state)
{
    struct fixture *fixture = *state;

    for (uint64_t count = 0; count <= 5000; count++)
        memory_note(&fixture->memory, count);
    memory_note(&fixture->memory, 2501);
    assert_false(ev_is_active(&fixture->memory.timer));
}

static void a_small_crowd_is_not_worth_it(void **state)
{
    struct fixture *fixture = *state;

    memory_note(&fixture->memory, 999);
    memory_note(&fixture->memory, 0);
    assert_false(ev_is_active(&fixture->memory.timer));
}

static void after_the_crowd_has_gone_memory_is_given_back_once(void **state)
{
    struct fixture *fixture = *state;

    memory_note(&fixture->memory, 5000);
    memory_note(&fixture->memory, 2500);
    assert_true(ev_is_active(&fixture->memory.timer));
    memory_note(&fixture->memory, 10);
    ev_invoke(fixture->loop, &fixture->memory.timer, EV_TIMER);
    ev_timer_stop(fixture->loop, &fixture->memory.timer);
    assert_int_equal(fixture->memory.peak, 10);
    memory_note(&fixture->memory, 0);
    assert_false(ev_is_active(&fixture->memory.timer));
}

static void a_crowd_that_came_back_keeps_its_memory(void **state)
{
    struct fixture *fixture = *state;

    memory_note(&fixture->memory, 5000);
    memory_note(&fixture->memory, 100);
    memory_note(&fixture->memory, 4000);
    ev_invoke(fixture->loop, &fixture->memory.timer, EV_TIMER);
    assert_int_equal(fixture->memory.peak, 5000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(nothing_is_planned_while_the_crowd_is_there, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(a_small_crowd_is_not_worth_it, set_up, tear_down),
        cmocka_unit_test_setup_teardown(after_the_crowd_has_gone_memory_is_given_back_once, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(a_crowd_that_came_back_keeps_its_memory, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
