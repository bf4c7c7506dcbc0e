/* SPDX-License-Identifier: MIT
 *
 * The tables of commands and of messages.
 */
#include "command.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "message.h"

static void a_command_stands_at_the_place_of_its_number(void **state)
{
    (void)state;
    for (unsigned i = 0; i < COMMAND_COUNT; i++)
        assert_int_equal(commands[i].command, i);
}

static void a_command_is_found_by_its_own_name_only(void **state)
{
    (void)state;
    for (unsigned i = 0; i < COMMAND_COUNT; i++)
        assert_ptr_equal(command_find(commands[i].name), &commands[i]);
    assert_null(command_find(""));
    assert_null(command_find("Status"));
    assert_null(command_find("statu"));
    assert_null(command_find("status "));
}

static void a_command_has_all_that_help_needs(void **state)
{
    (void)state;
    for (unsigned i = 0; i < COMMAND_COUNT; i++) {
        size_t length = strlen(commands[i].help);

        assert_true(length > 20 && commands[i].help[length - 1] == '.');
        assert_non_null(commands[i].arguments);
        assert_true(commands[i].least <= commands[i].most);
        assert_int_equal(commands[i].most == 0, commands[i].arguments[0] == '\0');
    }
}

static void an_option_has_all_that_help_needs(void **state)
{
    (void)state;
    for (unsigned i = 0; i < COMMAND_COUNT; i++) {
        const struct command_option *option = commands[i].options;

        for (; option != NULL && option->name != NULL; option++) {
            size_t length = strlen(option->help);

            assert_true(length > 20 && option->help[length - 1] == '.');
            assert_null(strpbrk(option->name, "= "));
        }
    }
}

static void an_option_is_found_with_and_without_its_value(void **state)
{
    const struct command_row *row = command_find("reload");

    (void)state;
    assert_string_equal(command_find_option(row, "--no-wait")->name, "no-wait");
    assert_string_equal(command_find_option(row, "--no-wait=7")->name, "no-wait");
    assert_null(command_find_option(row, "--no"));
    assert_null(command_find_option(row, "--no-waiting"));
    assert_null(command_find_option(row, "no-wait"));
    assert_null(command_find_option(command_find("status"), "--no-wait"));
}

static void a_message_has_its_name(void **state)
{
    (void)state;
    assert_string_equal(message_name(MESSAGE_READY), "READY");
    assert_string_equal(message_name(MESSAGE_LOG_LEVEL), "LOG_LEVEL");
}

static void a_number_that_is_no_message_is_a_question_mark(void **state)
{
    (void)state;
    assert_string_equal(message_name(MESSAGE_COUNT), "?");
    assert_string_equal(message_name(UINT32_MAX), "?");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_command_stands_at_the_place_of_its_number),
        cmocka_unit_test(a_command_is_found_by_its_own_name_only),
        cmocka_unit_test(a_command_has_all_that_help_needs),
        cmocka_unit_test(an_option_has_all_that_help_needs),
        cmocka_unit_test(an_option_is_found_with_and_without_its_value),
        cmocka_unit_test(a_message_has_its_name),
        cmocka_unit_test(a_number_that_is_no_message_is_a_question_mark),
    };

    return cmocka_run_group_tests_name("command", tests, NULL, NULL);
}
