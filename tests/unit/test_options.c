/* SPDX-License-Identifier: MIT
 *
 * Every row of every table: what it says of itself is true.
 */
#include "options.h"

#include <ctype.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "config.h"
#include "fill.h"
#include "format.h"
#include "parse.h"
#include "table.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

#define MAX_TABLES 16

/* A table, its section and the struct that it fills. */
struct subject {
    const char *section;
    struct option_table table;
    size_t size;
};

static struct subject subjects[MAX_TABLES];
static size_t subject_count;

static char problem[PARSE_PROBLEM_SIZE];

static int gather(void **state)
{
    (void)state;
    subjects[subject_count++] =
        (struct subject){"prongd", daemon_options, sizeof(struct config_daemon)};
    subjects[subject_count++] =
        (struct subject){"server", server_options, sizeof(struct config_server)};
    for (size_t i = 0; handler_table[i] != NULL; i++) {
        assert_true(subject_count < MAX_TABLES);
        subjects[subject_count++] = (struct subject){"server", handler_options(handler_table[i]),
                                                     handler_table[i]->config_size};
    }
    return 0;
}

typedef void visit(const struct subject *subject, const struct prongd_option *row, void *base);

/* Calls `call` for every row, with an empty struct. */
static void for_each_row(visit *call)
{
    for (size_t i = 0; i < subject_count; i++) {
        const struct option_table *table = &subjects[i].table;

        for (size_t j = 0; j < table->count; j++) {
            void *base = calloc(1, subjects[i].size);

            assert_non_null(base);
            call(&subjects[i], &table->rows[j], base);
            fill_clear(table, base);
            free(base);
        }
    }
}

/* Each item of a list, or the value. */
static void parse_all(const struct prongd_option *row, const char *text, void *base)
{
    char copy[256];
    char *rest = copy;
    char *item;

    snprintf(copy, sizeof(copy), "%s", text);
    if (row->type != PRONGD_TYPE_LIST)
        rest = NULL;
    item = row->type == PRONGD_TYPE_LIST ? parse_next_item(&rest) : copy;
    for (; item != NULL; item = parse_next_item(&rest)) {
        if (parse_value(row, item, base, problem, sizeof(problem)) < 0)
            fail_msg("%s = %s: %s", row->name, item, problem);
    }
}

static void check_fallback(const struct subject *subject, const struct prongd_option *row,
                           void *base)
{
    (void)subject;
    if (row->fallback != NULL)
        parse_all(row, row->fallback, base);
}

static void every_default_is_accepted_by_its_own_row(void **state)
{
    (void)state;
    for_each_row(check_fallback);
}

static void check_example(const struct subject *subject, const struct prongd_option *row,
                          void *base)
{
    (void)subject;
    if (row->fallback == NULL && row->example == NULL)
        fail_msg("%s has neither a default nor an example", row->name);
    if (row->example != NULL)
        parse_all(row, row->example, base);
}

static void where_there_is_no_default_there_is_a_good_example(void **state)
{
    (void)state;
    for_each_row(check_example);
}

static void expect_refusal(const struct prongd_option *row, uint64_t number, void *base)
{
    char text[FORMAT_NUMBER_SIZE];

    format_number(row->type, number, text, sizeof(text));
    problem[0] = '\0';
    if (parse_value(row, text, base, problem, sizeof(problem)) != -EINVAL)
        fail_msg("%s = %s is not refused", row->name, text);
    assert_string_not_equal(problem, "");
}

static void expect_acceptance(const struct prongd_option *row, uint64_t number, void *base)
{
    char text[FORMAT_NUMBER_SIZE];

    parse_all(row, format_number(row->type, number, text, sizeof(text)), base);
}

static void check_limits(const struct subject *subject, const struct prongd_option *row, void *base)
{
    (void)subject;
    if (row->type < PRONGD_TYPE_COUNT || row->type > PRONGD_TYPE_MODE)
        return;
    expect_acceptance(row, row->least, base);
    if (row->least > 0)
        expect_refusal(row, row->least - 1, base);
    if (row->most == 0)
        return;
    expect_acceptance(row, row->most, base);
    expect_refusal(row, row->most + 1, base);
}

static void every_limit_holds(void **state)
{
    (void)state;
    for_each_row(check_limits);
}

static void check_choices(const struct subject *subject, const struct prongd_option *row,
                          void *base)
{
    (void)subject;
    if (row->type != PRONGD_TYPE_CHOICE)
        return;
    assert_non_null(row->choices);
    for (size_t i = 0; row->choices[i] != NULL; i++)
        parse_all(row, row->choices[i], base);
    assert_int_equal(parse_value(row, "nothing of all", base, problem, sizeof(problem)), -EINVAL);
}

static void every_choice_is_accepted_and_others_are_not(void **state)
{
    (void)state;
    for_each_row(check_choices);
}

static void check_help(const struct subject *subject, const struct prongd_option *row, void *base)
{
    size_t length = row->help == NULL ? 0 : strlen(row->help);

    (void)subject;
    (void)base;
    if (length < 20 || !isupper((unsigned char)row->help[0]) || row->help[length - 1] != '.')
        fail_msg("%s needs a sentence as help", row->name);
}

static void every_help_is_a_sentence(void **state)
{
    (void)state;
    for_each_row(check_help);
}

static void check_name(const struct subject *subject, const struct prongd_option *row, void *base)
{
    size_t length = strlen(row->name);

    (void)base;
    if (length == 0 || length > 40 ||
        strspn(row->name, "abcdefghijklmnopqrstuvwxyz0123456789_") != length)
        fail_msg("%s is not snake_case", row->name);
    if (row->section != NULL)
        assert_string_equal(row->section, subject->section);
    if (option_find(&subject->table, row->name) != row)
        fail_msg("%s stands twice in a table", row->name);
    if (subject->table.rows != server_options.rows && row->section == NULL &&
        option_find(&server_options, row->name) != NULL)
        fail_msg("%s is an option of every server", row->name);
}

static void every_name_is_snake_case_and_unique_in_its_section(void **state)
{
    (void)state;
    for_each_row(check_name);
}

/* The longest line that may be read has room for it. */
static void check_line(const struct subject *subject, const struct prongd_option *row, void *base)
{
    const char *value = row->fallback != NULL ? row->fallback : row->example;

    (void)subject;
    (void)base;
    assert_true(strlen(row->name) + strlen(" = ") + strlen(value) < 150);
    assert_null(strpbrk(value, "#;\n"));
}

static void every_default_and_example_can_stand_in_a_file(void **state)
{
    (void)state;
    for_each_row(check_line);
}

static void every_member_lies_in_the_struct_of_its_table(void **state)
{
    (void)state;
    for (size_t i = 0; i < subject_count; i++) {
        for (size_t j = 0; j < subjects[i].table.count; j++)
            assert_true(subjects[i].table.rows[j].offset < subjects[i].size);
    }
}

static void an_unknown_name_is_no_row(void **state)
{
    (void)state;
    assert_null(option_find(&daemon_options, "listen"));
    assert_null(option_find(&server_options, ""));
    assert_non_null(option_find(&server_options, "listen"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_default_is_accepted_by_its_own_row),
        cmocka_unit_test(where_there_is_no_default_there_is_a_good_example),
        cmocka_unit_test(every_limit_holds),
        cmocka_unit_test(every_choice_is_accepted_and_others_are_not),
        cmocka_unit_test(every_help_is_a_sentence),
        cmocka_unit_test(every_name_is_snake_case_and_unique_in_its_section),
        cmocka_unit_test(every_default_and_example_can_stand_in_a_file),
        cmocka_unit_test(every_member_lies_in_the_struct_of_its_table),
        cmocka_unit_test(an_unknown_name_is_no_row),
    };

    return cmocka_run_group_tests(tests, gather, NULL);
}
