/* SPDX-License-Identifier: MIT
 *
 * The lines of a file, and the traps of inih behind them.
 */
#include "reader.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "config_fixture.h"

/* A document, and what was wrong with its text. */
struct reading {
    struct document document;
    struct config_problems problems;
};

static struct reading read_bytes(const char *bytes, size_t size)
{
    struct reading reading = {0};
    struct problems problems = {0};
    FILE *stream = fmemopen((void *)(uintptr_t)bytes, size, "r");

    assert_non_null(stream);
    reader_read(&reading.document, stream, CONFIG_NAME, &problems);
    fclose(stream);
    problems_give(&problems, &reading.problems);
    return reading;
}

static struct reading read_text(const char *text)
{
    return read_bytes(text, strlen(text));
}

static void clear(struct reading *reading)
{
    document_clear(&reading->document);
    config_problems_clear(&reading->problems);
}

static const struct document_entry *entry_of(const struct reading *reading, size_t section,
                                             size_t entry)
{
    assert_true(section < reading->document.section_count);
    assert_true(entry < reading->document.sections[section].entry_count);
    return &reading->document.sections[section].entries[entry];
}

/* Reads one option line in a section; "NAME|TEXT", or the problem without its place. */
static void expect_line(const char *line, const char *expected)
{
    char text[2048];
    struct reading reading;

    snprintf(text, sizeof(text), "[prongd]\n%s\n", line);
    reading = read_text(text);
    if (reading.problems.count > 0) {
        snprintf(text, sizeof(text), "x.conf:2: [prongd] %s\n", expected);
        assert_string_equal(reading.problems.text, text);
    } else {
        const struct document_entry *entry = entry_of(&reading, 0, 0);

        snprintf(text, sizeof(text), "%s|%s", entry->name, entry->text);
        assert_string_equal(text, expected);
        assert_int_equal(entry->place.line, 2);
    }
    clear(&reading);
}

static void a_line_is_a_name_and_a_value(void **state)
{
    (void)state;
    expect_line("a=b", "a|b");
    expect_line("  a  =  b c  ", "a|b c");
    expect_line("a = b = c", "a|b = c");
    expect_line("a = b:c", "a|b:c");
    expect_line("a =", "a|");
    expect_line("a = b\r", "a|b");
    expect_line("a = [b]", "a|[b]");
    expect_line("a\t=\tb\tc", "a|b\tc");
    expect_line("a = \xC3\xA4", "a|\xC3\xA4");
}

static void a_comment_begins_after_a_space(void **state)
{
    (void)state;
    expect_line("a = b # c", "a|b");
    expect_line("a = b ; c", "a|b");
    expect_line("a = b#c;d", "a|b#c;d");
    expect_line("a = # c", "a|");
}

static void only_an_equals_sign_separates(void **state)
{
    (void)state;
    expect_line("a: b", "\"a: b\" is not NAME = VALUE: only \"=\" separates a name from its value");
    expect_line("a:b = c",
                "\"a:b = c\" is not NAME = VALUE: only \"=\" separates a name from its value");
    expect_line("a b", "\"a b\" is not NAME = VALUE: only \"=\" separates a name from its value");
    expect_line("= b", "a name is missing before \"=\"");
}

static void the_tail_of_a_long_line_is_not_a_line(void **state)
{
    char text[1024];
    struct reading reading;

    (void)state;
    snprintf(text, sizeof(text), "[prongd]\npid_file = %0189dworkers = 99\nuser = root\n", 0);
    reading = read_text(text);
    assert_int_equal(reading.problems.count, 1);
    assert_string_equal(reading.problems.text,
                        "x.conf:2: [prongd] the line is too long: 197 bytes are allowed, and a "
                        "list may go on in indented lines\n");
    assert_int_equal(reading.document.sections[0].entry_count, 1);
    assert_string_equal(entry_of(&reading, 0, 0)->name, "user");
    assert_int_equal(entry_of(&reading, 0, 0)->place.line, 3);
    clear(&reading);
}

static void a_line_of_every_length_is_whole_or_refused(void **state)
{
    (void)state;
    for (int length = 180; length < 420; length++) {
        char text[1024];
        struct reading reading;

        snprintf(text, sizeof(text), "[prongd]\na = %0*d\n b%0*d\n", length - 4, 0, length - 2, 0);
        reading = read_text(text);
        assert_int_equal(reading.problems.count, length <= READER_LINE_LIMIT ? 0 : 2);
        if (length <= READER_LINE_LIMIT) {
            assert_int_equal(strlen(entry_of(&reading, 0, 0)->text), length - 4);
            assert_int_equal(strlen(entry_of(&reading, 0, 1)->text), length - 1);
        }
        clear(&reading);
    }
}

static void a_long_comment_is_too_long_as_well(void **state)
{
    char text[1024];
    struct reading reading;

    (void)state;
    snprintf(text, sizeof(text), "# %0300d\n", 0);
    reading = read_text(text);
    assert_int_equal(reading.problems.count, 1);
    clear(&reading);
}

static void a_long_name_of_a_section_is_not_cut(void **state)
{
    struct reading reading =
        read_text("[server aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa]\na = b\n"
                  "[server 1234567890123456789012345678901234567890]\na = b\n"
                  "[server                                                 spaces]\na = b\n");

    (void)state;
    assert_int_equal(reading.problems.count, 1);
    assert_int_equal(reading.document.section_count, 2);
    assert_string_equal(reading.document.sections[0].name,
                        "1234567890123456789012345678901234567890");
    assert_string_equal(reading.document.sections[1].title, "server spaces");
    clear(&reading);
}

static void a_section_without_options_is_there(void **state)
{
    struct reading reading = read_text("[server a]\n[server b]\n");

    (void)state;
    assert_int_equal(reading.document.section_count, 2);
    assert_int_equal(reading.document.sections[1].place.line, 2);
    clear(&reading);
}

static void an_indented_line_goes_on_with_the_option_above(void **state)
{
    struct reading reading = read_text("[server a]\n"
                                       "  first = 1\n"
                                       "  2\n"
                                       "\n"
                                       "# comment\n"
                                       "\t[::1]:3 ; comment\n"
                                       "  four: 4 = 4\n"
                                       "[server b]\n"
                                       "  fifth = 5\n");
    static const char *const texts[] = {"1", "2", "[::1]:3", "four: 4 = 4"};
    static const unsigned lines[] = {2, 3, 6, 7};

    (void)state;
    assert_int_equal(reading.problems.count, 0);
    for (size_t i = 0; i < 4; i++) {
        assert_string_equal(entry_of(&reading, 0, i)->name, "first");
        assert_string_equal(entry_of(&reading, 0, i)->text, texts[i]);
        assert_int_equal(entry_of(&reading, 0, i)->continues, i > 0);
        assert_int_equal(entry_of(&reading, 0, i)->place.line, lines[i]);
    }
    assert_string_equal(entry_of(&reading, 1, 0)->name, "fifth");
    clear(&reading);
}

static void what_goes_on_with_a_refused_option_is_refused_with_it(void **state)
{
    struct reading reading = read_text("[server a]\n"
                                       "first = 1\n"
                                       "second: 2\n"
                                       "  3\n"
                                       "[nonsense]\n"
                                       "a = 4\n"
                                       "  5\n");

    (void)state;
    assert_int_equal(reading.problems.count, 2);
    assert_int_equal(reading.document.section_count, 1);
    assert_int_equal(reading.document.sections[0].entry_count, 1);
    clear(&reading);
}

static void control_characters_are_refused(void **state)
{
    static const char with_nul[] = "[prongd]\na = b\0c = d\n";
    struct reading reading = read_bytes(with_nul, sizeof(with_nul) - 1);

    (void)state;
    assert_string_equal(
        reading.problems.text,
        "x.conf:2: [prongd] the line has a control character: only plain text is allowed\n");
    assert_int_equal(reading.document.sections[0].entry_count, 0);
    clear(&reading);
    expect_line("a = \033[2J", "the line has a control character: only plain text is allowed");
}

static void a_byte_order_mark_is_skipped(void **state)
{
    struct reading reading = read_text("\xEF\xBB\xBF[prongd]\na = b\n");

    (void)state;
    assert_int_equal(reading.problems.count, 0);
    assert_string_equal(reading.document.sections[0].title, "prongd");
    clear(&reading);
}

static void the_last_line_needs_no_end(void **state)
{
    struct reading reading = read_text("[prongd]\na = b");

    (void)state;
    assert_string_equal(entry_of(&reading, 0, 0)->text, "b");
    clear(&reading);
}

static void several_files_make_one_document(void **state)
{
    struct document document = {0};
    struct problems problems = {0};
    static char first[] = "[prongd]\na = 1\n";
    static char second[] = "b = 2\n[server x]\nc = 3\n";
    struct config_problems result;
    FILE *stream = fmemopen(first, strlen(first), "r");

    (void)state;
    reader_read(&document, stream, "one.conf", &problems);
    fclose(stream);
    stream = fmemopen(second, strlen(second), "r");
    reader_read(&document, stream, "two.conf", &problems);
    fclose(stream);
    problems_give(&problems, &result);
    assert_string_equal(result.text, "two.conf:1: no section has begun: write [prongd] or [server "
                                     "NAME] above\n");
    assert_int_equal(document.section_count, 2);
    assert_string_equal(document.sections[0].entries[0].place.file, "one.conf");
    assert_string_equal(document.sections[1].entries[0].place.file, "two.conf");
    assert_int_equal(document.sections[1].entries[0].place.line, 3);
    config_problems_clear(&result);
    document_clear(&document);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_line_is_a_name_and_a_value),
        cmocka_unit_test(a_comment_begins_after_a_space),
        cmocka_unit_test(only_an_equals_sign_separates),
        cmocka_unit_test(the_tail_of_a_long_line_is_not_a_line),
        cmocka_unit_test(a_line_of_every_length_is_whole_or_refused),
        cmocka_unit_test(a_long_comment_is_too_long_as_well),
        cmocka_unit_test(a_long_name_of_a_section_is_not_cut),
        cmocka_unit_test(a_section_without_options_is_there),
        cmocka_unit_test(an_indented_line_goes_on_with_the_option_above),
        cmocka_unit_test(what_goes_on_with_a_refused_option_is_refused_with_it),
        cmocka_unit_test(control_characters_are_refused),
        cmocka_unit_test(a_byte_order_mark_is_skipped),
        cmocka_unit_test(the_last_line_needs_no_end),
        cmocka_unit_test(several_files_make_one_document),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
