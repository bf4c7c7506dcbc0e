/* SPDX-License-Identifier: MIT
 *
 * When a child that says nothing by itself counts as silent.
 */
#include "pulse.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define TIMEOUT 10000

static void it_is_asked_once_after_half_of_the_timeout(void **state)
{
    struct pulse pulse;

    (void)state;
    pulse_start(&pulse, 1000);
    assert_false(pulse_ask(&pulse, 5999, TIMEOUT));
    assert_true(pulse_ask(&pulse, 6000, TIMEOUT));
    assert_false(pulse_ask(&pulse, 7000, TIMEOUT));
}

static void one_that_answers_is_never_silent(void **state)
{
    struct pulse pulse;

    (void)state;
    pulse_start(&pulse, 0);
    for (uint64_t now = 0; now < 10 * TIMEOUT; now += 1000) {
        if (pulse_ask(&pulse, now, TIMEOUT))
            assert_false(pulse_hear(&pulse, now));
        assert_false(pulse_falls_silent(&pulse, now, TIMEOUT));
        assert_int_equal(pulse_silent_ms(&pulse, now), 0);
    }
}

static void one_that_does_not_answer_falls_silent_once(void **state)
{
    struct pulse pulse;

    (void)state;
    pulse_start(&pulse, 0);
    assert_true(pulse_ask(&pulse, 5000, TIMEOUT));
    assert_false(pulse_falls_silent(&pulse, 9999, TIMEOUT));
    assert_true(pulse_falls_silent(&pulse, 10000, TIMEOUT));
    assert_false(pulse_falls_silent(&pulse, 11000, TIMEOUT));
    assert_int_equal(pulse_silent_ms(&pulse, 12000), 12000);
}

static void one_that_was_not_asked_is_not_to_blame(void **state)
{
    struct pulse pulse;

    (void)state;
    pulse_start(&pulse, 0);
    assert_false(pulse_falls_silent(&pulse, 100000, TIMEOUT));
    assert_true(pulse_ask(&pulse, 100000, TIMEOUT));
    assert_false(pulse_falls_silent(&pulse, 104999, TIMEOUT));
    assert_true(pulse_falls_silent(&pulse, 105000, TIMEOUT));
}

static void one_that_comes_back_is_told_once(void **state)
{
    struct pulse pulse;

    (void)state;
    pulse_start(&pulse, 0);
    assert_true(pulse_ask(&pulse, 5000, TIMEOUT));
    assert_true(pulse_falls_silent(&pulse, 10000, TIMEOUT));
    assert_true(pulse_hear(&pulse, 20000));
    assert_false(pulse_hear(&pulse, 20001));
    assert_int_equal(pulse_silent_ms(&pulse, 30000), 0);
    assert_true(pulse_ask(&pulse, 30000, TIMEOUT));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_is_asked_once_after_half_of_the_timeout),
        cmocka_unit_test(one_that_answers_is_never_silent),
        cmocka_unit_test(one_that_does_not_answer_falls_silent_once),
        cmocka_unit_test(one_that_was_not_asked_is_not_to_blame),
        cmocka_unit_test(one_that_comes_back_is_told_once),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
