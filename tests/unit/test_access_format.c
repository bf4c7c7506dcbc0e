/* SPDX-License-Identifier: MIT
 *
 * The lines of the access log, and what is said of a template.
 */
#include "access_format.h"

#include <errno.h>
#include <jansson.h>
#include <prong/address.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

static struct prong_address client, local;
static const struct access_step steps[] = {{.generation = 1, .slot = 0, .age_ms = 500},
                                           {.generation = 2, .slot = 3, .age_ms = 12345}};

/* A connection of everyday life. */
static struct access_event event_of_day(void)
{
    assert_int_equal(prong_address_parse(&client, "192.0.2.1:4711"), 0);
    assert_int_equal(prong_address_parse(&local, "[2001:db8::1]:80"), 0);
    return (struct access_event){
        .server = "chat",
        .handler = "echo",
        .generation = 3,
        .slot = 1,
        .id = 77,
        .client = &client,
        .local = &local,
        .bytes_in = 10,
        .bytes_out = INT64_MAX,
        .duration_ms = 61002,
        .end = ACCESS_END_CLIENT,
        .moves = 2,
        .steps = steps,
        .step_count = 2,
        .fields = "upstream=10.0.0.1:80 tries=2",
    };
}

/* A line without its newline, until the next call. */
static const char *line_of(const char *template_text, const struct access_event *event)
{
    static char bytes[ACCESS_LINE_SIZE];
    struct access_format *format = access_format_new(template_text);
    size_t size;

    assert_non_null(format);
    size = access_format_put(format, event, bytes);
    assert_in_range(size, 1, ACCESS_LINE_SIZE);
    assert_int_equal(bytes[size - 1], '\n');
    assert_null(memchr(bytes, '\n', size - 1));
    bytes[size - 1] = '\0';
    access_format_free(format);
    return bytes;
}

static void every_field_has_its_value(void **state)
{
    static const struct {
        const char *template_text, *expected;
    } cases[] = {
        {"$server", "chat"},
        {"$handler", "echo"},
        {"$connection", "77"},
        {"$client", "192.0.2.1:4711"},
        {"$client_address", "192.0.2.1"},
        {"$client_port", "4711"},
        {"$local", "[2001:db8::1]:80"},
        {"$local_address", "2001:db8::1"},
        {"$local_port", "80"},
        {"$bytes_in", "10"},
        {"$bytes_out", "9223372036854775807"},
        {"$duration", "61.002"},
        {"$ended_by", "client"},
        {"$reason", "end"},
        {"$worker", "3.1"},
        {"$moves", "2"},
        {"$history", "1.0@0.500,2.3@12.345"},
        {"$fields", "upstream=10.0.0.1:80 tries=2"},
    };
    struct access_event event = event_of_day();

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        assert_string_equal(line_of(cases[i].template_text, &event), cases[i].expected);
}

static void a_template_is_literals_and_fields(void **state)
{
    struct access_event event = event_of_day();

    (void)state;
    assert_string_equal(line_of("plain", &event), "plain");
    assert_string_equal(line_of("", &event), "");
    assert_string_equal(line_of("[${server}x] $$5 $server$handler$$", &event),
                        "[chatx] $5 chatecho$");
    assert_string_equal(line_of("{\"c\": \"$client\", \"n\": ${bytes_in}}", &event),
                        "{\"c\": \"192.0.2.1:4711\", \"n\": 10}");
}

static void times_are_those_of_now(void **state)
{
    struct access_event event = event_of_day();
    double before = (double)time(NULL), told;
    const char *line;

    (void)state;
    told = strtod(line_of("$time_unix", &event), NULL);
    assert_true(told >= before && told <= before + 60);
    line = line_of("$time", &event);
    assert_int_equal(strlen(line), strlen("2026-03-01T12:00:00.123+01:00"));
    assert_int_equal(line[10], 'T');
    assert_int_equal(line[19], '.');
}

static void moves_that_nobody_knows_are_dots(void **state)
{
    struct access_event event = event_of_day();

    (void)state;
    event.moves = 9;
    assert_string_equal(line_of("$history", &event), "...,1.0@0.500,2.3@12.345");
    event.step_count = 0;
    assert_string_equal(line_of("$history", &event), "...");
    event.moves = 0;
    assert_string_equal(line_of("$history", &event), "-");
}

static void a_reason_of_its_own_comes_first(void **state)
{
    struct access_event event = event_of_day();

    (void)state;
    event.end = ACCESS_END_REFUSED;
    event.reason = "max_connections";
    assert_string_equal(line_of("$ended_by $reason", &event), "refused max_connections");
}

static void text_is_every_field_as_key_and_value(void **state)
{
    struct access_event event = event_of_day();
    const char *line = line_of("text", &event);

    (void)state;
    assert_non_null(strstr(line, " connection=77 client=192.0.2.1:4711 "));
    assert_non_null(strstr(line, " history=1.0@0.500,2.3@12.345 upstream=10.0.0.1:80 tries=2"));
    event.fields = "";
    line = line_of("text", &event);
    assert_int_equal(line[strlen(line) - 1], '5'); /* no blank at its end */
}

static void json_is_an_object_with_the_handlers_own_inside(void **state)
{
    struct access_event event = event_of_day();
    json_t *line, *fields;
    size_t count = 0;

    (void)state;
    line = json_loads(line_of("json", &event), JSON_REJECT_DUPLICATES, NULL);
    assert_non_null(line);
    while (access_format_field(count) != NULL)
        assert_non_null(json_object_get(line, access_format_field(count++)));
    assert_int_equal(json_object_size(line), count);
    assert_int_equal(json_integer_value(json_object_get(line, "bytes_in")), 10);
    assert_true(json_real_value(json_object_get(line, "duration")) == 61.002);
    assert_string_equal(json_string_value(json_object_get(line, "client")), "192.0.2.1:4711");
    fields = json_object_get(line, "fields");
    assert_string_equal(json_string_value(json_object_get(fields, "upstream")), "10.0.0.1:80");
    assert_int_equal(json_integer_value(json_object_get(fields, "tries")), 2);
    json_decref(line);
}

static void no_byte_of_a_handler_starts_a_line_of_its_own(void **state)
{
    struct access_event event = event_of_day();
    json_t *line;

    (void)state;
    event.fields = "name=a\nserver=forged\x1b \xff";
    assert_string_equal(line_of("$fields", &event), "name=a\\nserver=forged\\x1b \xff");
    line = json_loads(line_of("json", &event), JSON_REJECT_DUPLICATES, NULL);
    assert_non_null(line);
    assert_string_equal(json_string_value(json_object_get(line, "server")), "chat");
    json_decref(line);
}

static void a_unix_client_has_no_address(void **state)
{
    struct access_event event = event_of_day();

    (void)state;
    client = (struct prong_address){.family = AF_UNIX};
    assert_string_equal(line_of("$client $client_address $client_port", &event), "unix: - 0");
}

static void a_line_that_is_too_long_is_cut(void **state)
{
    static char fields[3 * ACCESS_LINE_SIZE];
    struct access_event event = event_of_day();
    json_t *line;

    (void)state;
    memset(fields, 'x', sizeof(fields) - 1);
    memcpy(fields, "long=", 5);
    event.fields = fields;
    assert_int_equal(strlen(line_of("$server $fields", &event)), ACCESS_LINE_SIZE - 1);
    line = json_loads(line_of("json", &event), 0, NULL);
    assert_non_null(line);
    json_decref(line);
}

static void a_template_that_makes_no_sense_is_told(void **state)
{
    static const struct {
        const char *template_text;
        enum access_format_fault fault;
        const char *name;
    } cases[] = {
        {"text", ACCESS_FORMAT_FINE, ""},
        {"json", ACCESS_FORMAT_FINE, ""},
        {"$time $$ ${client}", ACCESS_FORMAT_FINE, ""},
        {"$time $clent", ACCESS_FORMAT_UNKNOWN, "clent"},
        {"$timeX", ACCESS_FORMAT_UNKNOWN, "timeX"},
        {"a $ b", ACCESS_FORMAT_NO_NAME, ""},
        {"5$", ACCESS_FORMAT_NO_NAME, ""},
        {"${}", ACCESS_FORMAT_NO_NAME, ""},
        {"${client", ACCESS_FORMAT_NO_BRACE, "client"},
        {"$a_name_that_is_much_longer_than_there_is_room", ACCESS_FORMAT_UNKNOWN,
         "a_name_that_is_"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char name[16] = "";

        assert_int_equal(access_format_check(cases[i].template_text, name, sizeof(name)),
                         cases[i].fault);
        assert_string_equal(name, cases[i].name);
    }
}

static void only_a_template_with_fields_asks_the_handler(void **state)
{
    static const struct {
        const char *template_text;
        bool expected;
    } cases[] = {{"text", true}, {"json", true}, {"$client", false}, {"${fields}", true}};

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct access_format *format = access_format_new(cases[i].template_text);

        assert_int_equal(access_format_wants_fields(format), cases[i].expected);
        access_format_free(format);
    }
}

static void an_error_tells_who_ended(void **state)
{
    (void)state;
    assert_string_equal(access_end_by(access_end_of_error(0)), "unknown");
    assert_string_equal(access_end_by(access_end_of_error(-ECONNRESET)), "reset");
    assert_string_equal(access_end_by(access_end_of_error(-EPIPE)), "reset");
    assert_string_equal(access_end_by(access_end_of_error(-ETIMEDOUT)), "timeout");
    assert_string_equal(access_end_by(access_end_of_error(-EHOSTUNREACH)), "error");
    for (enum access_end end = ACCESS_END_UNKNOWN; end < ACCESS_ENDS; end++) {
        assert_non_null(access_end_by(end));
        assert_non_null(access_end_reason(end));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_field_has_its_value),
        cmocka_unit_test(a_template_is_literals_and_fields),
        cmocka_unit_test(times_are_those_of_now),
        cmocka_unit_test(moves_that_nobody_knows_are_dots),
        cmocka_unit_test(a_reason_of_its_own_comes_first),
        cmocka_unit_test(text_is_every_field_as_key_and_value),
        cmocka_unit_test(json_is_an_object_with_the_handlers_own_inside),
        cmocka_unit_test(no_byte_of_a_handler_starts_a_line_of_its_own),
        cmocka_unit_test(a_unix_client_has_no_address),
        cmocka_unit_test(a_line_that_is_too_long_is_cut),
        cmocka_unit_test(a_template_that_makes_no_sense_is_told),
        cmocka_unit_test(only_a_template_with_fields_asks_the_handler),
        cmocka_unit_test(an_error_tells_who_ended),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
