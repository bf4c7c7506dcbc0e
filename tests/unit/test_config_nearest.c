/* SPDX-License-Identifier: MIT
 *
 * Which known word a misspelt one was meant to be.
 */
#include "nearest.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static const char *const known[] = {"listen",     "timeout",         "user_timeout",
                                    "keep_alive", "keep_alive_idle", "no_delay"};

static const char *guess(const char *wanted)
{
    struct nearest nearest = nearest_to(wanted);

    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
        nearest_offer(&nearest, known[i]);
    return nearest.best;
}

static void a_slip_is_understood(void **state)
{
    (void)state;
    assert_string_equal(guess("lisen"), "listen");
    assert_string_equal(guess("lsiten"), "listen");
    assert_string_equal(guess("listten"), "listen");
    assert_string_equal(guess("kisten"), "listen");
    assert_string_equal(guess("time_out"), "timeout");
    assert_string_equal(guess("keepalive"), "keep_alive");
    assert_string_equal(guess("keepaliveidle"), "keep_alive_idle");
}

static void case_and_hyphens_are_no_difference(void **state)
{
    (void)state;
    assert_string_equal(guess("Keep-Alive"), "keep_alive");
    assert_string_equal(guess("NO DELAY"), "no_delay");
}

static void what_nobody_meant_is_not_offered(void **state)
{
    char endless[200];

    (void)state;
    assert_null(guess("backlog"));
    assert_null(guess("x"));
    assert_null(guess(""));
    memset(endless, 'a', sizeof(endless));
    endless[sizeof(endless) - 1] = '\0';
    assert_null(guess(endless));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_slip_is_understood),
        cmocka_unit_test(case_and_hyphens_are_no_difference),
        cmocka_unit_test(what_nobody_meant_is_not_offered),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
