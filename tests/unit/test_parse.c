/* SPDX-License-Identifier: MIT
 *
 * Text to value and back, type by type.
 */
#include "parse.h"

#include <errno.h>
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "format.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* A struct with a member of each kind, as rows fill it. */
struct values {
    uint64_t number;
    bool boolean;
    int choice;
    char *text;
    struct prongd_list list;
};

static const char *const colours[] = {"red", "green", "blue", NULL};

static const struct prongd_option rows[] = {
    [PRONGD_TYPE_BOOLEAN] = {PRONGD_BOOLEAN(struct values, boolean), .name = "boolean"},
    [PRONGD_TYPE_COUNT] = {PRONGD_COUNT(struct values, number), .name = "count"},
    [PRONGD_TYPE_SIZE] = {PRONGD_SIZE(struct values, number), .name = "size"},
    [PRONGD_TYPE_DURATION] = {PRONGD_DURATION(struct values, number), .name = "duration"},
    [PRONGD_TYPE_MODE] = {PRONGD_MODE(struct values, number), .name = "mode"},
    [PRONGD_TYPE_CHOICE] = {PRONGD_CHOICE(struct values, choice), .name = "choice",
                            .choices = colours},
    [PRONGD_TYPE_TEXT] = {PRONGD_TEXT(struct values, text), .name = "text"},
    [PRONGD_TYPE_LIST] = {PRONGD_LIST(struct values, list), .name = "list"},
};

static char problem[PARSE_PROBLEM_SIZE];

static int parse(enum prongd_option_type type, const char *text, struct values *values)
{
    problem[0] = '\0';
    return parse_value(&rows[type], text, values, problem, sizeof(problem));
}

static void numbers_are_read_with_their_units(void **state)
{
    static const struct {
        enum prongd_option_type type;
        const char *text;
        uint64_t number;
    } cases[] = {
        {PRONGD_TYPE_COUNT, "0", 0},
        {PRONGD_TYPE_COUNT, "007", 7},
        {PRONGD_TYPE_COUNT, "18446744073709551615", UINT64_MAX},
        {PRONGD_TYPE_SIZE, "512", 512},
        {PRONGD_TYPE_SIZE, "64k", 65536},
        {PRONGD_TYPE_SIZE, "64K", 65536},
        {PRONGD_TYPE_SIZE, "1m", 1 << 20},
        {PRONGD_TYPE_SIZE, "2g", UINT64_C(2) << 30},
        {PRONGD_TYPE_DURATION, "0", 0},
        {PRONGD_TYPE_DURATION, "250ms", 250},
        {PRONGD_TYPE_DURATION, "30s", 30000},
        {PRONGD_TYPE_DURATION, "5m", 300000},
        {PRONGD_TYPE_DURATION, "2h", 7200000},
        {PRONGD_TYPE_DURATION, "1d", 86400000},
        {PRONGD_TYPE_MODE, "0660", 0660},
        {PRONGD_TYPE_MODE, "755", 0755},
        {PRONGD_TYPE_MODE, "0", 0},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct values values = {.number = 99};

        if (parse(cases[i].type, cases[i].text, &values) < 0)
            fail_msg("%s: %s", cases[i].text, problem);
        if (values.number != cases[i].number)
            fail_msg("%s gave %" PRIu64, cases[i].text, values.number);
    }
}

static void a_wrong_value_is_refused_with_what_is_allowed(void **state)
{
    static const struct {
        enum prongd_option_type type;
        const char *text;
        const char *problem;
    } cases[] = {
        {PRONGD_TYPE_BOOLEAN, "maybe",
         "\"maybe\" is not a boolean: write yes or no (or on, off, true, false)"},
        {PRONGD_TYPE_BOOLEAN, "", "a value is missing: write yes or no (or on, off, true, false)"},
        {PRONGD_TYPE_COUNT, "-1", "\"-1\" is not a number: write digits, as 100"},
        {PRONGD_TYPE_COUNT, "+1", "\"+1\" is not a number: write digits, as 100"},
        {PRONGD_TYPE_COUNT, "0x10", "\"0x10\" is not a number: write digits, as 100"},
        {PRONGD_TYPE_COUNT, "1 000", "\"1 000\" is not a number: write digits, as 100"},
        {PRONGD_TYPE_COUNT, "18446744073709551616",
         "18446744073709551616 is larger than a number can be"},
        {PRONGD_TYPE_SIZE, "64kb",
         "\"64kb\" is not a size: write bytes, or units of 1024 with k, m or g, as 512, 64k, 1m "
         "or 2g"},
        {PRONGD_TYPE_SIZE, "17179869184g", "17179869184g is larger than a number can be"},
        {PRONGD_TYPE_DURATION, "30", "30 has no unit: write 30ms, 30s, 30m, 30h or 30d"},
        {PRONGD_TYPE_DURATION, "10 parsecs",
         "\"10 parsecs\" is not a duration: write a number with a unit, as 250ms, 30s, 5m, 2h or "
         "1d"},
        {PRONGD_TYPE_DURATION, "s",
         "\"s\" is not a duration: write a number with a unit, as 250ms, 30s, 5m, 2h or 1d"},
        {PRONGD_TYPE_DURATION, "213503982335d", "213503982335d is larger than a number can be"},
        {PRONGD_TYPE_MODE, "0999", "\"0999\" is not a mode: write an octal number, as 0660"},
        {PRONGD_TYPE_MODE, "rw-", "\"rw-\" is not a mode: write an octal number, as 0660"},
        {PRONGD_TYPE_MODE, "", "a value is missing: write an octal number, as 0660"},
        {PRONGD_TYPE_CHOICE, "pink", "\"pink\" is not allowed here: write red, green or blue"},
        {PRONGD_TYPE_LIST, "", "an item is missing at a comma"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct values values = {.number = 99};

        assert_int_equal(parse(cases[i].type, cases[i].text, &values), -EINVAL);
        assert_string_equal(problem, cases[i].problem);
        assert_int_equal(values.number, 99);
    }
}

static void the_limits_stand_in_the_sentence_in_units(void **state)
{
    static const struct {
        struct prongd_option row;
        const char *text;
        const char *problem;
    } cases[] = {
        {{PRONGD_DURATION(struct values, number), .least = 1000, .most = 86400000},
         "500ms",
         "500ms is out of range: 1s to 1d is allowed"},
        {{PRONGD_DURATION(struct values, number), .least = 1000, .most = 90000},
         "2m",
         "2m is out of range: 1s to 90s is allowed"},
        {{PRONGD_SIZE(struct values, number), .least = 4096},
         "1",
         "1 is too little: 4k or more is allowed"},
        {{PRONGD_MODE(struct values, number), .most = 0777},
         "1777",
         "1777 is out of range: 0 to 0777 is allowed"},
        {{PRONGD_COUNT(struct values, number), .least = 1, .most = 10},
         "11",
         "11 is out of range: 1 to 10 is allowed"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct values values = {0};

        assert_int_equal(
            parse_value(&cases[i].row, cases[i].text, &values, problem, sizeof(problem)), -EINVAL);
        assert_string_equal(problem, cases[i].problem);
    }
}

static void booleans_have_three_pairs_of_words(void **state)
{
    static const struct {
        const char *text;
        bool value;
    } cases[] = {
        {"yes", true},  {"no", false},    {"on", true},  {"off", false},
        {"true", true}, {"false", false}, {"Yes", true}, {"OFF", false},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct values values = {.boolean = !cases[i].value};

        assert_int_equal(parse(PRONGD_TYPE_BOOLEAN, cases[i].text, &values), 0);
        assert_int_equal(values.boolean, cases[i].value);
    }
}

static void a_choice_is_its_index(void **state)
{
    struct values values = {0};

    (void)state;
    assert_int_equal(parse(PRONGD_TYPE_CHOICE, "blue", &values), 0);
    assert_int_equal(values.choice, 2);
}

static void a_text_replaces_the_one_before_and_may_be_none(void **state)
{
    struct values values = {0};

    (void)state;
    assert_int_equal(parse(PRONGD_TYPE_TEXT, "first", &values), 0);
    assert_int_equal(parse(PRONGD_TYPE_TEXT, "second", &values), 0);
    assert_string_equal(values.text, "second");
    assert_int_equal(parse(PRONGD_TYPE_TEXT, "", &values), 0);
    assert_null(values.text);
}

static void a_list_grows_item_by_item(void **state)
{
    struct values values = {0};
    char text[16];

    (void)state;
    for (int i = 0; i < 100; i++) {
        snprintf(text, sizeof(text), "item%d", i);
        assert_int_equal(parse(PRONGD_TYPE_LIST, text, &values), 0);
    }
    assert_int_equal(values.list.count, 100);
    assert_string_equal(values.list.items[0], "item0");
    assert_string_equal(values.list.items[99], "item99");
    for (size_t i = 0; i < values.list.count; i++)
        free(values.list.items[i]);
    free(values.list.items);
}

static int refuse_all(const char *value, char *text, size_t size)
{
    snprintf(text, size, "not %s", value);
    return -EINVAL;
}

static void the_rows_check_has_the_first_word(void **state)
{
    const struct prongd_option row = {PRONGD_TEXT(struct values, text), .check = refuse_all};
    struct values values = {0};

    (void)state;
    assert_int_equal(parse_value(&row, "this", &values, problem, sizeof(problem)), -EINVAL);
    assert_string_equal(problem, "not this");
    assert_null(values.text);
}

static void items_are_cut_at_commas(void **state)
{
    static const struct {
        const char *text;
        const char *items[4]; /* ends with NULL */
    } cases[] = {
        {"a", {"a"}},  {"a,b", {"a", "b"}},      {" a ,\tb c , d", {"a", "b c", "d"}},
        {"a,", {"a"}}, {"a,,b", {"a", "", "b"}}, {",", {""}},
        {"", {NULL}},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        char text[32];
        char *rest = text;

        snprintf(text, sizeof(text), "%s", cases[i].text);
        for (size_t j = 0; cases[i].items[j] != NULL; j++)
            assert_string_equal(parse_next_item(&rest), cases[i].items[j]);
        assert_null(parse_next_item(&rest));
    }
}

static void a_value_is_written_as_it_can_be_read(void **state)
{
    static const struct {
        enum prongd_option_type type;
        const char *text;
        const char *written;
    } cases[] = {
        {PRONGD_TYPE_BOOLEAN, "on", "yes"},   {PRONGD_TYPE_BOOLEAN, "false", "no"},
        {PRONGD_TYPE_COUNT, "511", "511"},    {PRONGD_TYPE_SIZE, "65536", "64k"},
        {PRONGD_TYPE_SIZE, "1025k", "1025k"}, {PRONGD_TYPE_SIZE, "1000", "1000"},
        {PRONGD_TYPE_DURATION, "90s", "90s"}, {PRONGD_TYPE_DURATION, "60000ms", "1m"},
        {PRONGD_TYPE_DURATION, "48h", "2d"},  {PRONGD_TYPE_DURATION, "0s", "0"},
        {PRONGD_TYPE_MODE, "660", "0660"},    {PRONGD_TYPE_CHOICE, "green", "green"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct values values = {0};
        char number[FORMAT_NUMBER_SIZE];

        assert_int_equal(parse(cases[i].type, cases[i].text, &values), 0);
        assert_string_equal(format_value(&rows[cases[i].type], &values, number), cases[i].written);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_are_read_with_their_units),
        cmocka_unit_test(a_wrong_value_is_refused_with_what_is_allowed),
        cmocka_unit_test(the_limits_stand_in_the_sentence_in_units),
        cmocka_unit_test(booleans_have_three_pairs_of_words),
        cmocka_unit_test(a_choice_is_its_index),
        cmocka_unit_test(a_text_replaces_the_one_before_and_may_be_none),
        cmocka_unit_test(a_list_grows_item_by_item),
        cmocka_unit_test(the_rows_check_has_the_first_word),
        cmocka_unit_test(items_are_cut_at_commas),
        cmocka_unit_test(a_value_is_written_as_it_can_be_read),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
