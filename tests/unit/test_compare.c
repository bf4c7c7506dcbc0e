/* SPDX-License-Identifier: MIT
 *
 * What is different between two configurations, and what a reload refuses.
 */
#include "compare.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "config_fixture.h"

/* One line for each difference. */
static void print(const struct difference *difference, void *user)
{
    const struct config_server *server =
        difference->after != NULL ? difference->after : difference->before;

    fprintf(user, "%s ", server != NULL ? server->name : "prongd");
    if (difference->row != NULL)
        fprintf(user, "%s: %s -> %s\n", difference->row->name, difference->old_value,
                difference->new_value);
    else
        fputs(difference->before == NULL ? "added\n" : "removed\n", user);
}

static void assert_differences(const char *before_text, const char *after_text,
                               const char *expected)
{
    struct config *before = config_from(before_text), *after = config_from(after_text);
    char *text = NULL;
    size_t size;
    FILE *stream = open_memstream(&text, &size);

    assert_int_equal(compare_configs(before, after, print, stream), 0);
    fclose(stream);
    assert_string_equal(text, expected);
    free(text);
    config_free(before);
    config_free(after);
}

static void the_same_meaning_is_no_difference(void **state)
{
    (void)state;
    assert_differences(CONFIG_ECHO "timeout = 60s\n",
                       "[prongd]\nlog_level = notice\n" CONFIG_ECHO "timeout = 1m\n", "");
}

static void options_of_the_daemon_differ_by_value(void **state)
{
    (void)state;
    assert_differences(
        CONFIG_ECHO,
        "[prongd]\nworkers = 3\npid_file = /run/x\ncontrol_socket = none\n" CONFIG_ECHO,
        "prongd workers: auto -> 3\n"
        "prongd pid_file: none -> /run/x\n"
        "prongd control_socket: /run/prong/control.sock -> none\n");
}

static void servers_come_go_and_change(void **state)
{
    (void)state;
    assert_differences(CONFIG_ECHO "[server old]\nlisten = 127.0.0.1:8\nhandler = echo\n",
                       "[server new]\nlisten = 127.0.0.1:9\nhandler = echo\n" CONFIG_ECHO
                       "backlog = 7\n"
                       "listen = [::1]:7\n",
                       "old removed\n"
                       "new added\n"
                       "echo listen: 127.0.0.1:7 -> 127.0.0.1:7, [::1]:7\n"
                       "echo backlog: 511 -> 7\n");
}

static void the_order_of_servers_does_not_matter(void **state)
{
    const char *other = "[server other]\nlisten = 127.0.0.1:8\nhandler = echo\n";
    char one[256], two[256];

    (void)state;
    snprintf(one, sizeof(one), "%s%s", CONFIG_ECHO, other);
    snprintf(two, sizeof(two), "%s%s", other, CONFIG_ECHO);
    assert_differences(one, two, "");
}

static void options_of_a_handler_differ_too(void **state)
{
    const char *greet = "[server greet]\nlisten = 127.0.0.1:7\nhandler = greet\n";
    char after[256];

    (void)state;
    snprintf(after, sizeof(after), "%sgreeting = hi\n", greet);
    assert_differences(greet, after, "greet greeting: hello -> hi\n");
}

static void another_handler_is_one_difference(void **state)
{
    (void)state;
    assert_differences(CONFIG_ECHO, "[server echo]\nlisten = 127.0.0.1:7\nhandler = greet\n",
                       "echo handler: echo -> greet\n");
}

static char *refusals(const char *before_text, const char *after_text)
{
    struct config *before = config_from(before_text), *after = config_from(after_text);
    struct config_problems problems = {0};
    bool allowed = compare_allows_reload(before, after, &problems);
    char *text = strdup(problems.text != NULL ? problems.text : "");

    assert_int_equal(allowed, problems.count == 0);
    assert_false(problems.system);
    config_problems_clear(&problems);
    config_free(before);
    config_free(after);
    return text;
}

static void what_only_a_restart_can_change_is_refused_with_its_line(void **state)
{
    char *text =
        refusals(CONFIG_ECHO, "[prongd]\npid_file = /run/x\n" CONFIG_ECHO "ipv6_only = yes\n");

    (void)state;
    assert_string_equal(text, CONFIG_NAME
                        ":2: [prongd] pid_file: a change needs a restart: is none, would be "
                        "/run/x\n" CONFIG_NAME
                        ":6: [server echo] ipv6_only: a change needs a restart: is no, would be "
                        "yes\n");
    free(text);
}

static void everything_else_may_change(void **state)
{
    char *text =
        refusals(CONFIG_ECHO, "[prongd]\nworkers = 2\nlog_level = debug\n" CONFIG_ECHO
                              "backlog = 1\n[server new]\nlisten = 127.0.0.1:8\nhandler = echo\n"
                              "ipv6_only = yes\n");

    (void)state;
    assert_string_equal(text, "");
    free(text);
}

#define TEST(name) cmocka_unit_test(name)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_same_meaning_is_no_difference),
        TEST(options_of_the_daemon_differ_by_value),
        TEST(servers_come_go_and_change),
        TEST(the_order_of_servers_does_not_matter),
        TEST(options_of_a_handler_differ_too),
        TEST(another_handler_is_one_difference),
        TEST(what_only_a_restart_can_change_is_refused_with_its_line),
        TEST(everything_else_may_change),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
