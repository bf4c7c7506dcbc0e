/* SPDX-License-Identifier: MIT
 *
 * A line of JSON, and the fields of a log line in it.
 */
#include "json_line.h"

#include <jansson.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "log_fields.h"

static json_t *parse(const char *bytes)
{
    json_error_t error;
    json_t *value = json_loads(bytes, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, &error);

    if (value == NULL)
        fail_msg("%s in: %s", error.text, bytes);
    return value;
}

/* The fields of a log line, as JSON. */
static json_t *fields_of(const char *line)
{
    char bytes[2048];
    struct json_line json;

    json_line_begin(&json, bytes, sizeof(bytes));
    log_fields_to_json(line, &json);
    (void)json_line_end(&json);
    return parse(bytes);
}

static const char *text_of(const json_t *object, const char *name)
{
    return json_string_value(json_object_get(object, name));
}

static void members_are_texts_numbers_literals_and_objects(void **state)
{
    char bytes[256];
    struct json_line line;
    json_t *value;
    size_t length;

    (void)state;
    json_line_begin(&line, bytes, sizeof(bytes));
    json_line_text(&line, "a", "x");
    json_line_open(&line, "inner");
    json_line_number(&line, "b", UINT64_C(18446744073709551615));
    json_line_close(&line);
    json_line_open(&line, "empty");
    json_line_close(&line);
    json_line_literal(&line, "c", "1.5", 3);
    length = json_line_end(&line);
    assert_int_equal(length, strlen(bytes));
    assert_string_equal(
        bytes, "{\"a\":\"x\",\"inner\":{\"b\":18446744073709551615},\"empty\":{},\"c\":1.5}");
    json_line_begin(&line, bytes, sizeof(bytes));
    (void)json_line_end(&line);
    value = parse(bytes);
    assert_int_equal(json_object_size(value), 0);
    json_decref(value);
}

static void every_byte_comes_back_or_is_shown_as_hexadecimal(void **state)
{
    static const struct {
        const char *bytes, *expected;
    } cases[] = {
        {"plain", "plain"},
        {"\"quoted\" \\ \n\t\x01\x7f", "\"quoted\" \\ \n\t\x01\x7f"},
        {"gr\xc3\xbc\xc3\x9f \xe2\x82\xac \xf0\x9f\x98\x80",
         "gr\xc3\xbc\xc3\x9f \xe2\x82\xac \xf0\x9f\x98\x80"},
        {"\xff", "\\xff"},
        {"\xc3", "\\xc3"},                   /* half a character */
        {"\xc0\xaf", "\\xc0\\xaf"},          /* overlong */
        {"\xed\xa0\x80", "\\xed\\xa0\\x80"}, /* a surrogate */
        {"\xf4\x90\x80\x80", "\\xf4\\x90\\x80\\x80"},
        {"\xe2\x82z", "\\xe2\\x82z"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char bytes[256];
        struct json_line line;
        json_t *value;

        json_line_begin(&line, bytes, sizeof(bytes));
        json_line_text(&line, "text", cases[i].bytes);
        (void)json_line_end(&line);
        value = parse(bytes);
        assert_string_equal(text_of(value, "text"), cases[i].expected);
        json_decref(value);
    }
}

/* Reproducible: a run that fails fails again. */
static unsigned char next_byte(void)
{
    static uint32_t seed = 1;

    seed = seed * 1664525U + 1013904223U;
    return (unsigned char)(seed >> 24);
}

static void a_line_of_any_size_with_any_bytes_is_valid(void **state)
{
    (void)state;
    for (unsigned round = 0; round < 20000; round++) {
        char bytes[512], text[600];
        size_t size = 16 + next_byte() % 120U + (round % 4 == 0 ? next_byte() : 0U), length;
        struct json_line line;

        for (size_t i = 0; i < sizeof(text); i++)
            text[i] = (char)next_byte();
        memset(bytes, '#', sizeof(bytes));
        json_line_begin(&line, bytes, size);
        for (unsigned members = next_byte() % 6U; members > 0; members--) {
            char name[16];

            (void)snprintf(name, sizeof(name), "m%u", members);
            if (next_byte() % 3 == 0 && line.depth < JSON_LINE_DEPTH)
                json_line_open(&line, name);
            else if (next_byte() % 3 == 0)
                json_line_close(&line);
            else
                json_line_bytes(&line, name, text + members, next_byte());
        }
        length = json_line_end(&line);
        assert_true(length < size);
        assert_int_equal(bytes[size], '#');
        json_decref(parse(bytes));
    }
}

static void what_does_not_fit_is_cut_and_marked(void **state)
{
    char bytes[64], text[200];
    struct json_line line;
    json_t *value;

    (void)state;
    memset(text, 'x', sizeof(text));
    json_line_begin(&line, bytes, sizeof(bytes));
    json_line_bytes(&line, "long", text, sizeof(text));
    json_line_text(&line, "behind", "it");
    (void)json_line_end(&line);
    value = parse(bytes);
    assert_non_null(strstr(text_of(value, "long"), "xxx…"));
    assert_int_equal(json_object_size(value), 1);
    json_decref(value);
}

/* --- The fields of a log line --- */

static void fields_are_told_apart(void **state)
{
    json_t *fields = fields_of("worker ended slot=0 generation=12 how=\"signal 11 (x y)\" "
                               "path=/a b/c peer=[::1]:80 empty= share=0.25 first=007 minus=-3");

    (void)state;
    assert_int_equal(log_fields_event("worker ended slot=0"), strlen("worker ended"));
    assert_int_equal(log_fields_event("slot=0"), 0);
    assert_int_equal(log_fields_event("nothing here"), strlen("nothing here"));
    assert_int_equal(json_integer_value(json_object_get(fields, "generation")), 12);
    assert_true(json_is_integer(json_object_get(fields, "slot")));
    assert_string_equal(text_of(fields, "how"), "signal 11 (x y)");
    assert_string_equal(text_of(fields, "path"), "/a b/c");
    assert_string_equal(text_of(fields, "peer"), "[::1]:80");
    assert_string_equal(text_of(fields, "empty"), "");
    assert_string_equal(text_of(fields, "first"), "007");
    assert_true(json_real_value(json_object_get(fields, "share")) == 0.25);
    assert_int_equal(json_integer_value(json_object_get(fields, "minus")), -3);
    assert_int_equal(json_object_size(fields), 9);
    json_decref(fields);
}

static void of_two_fields_with_one_name_the_first_stays(void **state)
{
    json_t *fields = fields_of("event server=a other=1 server=b");

    (void)state;
    assert_string_equal(text_of(fields, "server"), "a");
    assert_int_equal(json_object_size(fields), 2);
    json_decref(fields);
}

static void quotes_that_nothing_closes_stay(void **state)
{
    json_t *fields = fields_of("event a=\"open b=2");

    (void)state;
    assert_string_equal(text_of(fields, "a"), "\"open");
    assert_int_equal(json_integer_value(json_object_get(fields, "b")), 2);
    json_decref(fields);
}

static void numbers_that_json_does_not_know_are_texts(void **state)
{
    static const char *const texts[] = {
        "-", "1.", ".5", "00", "1e5", "+1", "1.2.3", "0x10", "1234567890123456789"};

    (void)state;
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        char line[64];
        json_t *fields;

        (void)snprintf(line, sizeof(line), "event a=%s", texts[i]);
        fields = fields_of(line);
        assert_string_equal(text_of(fields, "a"), texts[i]);
        json_decref(fields);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(members_are_texts_numbers_literals_and_objects),
        cmocka_unit_test(every_byte_comes_back_or_is_shown_as_hexadecimal),
        cmocka_unit_test(a_line_of_any_size_with_any_bytes_is_valid),
        cmocka_unit_test(what_does_not_fit_is_cut_and_marked),
        cmocka_unit_test(fields_are_told_apart),
        cmocka_unit_test(of_two_fields_with_one_name_the_first_stays),
        cmocka_unit_test(quotes_that_nothing_closes_stay),
        cmocka_unit_test(numbers_that_json_does_not_know_are_texts),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
