/* SPDX-License-Identifier: MIT
 *
 * When a canary counts as worse than the others.
 */
#include "canary.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static bool is_worse(uint64_t failed, uint64_t closed, uint64_t others_failed,
                     uint64_t others_closed)
{
    return canary_is_worse((struct canary_sample){closed, failed},
                           (struct canary_sample){others_closed, others_failed});
}

static void without_connections_it_is_not_worse(void **state)
{
    (void)state;
    assert_false(is_worse(0, 0, 0, 0));
    assert_false(is_worse(0, 0, 10, 100));
    assert_false(is_worse(0, 100, 0, 0));
}

static void a_few_errors_are_an_accident(void **state)
{
    (void)state;
    assert_false(is_worse(4, 4, 0, 1000));
    assert_true(is_worse(5, 5, 0, 1000));
}

static void twice_as_many_errors_are_worse(void **state)
{
    (void)state;
    assert_false(is_worse(100, 1000, 100, 1000));
    assert_false(is_worse(200, 1000, 100, 1000));
    assert_true(is_worse(201, 1000, 100, 1000));
}

static void a_twentieth_more_it_must_be(void **state)
{
    (void)state;
    assert_false(is_worse(50, 1000, 0, 1000));
    assert_true(is_worse(51, 1000, 0, 1000));
    assert_false(is_worse(40, 1000, 1, 1000));
}

static void where_the_old_ones_fail_too_it_is_not_to_blame(void **state)
{
    (void)state;
    assert_false(is_worse(100, 100, 60, 100));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_connections_it_is_not_worse),
        cmocka_unit_test(a_few_errors_are_an_accident),
        cmocka_unit_test(twice_as_many_errors_are_worse),
        cmocka_unit_test(a_twentieth_more_it_must_be),
        cmocka_unit_test(where_the_old_ones_fail_too_it_is_not_to_blame),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
