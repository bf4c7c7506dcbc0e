/* SPDX-License-Identifier: MIT
 *
 * Requests of the control socket, good and bad.
 */
#include "request.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "command.h"

static json_t *parse(struct request *request, const char *line)
{
    return request_parse(request, line, strlen(line));
}

static void a_request_names_a_command(void **state)
{
    struct request request;

    (void)state;
    assert_null(parse(&request, "{\"command\": \"status\", \"arguments\": []}"));
    assert_int_equal(request.row->command, COMMAND_STATUS);
    assert_int_equal(json_array_size(request.arguments), 0);
    request_clear(&request);
}

static void arguments_may_be_left_out(void **state)
{
    struct request request;

    (void)state;
    assert_null(parse(&request, "{\"command\": \"version\"}"));
    assert_true(json_is_array(request.arguments));
    request_clear(&request);
}

static void options_are_not_counted_among_the_arguments(void **state)
{
    struct request request;

    (void)state;
    assert_null(parse(&request, "{\"command\": \"reload\", \"arguments\": [\"--no-wait\"]}"));
    assert_string_equal(request_option(request.arguments, "no-wait"), "");
    assert_null(request_option(request.arguments, "no"));
    assert_null(request_argument(request.arguments, 0));
    request_clear(&request);
}

static void what_is_no_request_is_refused_with_a_reason(void **state)
{
    static const struct {
        const char *line, *reason;
    } cases[] = {
        {"", "not a request"},
        {"status", "not a request"},
        {"[]", "not a request"},
        {"\"status\"", "not a request"},
        {"{}", "not a request"},
        {"{\"command\": 7}", "not a request"},
        {"{\"command\": \"status\"} x", "not a request"},
        {"{\"command\": \"status\", \"command\": \"stop\"}", "not a request"},
        {"{\"command\": \"status\\u0000\"}", "not a request"},
        {"{\"command\": \"staus\"}", "unknown command \"staus\""},
        {"{\"command\": \"new-module\", \"arguments\": [\"x\"]}", "unknown command \"new-module\""},
        {"{\"command\": \"\\u001b[2J\"}", "unknown command \"\\x1b[2J\""},
        {"{\"command\": \"status\", \"arguments\": {}}", "not a list"},
        {"{\"command\": \"status\", \"arguments\": \"now\"}", "not a list"},
        {"{\"command\": \"status\", \"arguments\": [\"now\"]}", "status takes no arguments"},
        {"{\"command\": \"reload\", \"arguments\": [\"--soon\"]}", "reload has no option --soon"},
        {"{\"command\": \"reload\", \"arguments\": [\"--no-wait=1\"]}", "usage: --no-wait"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct request request;
        json_t *refusal = parse(&request, cases[i].line);

        assert_non_null(refusal);
        assert_true(json_is_false(json_object_get(refusal, "ok")));
        assert_int_equal(json_integer_value(json_object_get(refusal, "exit")), 2);
        assert_non_null(
            strstr(json_string_value(json_object_get(refusal, "error")), cases[i].reason));
        json_decref(refusal);
        request_clear(&request);
    }
}

static void bytes_that_are_no_text_are_refused(void **state)
{
    static const char line[] = "{\"command\": \"\xff\xfe\0\"}";
    struct request request;
    json_t *refusal = request_parse(&request, line, sizeof(line) - 1);

    (void)state;
    assert_non_null(refusal);
    json_decref(refusal);
}

static void a_refusal_is_json_whatever_it_quotes(void **state)
{
    char name[600], line[700];
    struct request request;
    json_t *refusal;

    (void)state;
    memset(name, '"', sizeof(name));
    for (size_t i = 0; i + 1 < sizeof(name); i += 2)
        name[i] = '\\';
    snprintf(line, sizeof(line), "{\"command\": \"%.598s\"}", name);
    refusal = parse(&request, line);
    assert_non_null(refusal);
    assert_non_null(json_string_value(json_object_get(refusal, "error")));
    json_decref(refusal);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_request_names_a_command),
        cmocka_unit_test(arguments_may_be_left_out),
        cmocka_unit_test(options_are_not_counted_among_the_arguments),
        cmocka_unit_test(what_is_no_request_is_refused_with_a_reason),
        cmocka_unit_test(bytes_that_are_no_text_are_refused),
        cmocka_unit_test(a_refusal_is_json_whatever_it_quotes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
