/* SPDX-License-Identifier: MIT
 *
 * What is made from the rows: the sample file, the manual page, the effective configuration.
 */
#include "describe.h"

#include <ctype.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "config_fixture.h"
#include "options.h"
#include "reader.h"
#include "table.h"

#define SAMPLE SOURCE_DIR "/conf/prongd.conf"

typedef void describe_function(const struct prongd_handler *const *handlers, FILE *stream);

/* To be freed. */
static char *text_of(describe_function *describe, const struct prongd_handler *const *handlers)
{
    char *text = NULL;
    size_t size;
    FILE *stream = open_memstream(&text, &size);

    assert_non_null(stream);
    describe(handlers, stream);
    assert_int_equal(fclose(stream), 0);
    return text;
}

/* To be freed. */
static char *dump_of(const struct config *config)
{
    char *text = NULL;
    size_t size;
    FILE *stream = open_memstream(&text, &size);

    assert_non_null(stream);
    config_dump(config, stream);
    assert_int_equal(fclose(stream), 0);
    return text;
}

static char *content_of(const char *file)
{
    char *text = NULL;
    size_t size = 0;
    FILE *stream = fopen(file, "re");

    assert_non_null(stream);
    if (getdelim(&text, &size, '\0', stream) < 0)
        fail_msg("%s is empty", file);
    fclose(stream);
    return text;
}

/* --- The sample --- */

static void the_committed_sample_is_the_one_that_the_rows_give(void **state)
{
    char *committed = content_of(SAMPLE);
    char *made = text_of(describe_sample, handler_table);

    (void)state;
    if (strcmp(committed, made) != 0)
        fail_msg("make it anew: prongd --describe=sample > conf/prongd.conf");
    free(committed);
    free(made);
}

static void the_sample_loads_and_has_one_small_server(void **state)
{
    struct config_problems problems;
    struct config *config = config_load(SAMPLE, handler_table, &problems);

    (void)state;
    if (config == NULL)
        fail_msg("%s", problems.text);
    assert_int_equal(config->server_count, 1);
    assert_string_equal(config->servers[0]->name, "echo");
    assert_string_equal(config->servers[0]->handler_name, "echo");
    assert_string_equal(config->servers[0]->listen.items[0], "127.0.0.1:7007");
    config_free(config);
}

/* "#name = value" becomes an option; the sentences begin with "# ". */
static void uncomment(char *text)
{
    char *to = text, before = '\n';

    for (const char *from = text; *from != '\0'; before = *from++) {
        if (before != '\n' || *from != '#' || !islower((unsigned char)from[1]))
            *to++ = *from;
    }
    *to = '\0';
}

static void the_sample_loads_with_every_comment_removed(void **state)
{
    char *text = text_of(describe_sample, handler_table);
    struct config_problems problems;
    char *others = strstr(text, "\n# --- Only with handler = ");
    struct config *config;
    FILE *stream;

    (void)state;
    if (others != NULL)
        *others = '\0'; /* the echo server may not have them */
    uncomment(text);
    assert_non_null(strstr(text, "\nworkers = auto\n"));
    stream = fmemopen(text, strlen(text), "r");
    config = config_load_stream(stream, "sample", handler_table, &problems);
    fclose(stream);
    if (config == NULL)
        fail_msg("%s", problems.text);
    config_free(config);
    free(text);
}

/* --- The manual --- */

static void expect_rows(const char *manual, const struct option_table *table)
{
    for (size_t i = 0; i < table->count; i++) {
        char entry[128];

        snprintf(entry, sizeof(entry), "\n.BI \"%s = \"", table->rows[i].name);
        if (strstr(manual, entry) == NULL)
            fail_msg("%s is missing", table->rows[i].name);
    }
}

static void the_manual_has_every_option(void **state)
{
    char *manual = text_of(describe_manual, config_handlers);
    struct option_table greet = handler_options(config_handlers[1]);

    (void)state;
    expect_rows(manual, &daemon_options);
    expect_rows(manual, &server_options);
    expect_rows(manual, &greet);
    assert_non_null(strstr(manual, "\n.SS greet\n"));
    assert_non_null(strstr(manual, "10ms to 1m is allowed.\n"));
    free(manual);
}

/* Of the lines that begin like a request, all are ones of the man macros. */
static void no_text_in_the_manual_is_taken_for_a_request(void **state)
{
    static const char *const requests[] = {".TH ",  ".SH ",  ".SS ", ".TP\n", ".PP\n",
                                           ".EX\n", ".EE\n", ".B ",  ".BI ",  ".BR ",
                                           ".I ",   ".IB ",  ".\\\""};
    char *manual = text_of(describe_manual, handler_table);

    (void)state;
    for (const char *line = manual; line != NULL; line = strchr(line, '\n')) {
        bool known = false;

        line += *line == '\n';
        for (size_t i = 0; i < sizeof(requests) / sizeof(requests[0]); i++)
            known = known || strncmp(line, requests[i], strlen(requests[i])) == 0;
        if ((*line == '.' || *line == '\'') && !known)
            fail_msg("%.40s", line);
    }
    free(manual);
}

/* --- The effective configuration --- */

static void expect_line(const char *dump, const char *value, const char *origin)
{
    char line[256];

    snprintf(line, sizeof(line), "\n%-40s # %s\n", value, origin);
    if (strstr(dump, line) == NULL)
        fail_msg("%s is missing in:\n%s", line, dump);
}

static void every_value_tells_its_origin(void **state)
{
    struct config *config = config_from("[prongd]\n"
                                        "workers = 3\n"
                                        "shutdown_timeout = 90s\n"
                                        "[server x]\n"
                                        "listen = 127.0.0.1:1, [::1]:2\n"
                                        "  unix:@three\n"
                                        "handler = greet\n"
                                        "loud = off\n");
    char *dump = dump_of(config);

    (void)state;
    expect_line(dump, "workers = 3", "x.conf:2");
    expect_line(dump, "shutdown_timeout = 90s", "x.conf:3");
    expect_line(dump, "ready_timeout = 30s", "default");
    assert_non_null(strstr(dump, "\n# user is not set\n"));
    assert_non_null(strstr(dump, "\n[server x]\nlisten =\n"));
    expect_line(dump, "    127.0.0.1:1", "x.conf:5");
    expect_line(dump, "    [::1]:2", "x.conf:5");
    expect_line(dump, "    unix:@three", "x.conf:6");
    expect_line(dump, "handler = greet", "x.conf:7");
    expect_line(dump, "loud = no", "x.conf:8");
    expect_line(dump, "    one", "default");
    expect_line(dump, "pause = 1s", "default");
    assert_non_null(strstr(dump, "\n# repeats is not set\n"));
    free(dump);
    config_free(config);
}

/* Ends every line before its comment. */
static void strip_comments(char *text)
{
    char *to = text;

    for (const char *from = text; *from != '\0';) {
        if (*from == '#') {
            while (to > text && to[-1] == ' ')
                to--;
            from += strcspn(from, "\n");
        } else {
            *to++ = *from++;
        }
    }
    *to = '\0';
}

static void expect_same_again(const char *text)
{
    struct config *first = config_from(text);
    char *dump = dump_of(first);
    struct config *second = config_from(dump);
    char *again = dump_of(second);

    assert_int_equal(second->server_count, first->server_count);
    strip_comments(dump);
    strip_comments(again);
    /* What was not set is a comment, and leaves its empty line in both. */
    assert_string_equal(again, dump);
    free(dump);
    free(again);
    config_free(first);
    config_free(second);
}

static void the_effective_configuration_loads_to_itself(void **state)
{
    (void)state;
    expect_same_again(CONFIG_ECHO);
    expect_same_again("[prongd]\ncontrol_socket = none\nuser = root\n" CONFIG_ECHO);
    expect_same_again("[server b]\nlisten = *:1\n unix:/a b\nhandler = greet\ngreeting =\n"
                      "words = x y, z\nmood = sad\nrepeats = 0\nfile_mode = 7\nlimit = 1025\n"
                      "[server a]\nlisten = 127.0.0.1:2\nhandler = echo\nsocket_mode = 0\n");
}

static void a_value_of_the_longest_line_loads_again(void **state)
{
    char text[1024];

    (void)state;
    snprintf(text, sizeof(text),
             "[prongd]\npid_file=/%0*d\n[server x]\nlisten=127.0.0.1:7\nhandler=greet\n"
             "words =\n %0*d\n",
             READER_LINE_LIMIT - 10, 0, READER_LINE_LIMIT - 1, 0);
    expect_same_again(text);
}

static void the_origin_in_a_long_path_stays_on_a_line_that_can_be_read(void **state)
{
    char name[1024];
    char text[] = "[prongd]\nworkers = 2\n" CONFIG_ECHO;
    struct config_problems problems;
    FILE *stream = fmemopen(text, strlen(text), "r");
    struct config *config;
    char *dump;

    (void)state;
    snprintf(name, sizeof(name), "/%0500d/end.conf", 0);
    config = config_load_stream(stream, name, config_handlers, &problems);
    fclose(stream);
    assert_non_null(config);
    dump = dump_of(config);
    config_free(config);
    assert_non_null(strstr(dump, "/end.conf:2\n"));
    config_free(config_from(dump));
    free(dump);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_committed_sample_is_the_one_that_the_rows_give),
        cmocka_unit_test(the_sample_loads_and_has_one_small_server),
        cmocka_unit_test(the_sample_loads_with_every_comment_removed),
        cmocka_unit_test(the_manual_has_every_option),
        cmocka_unit_test(no_text_in_the_manual_is_taken_for_a_request),
        cmocka_unit_test(every_value_tells_its_origin),
        cmocka_unit_test(the_effective_configuration_loads_to_itself),
        cmocka_unit_test(a_value_of_the_longest_line_loads_again),
        cmocka_unit_test(the_origin_in_a_long_path_stays_on_a_line_that_can_be_read),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
