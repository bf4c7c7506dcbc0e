/* SPDX-License-Identifier: MIT
 *
 * Loading a configuration: what a broken one is told.
 */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "config_fixture.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* A text and all that is wrong with it. */
struct broken {
    const char *text;
    const char *problems;
};

static void expect_problems(const struct broken *cases, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        char *problems = config_problems_of(cases[i].text);

        assert_string_equal(problems, cases[i].problems);
        free(problems);
    }
}

static void sections_are_checked(void **state)
{
    static const struct broken cases[] = {
        {"", "x.conf: there is nothing to serve: write [server NAME] and below it, for example, "
             "listen = 127.0.0.1:7000 and handler = echo\n"},
        {"[prongd]\nworkers = 1\n",
         "x.conf: there is nothing to serve: write [server NAME] and below it, for example, "
         "listen = 127.0.0.1:7000 and handler = echo\n"},
        {"workers = 1\nuser = root\n",
         "x.conf:1: no section has begun: write [prongd] or [server NAME] above\n"},
        {"[sever chat]\nanything = 1\n",
         "x.conf:1: [sever chat] there is no such section; did you mean [server NAME]?\n"},
        {"[Prongd]\n", "x.conf:1: [Prongd] there is no such section; did you mean [prongd]?\n"},
        {"[global]\n",
         "x.conf:1: [global] there is no such section: write [prongd] or [server NAME]\n"},
        {"[prongd\n",
         "x.conf:1: a section begins with [prongd] or [server NAME], alone on its line\n"},
        {"[prongd] workers = 1\n",
         "x.conf:1: a section begins with [prongd] or [server NAME], alone on its line\n"},
        {"[server]\n", "x.conf:1: [server] [server NAME] needs a NAME of 1 to 40 letters, digits, "
                       "\"-\", \"_\" and \".\"\n"},
        {"[server a/b]\n", "x.conf:1: [server a/b] [server NAME] needs a NAME of 1 to 40 letters, "
                           "digits, \"-\", \"_\" and \".\"\n"},
        {CONFIG_ECHO "[server  echo ]\nlisten = 127.0.0.1:8\nhandler = echo\n",
         "x.conf:4: [server  echo] x.conf:1 has a server of this name: give each its own\n"},
        {"[server x]\n",
         "x.conf:1: [server x] handler: a handler is missing: write one of echo, greet, or the "
         "path of a module\n"
         "x.conf:1: [server x] listen: an address is missing: write at least one, as listen = "
         "127.0.0.1:7000\n"},
        {"[server x]\nlisten =\nhandler = ecko\n",
         "x.conf:1: [server x] listen: an address is missing: write at least one, as listen = "
         "127.0.0.1:7000\n"
         "x.conf:3: [server x] handler: there is no handler \"ecko\": write one of echo, greet, or "
         "the "
         "path of a module\n"},
    };

    (void)state;
    expect_problems(cases, COUNT(cases));
}

static void unknown_options_are_guessed(void **state)
{
    static const struct broken cases[] = {
        {CONFIG_ECHO "backlgo = 1\n",
         "x.conf:4: [server echo] backlgo: there is no such option; did you mean backlog?\n"},
        {CONFIG_ECHO "Max-Connections = 1\n", "x.conf:4: [server echo] Max-Connections: there is "
                                              "no such option; did you mean max_connections?\n"},
        {CONFIG_ECHO "nonsense = 1\n    and more\n",
         "x.conf:4: [server echo] nonsense: there is no such option; prongd.conf(5) lists those "
         "of this section\n"},
        {CONFIG_ECHO "workers = 1\n",
         "x.conf:4: [server echo] workers: this is an option of [prongd]: move it there\n"},
        {CONFIG_ECHO "[prongd]\nlisten = 1\n",
         "x.conf:5: [prongd] listen: this is an option of [server NAME]: move it there\n"},
        {CONFIG_ECHO "greeting = hi\n",
         "x.conf:4: [server echo] greeting: this is an option of servers with handler = greet, "
         "and allowed only there\n"},
        {"[server x]\nlisten = 127.0.0.1:7\nhandler = greet\ngreting = hi\n",
         "x.conf:4: [server x] greting: there is no such option; did you mean greeting?\n"},
        {"[server x]\nlisten = 127.0.0.1:7\nhandler = gret\ngreeting = hi\n",
         "x.conf:3: [server x] handler: there is no handler \"gret\": write one of echo, greet, or "
         "the "
         "path of a module\n"},
    };

    (void)state;
    expect_problems(cases, COUNT(cases));
}

static void an_option_that_is_no_list_stands_once(void **state)
{
    static const struct broken cases[] = {
        {CONFIG_ECHO "backlog = 1\nbacklog = 2\n",
         "x.conf:5: [server echo] backlog: the option was set in x.conf:4 already, and it takes "
         "one value\n"},
        {"[prongd]\nworkers = 1\n" CONFIG_ECHO "[prongd]\nworkers = 1\n",
         "x.conf:7: [prongd] workers: the option was set in x.conf:2 already, and it takes one "
         "value\n"},
        {CONFIG_ECHO "handler = greet\n",
         "x.conf:4: [server echo] handler: the option was set in x.conf:3 already, and it takes "
         "one value\n"},
        {CONFIG_ECHO "backlog = 1\n  no_delay = yes\n",
         "x.conf:5: [server echo] backlog: \"no_delay = yes\" is indented and so belongs to "
         "backlog, which takes one value: remove the spaces before it\n"},
        {"[server x]\nhandler = echo\nlisten = 127.0.0.1:7\n  backlog = 1\n",
         "x.conf:4: [server x] listen: \"backlog = 1\" is indented and so belongs to this list: "
         "remove the spaces before it\n"},
    };

    (void)state;
    expect_problems(cases, COUNT(cases));
}

static void values_are_checked(void **state)
{
    static const struct broken cases[] = {
        {"[prongd]\nworkers = 0\n" CONFIG_ECHO, "x.conf:2: [prongd] workers: \"0\" is not "
                                                "possible: write auto or a number from 1 to "
                                                "1024\n"},
        {"[prongd]\nuser = no-such-user\n" CONFIG_ECHO,
         "x.conf:2: [prongd] user: there is no user \"no-such-user\" on this system\n"},
        {"[prongd]\nuser = 3999999999\n" CONFIG_ECHO,
         "x.conf:2: [prongd] user: there is no account with the number 3999999999, so the group "
         "must be given too\n"},
        {"[prongd]\nuser =\ngroup =\n" CONFIG_ECHO,
         "x.conf:2: [prongd] user: a user is missing: write its name or its number\n"
         "x.conf:3: [prongd] group: a group is missing: write its name or its number\n"},
        {"[prongd]\ngroup = no-such-group\n" CONFIG_ECHO,
         "x.conf:2: [prongd] group: there is no group \"no-such-group\" on this system\n"},
        {"[prongd]\npid_file = run/x\n" CONFIG_ECHO,
         "x.conf:2: [prongd] pid_file: \"run/x\" is not an absolute path: write one that begins "
         "with \"/\"\n"},
        {"[prongd]\ncontrol_socket = x\n" CONFIG_ECHO,
         "x.conf:2: [prongd] control_socket: \"x\" is not a unix socket: write an absolute path "
         "of at most 107 bytes, @NAME or none\n"},
        {"[prongd]\nlog_target = file\n" CONFIG_ECHO,
         "x.conf:2: [prongd] log_target: \"file\" is not possible: write auto, stderr, syslog or "
         "a file's absolute path\n"},
        {"[prongd]\nlog_level = loud\n" CONFIG_ECHO,
         "x.conf:2: [prongd] log_level: \"loud\" is not allowed here: write error, warning, "
         "notice, info or debug\n"},
        {"[prongd]\nready_timeout = 99ms\n" CONFIG_ECHO,
         "x.conf:2: [prongd] ready_timeout: 99ms is out of range: 100ms to 1h is allowed\n"},
        {CONFIG_ECHO "keep_alive_idle = 1500ms\n",
         "x.conf:4: [server echo] keep_alive_idle: \"1500ms\" is not a whole number of seconds, "
         "as 30s or 5m\n"},
        {CONFIG_ECHO "socket_mode = 1777\n",
         "x.conf:4: [server echo] socket_mode: 1777 is out of range: 0 to 0777 is allowed\n"},
        {CONFIG_ECHO "socket_owner = no-such-user\nsocket_group = no-such-group\n",
         "x.conf:4: [server echo] socket_owner: there is no user \"no-such-user\" on this "
         "system\n"
         "x.conf:5: [server echo] socket_group: there is no group \"no-such-group\" on this "
         "system\n"},
        {CONFIG_ECHO "listen = 127.0.0.1:8,,nonsense\n",
         "x.conf:4: [server echo] listen: an item is missing at a comma\n"
         "x.conf:4: [server echo] listen: \"nonsense\" is not an address: write HOST:PORT, "
         "[IPV6]:PORT, *:PORT, unix:/PATH, unix:@NAME or systemd:NAME\n"},
    };

    (void)state;
    expect_problems(cases, COUNT(cases));
}

static void a_user_without_an_account_is_good_with_a_group(void **state)
{
    struct config *config =
        config_from("[prongd]\nuser = 3999999999\ngroup = 3999999999\n" CONFIG_ECHO);

    (void)state;
    assert_string_equal(config->daemon.user, "3999999999");
    config_free(config);
}

static void an_address_has_one_server(void **state)
{
    static const struct broken cases[] = {
        {CONFIG_ECHO "[server b]\nlisten = 127.0.0.1:8,\n 127.0.0.1:7\nhandler = echo\n",
         "x.conf:6: [server b] listen: \"127.0.0.1:7\" is taken by \"127.0.0.1:7\" of server echo "
         "in x.conf:2: an address has one server\n"},
        {CONFIG_ECHO "listen = *:7\n",
         "x.conf:4: [server echo] listen: \"*:7\" is taken by \"127.0.0.1:7\" of server echo in "
         "x.conf:2: an address has one server\n"},
        {"[server a]\nlisten = unix:/run/x\nhandler = echo\n"
         "[server b]\nlisten = unix:/run/x\nhandler = echo\n",
         "x.conf:5: [server b] listen: \"unix:/run/x\" is taken by \"unix:/run/x\" of server a in "
         "x.conf:2: an address has one server\n"},
        {"[prongd]\nmetrics_listen = 127.0.0.1:9, 127.0.0.1:7\n" CONFIG_ECHO,
         "x.conf:2: [prongd] metrics_listen: \"127.0.0.1:7\" is taken by \"127.0.0.1:7\" of "
         "server echo in x.conf:4: an address has one server\n"},
        {"[prongd]\nmetrics_listen = unix:@x, unix:@x\n" CONFIG_ECHO,
         "x.conf:2: [prongd] metrics_listen: \"unix:@x\" is taken by \"unix:@x\" of prongd in "
         "x.conf:2: an address has one server\n"},
    };

    (void)state;
    expect_problems(cases, COUNT(cases));
}

static void all_problems_come_in_the_order_of_the_file(void **state)
{
    static const struct broken broken = {
        "[server echo]\n"
        "listen = 127.0.0.1\n"
        "handler = ecko\n"
        "time_out = 5m\n"
        "this is no option\n"
        "[prongd]\n"
        "workers = many\n",
        "x.conf:2: [server echo] listen: \"127.0.0.1\" is not an address: write HOST:PORT, "
        "[IPV6]:PORT, *:PORT, unix:/PATH, unix:@NAME or systemd:NAME\n"
        "x.conf:3: [server echo] handler: there is no handler \"ecko\": write one of echo, greet, "
        "or the "
        "path of a module\n"
        "x.conf:4: [server echo] time_out: there is no such option; did you mean timeout?\n"
        "x.conf:5: [server echo] \"this is no option\" is not NAME = VALUE: only \"=\" separates "
        "a name from its value\n"
        "x.conf:7: [prongd] workers: \"many\" is not possible: write auto or a number from 1 to "
        "1024\n"};

    (void)state;
    expect_problems(&broken, 1);
}

static void many_problems_are_counted(void **state)
{
    struct config_problems problems;
    char text[40000] = CONFIG_ECHO;
    size_t length = strlen(text);

    (void)state;
    for (int i = 0; i < 2000; i++)
        length += (size_t)snprintf(text + length, sizeof(text) - length, "bogus_it_is = 1\n");
    assert_null(config_from_bytes(text, length, &problems));
    assert_int_equal(problems.count, 2000);
    assert_false(problems.system);
    assert_non_null(strstr(problems.text, "x.conf:53: "));
    assert_null(strstr(problems.text, "x.conf:54: "));
    assert_non_null(strstr(problems.text, "\nand 1950 more problems\n"));
    config_problems_clear(&problems);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sections_are_checked),
        cmocka_unit_test(unknown_options_are_guessed),
        cmocka_unit_test(an_option_that_is_no_list_stands_once),
        cmocka_unit_test(values_are_checked),
        cmocka_unit_test(a_user_without_an_account_is_good_with_a_group),
        cmocka_unit_test(an_address_has_one_server),
        cmocka_unit_test(all_problems_come_in_the_order_of_the_file),
        cmocka_unit_test(many_problems_are_counted),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
