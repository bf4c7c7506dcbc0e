/* SPDX-License-Identifier: MIT
 *
 * What a line of the log may hold: escaped bytes, and not the same again and again.
 */
#include "log_text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "log.h"
#include "log_repeat.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static void a_line_is_shown_twenty_times_a_second_at_most(void **state)
{
    static struct log_repeat repeat;
    unsigned long hidden = 99;
    unsigned shown = 0;

    (void)state;
    for (unsigned i = 0; i < 50; i++)
        shown += !log_repeat_hides(&repeat, LOG_LEVEL_INFO, "same", 5000 + i, &hidden);
    assert_int_equal(shown, 20);
    assert_int_equal(hidden, 0);
    assert_false(log_repeat_hides(&repeat, LOG_LEVEL_INFO, "same", 6000, &hidden));
    assert_int_equal(hidden, 30);
}

static void another_line_or_level_ends_the_repetition(void **state)
{
    static struct log_repeat repeat;
    unsigned long hidden;

    (void)state;
    for (unsigned i = 0; i < 25; i++)
        (void)log_repeat_hides(&repeat, LOG_LEVEL_INFO, "same", 1, &hidden);
    assert_false(log_repeat_hides(&repeat, LOG_LEVEL_ERROR, "same", 1, &hidden));
    assert_int_equal(hidden, 5);
    assert_false(log_repeat_hides(&repeat, LOG_LEVEL_ERROR, "other", 1, &hidden));
    assert_int_equal(hidden, 0);
}

static void foreign_bytes_are_escaped(void **state)
{
    static const struct {
        const char *bytes;
        size_t length;
        size_t size;
        const char *text;
    } cases[] = {
        {"hello client!", 13, 64, "hello client!"},
        {"a\nb\tc\\d", 7, 64, "a\\nb\\tc\\\\d"},
        {"\r\0\x7f\xff", 4, 64, "\\x0d\\x00\\x7f\\xff"},
        {"ü", 2, 64, "\\xc3\\xbc"},
        {"", 0, 64, ""},
        {"abc", 3, 4, "abc"},
        {"abcd", 4, 4, "…"},
        {"abcdef", 6, 6, "ab…"},
        {"ab\ncd", 5, 6, "ab…"},
        {"\n\n\n", 3, 6, "\\n…"},
        {"abc", 3, 3, "ab"},
        {"abc", 3, 1, ""},
    };
    char text[64];

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        memset(text, '#', sizeof(text));
        assert_string_equal(log_escape(cases[i].bytes, cases[i].length, text, cases[i].size),
                            cases[i].text);
        assert_true(cases[i].size == sizeof(text) || text[cases[i].size] == '#');
    }
    assert_ptr_equal(log_escape("x", 1, text, 0), text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_line_is_shown_twenty_times_a_second_at_most),
        cmocka_unit_test(another_line_or_level_ends_the_repetition),
        cmocka_unit_test(foreign_bytes_are_escaped),
    };

    return cmocka_run_group_tests_name("text of the log", tests, NULL, NULL);
}
