/* SPDX-License-Identifier: MIT
 *
 * Loading a configuration: what a good one gives.
 */
#include "config.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "config_fixture.h"
#include "log.h"

static void one_server_is_enough_and_the_rest_are_defaults(void **state)
{
    struct config *config = config_from(CONFIG_ECHO);
    const struct config_server *server = config->servers[0];

    (void)state;
    assert_string_equal(config->file, CONFIG_NAME);
    assert_string_equal(config->daemon.workers, "auto");
    assert_null(config->daemon.user);
    assert_null(config->daemon.group);
    assert_null(config->daemon.pid_file);
    assert_string_equal(config->daemon.control_socket, "/run/prong/control.sock");
    assert_int_equal(config->daemon.log_level, LOG_LEVEL_NOTICE);
    assert_string_equal(config->daemon.log_target, "auto");
    assert_int_equal(config->daemon.shutdown_timeout_ms, 30000);
    assert_int_equal(config->daemon.ready_timeout_ms, 30000);
    assert_int_equal(config->server_count, 1);
    assert_string_equal(server->name, "echo");
    assert_int_equal(server->backlog, 511);
    assert_int_equal(server->max_connections, 0);
    assert_int_equal(server->timeout_ms, 0);
    assert_int_equal(server->socket_mode, 0);
    assert_int_equal(server->high_water_mark_bytes, 65536);
    assert_false(server->no_delay);
    assert_null(server->handler_config);
    config_free(config);
}

static void every_option_of_the_daemon_arrives(void **state)
{
    struct config *config = config_from("[prongd]\n"
                                        "workers = 4\n"
                                        "user = root\n"
                                        "group = 0\n"
                                        "pid_file = /run/x.pid\n"
                                        "control_socket = @x\n"
                                        "log_level = debug\n"
                                        "log_target = /var/log/x\n"
                                        "shutdown_timeout = 0\n"
                                        "canary = 30s\n"
                                        "worker_timeout = 2s\n"
                                        "max_respawns = 3\n"
                                        "cpu_affinity = 0, auto\n"
                                        "nice = -3\n"
                                        "rlimit_core = 1k\n"
                                        "rlimit_nofile = 100\n"
                                        "umask = 0077\n"
                                        "chroot = /\n"
                                        "no_new_privs = no\n"
                                        "ready_timeout = 100ms\n" CONFIG_ECHO);
    const struct config_daemon *daemon = &config->daemon;
    uint64_t core_bytes;

    (void)state;
    assert_string_equal(daemon->workers, "4");
    assert_int_equal(config_workers(config), 4);
    assert_string_equal(daemon->user, "root");
    assert_string_equal(daemon->group, "0");
    assert_string_equal(daemon->pid_file, "/run/x.pid");
    assert_string_equal(daemon->control_socket, "@x");
    assert_int_equal(daemon->log_level, LOG_LEVEL_DEBUG);
    assert_string_equal(daemon->log_target, "/var/log/x");
    assert_int_equal(daemon->shutdown_timeout_ms, 0);
    assert_int_equal(daemon->canary_ms, 30000);
    assert_int_equal(daemon->worker_timeout_ms, 2000);
    assert_int_equal(daemon->max_respawns, 3);
    assert_int_equal(daemon->cpu_affinity.count, 2);
    assert_string_equal(daemon->nice, "-3");
    assert_true(config_core_size(config, &core_bytes));
    assert_int_equal(core_bytes, 1024);
    assert_int_equal(config_descriptors(config), 100);
    assert_int_equal(daemon->umask, 077);
    assert_string_equal(daemon->chroot, "/");
    assert_false(daemon->no_new_privs);
    assert_int_equal(daemon->ready_timeout_ms, 100);
    config_free(config);
}

static void every_option_of_a_server_arrives(void **state)
{
    struct config *config = config_from("[server a-b_c.9]\n"
                                        "listen = unix:/run/x.sock\n"
                                        "handler = echo\n"
                                        "socket_mode = 0600\n"
                                        "socket_owner = root\n"
                                        "socket_group = 0\n"
                                        "ipv6_only = yes\n"
                                        "backlog = 7\n"
                                        "allow_half_open = on\n"
                                        "pause_on_connect = true\n"
                                        "max_connections = 10\n"
                                        "timeout = 5m\n"
                                        "no_delay = yes\n"
                                        "keep_alive = yes\n"
                                        "keep_alive_idle = 1m\n"
                                        "keep_alive_interval = 10s\n"
                                        "keep_alive_count = 3\n"
                                        "user_timeout = 250ms\n"
                                        "high_water_mark = 1m\n");
    const struct config_server *server = config->servers[0];

    (void)state;
    assert_string_equal(server->name, "a-b_c.9");
    assert_string_equal(server->handler->name, "echo");
    assert_int_equal(server->socket_mode, 0600);
    assert_string_equal(server->socket_owner, "root");
    assert_string_equal(server->socket_group, "0");
    assert_int_equal(server->backlog, 7);
    assert_true(server->ipv6_only && server->allow_half_open && server->pause_on_connect);
    assert_true(server->no_delay && server->keep_alive);
    assert_int_equal(server->max_connections, 10);
    assert_int_equal(server->timeout_ms, 300000);
    assert_int_equal(server->keep_alive_idle_ms, 60000);
    assert_int_equal(server->keep_alive_interval_ms, 10000);
    assert_int_equal(server->keep_alive_count, 3);
    assert_int_equal(server->user_timeout_ms, 250);
    assert_int_equal(server->high_water_mark_bytes, 1 << 20);
    config_free(config);
}

static void a_handlers_options_may_stand_before_its_name(void **state)
{
    struct config *config = config_from("[server x]\n"
                                        "pause = 20ms\n"
                                        "mood = sad\n"
                                        "loud = no\n"
                                        "greeting = hi there\n"
                                        "words = three\n"
                                        "listen = 127.0.0.1:7\n"
                                        "handler = greet\n");
    const struct greet_config *greet = config->servers[0]->handler_config;

    (void)state;
    assert_string_equal(config->servers[0]->handler_name, "greet");
    assert_string_equal(greet->greeting, "hi there");
    assert_int_equal(greet->pause_ms, 20);
    assert_int_equal(greet->mood, 1);
    assert_int_equal(greet->limit_bytes, 4096);
    assert_int_equal(greet->file_mode, 0640);
    assert_int_equal(greet->repeats, 0);
    assert_false(greet->loud);
    assert_int_equal(greet->words.count, 1);
    assert_string_equal(greet->words.items[0], "three");
    config_free(config);
}

static void a_list_has_its_default_only_when_it_is_not_written(void **state)
{
    struct config *config =
        config_from("[server x]\nlisten = 127.0.0.1:7\nhandler = greet\ngreeting =\n");
    const struct greet_config *greet = config->servers[0]->handler_config;

    (void)state;
    assert_int_equal(greet->words.count, 2);
    assert_string_equal(greet->words.items[1], "two");
    assert_null(greet->greeting);
    config_free(config);
}

static void two_servers_of_one_handler_have_their_own_options(void **state)
{
    struct config *config = config_from("[server a]\nlisten = 127.0.0.1:7\nhandler = greet\n"
                                        "[server b]\nlisten = 127.0.0.1:8\nhandler = greet\n"
                                        "pause = 10ms\n");
    const struct greet_config *first = config->servers[0]->handler_config;
    const struct greet_config *second = config->servers[1]->handler_config;

    (void)state;
    assert_int_equal(first->pause_ms, 1000);
    assert_int_equal(second->pause_ms, 10);
    config_free(config);
}

static void lists_add_up_over_commas_indentation_and_repetition(void **state)
{
    struct config *config = config_from("[server x]\n"
                                        "listen = 127.0.0.1:1, 127.0.0.1:2,\n"
                                        "    127.0.0.1:3\n"
                                        "\n"
                                        "# a comment between\n"
                                        "\t[::1]:4 # and behind\n"
                                        "handler = echo\n"
                                        "listen =\n"
                                        "  unix:@five\n");
    const struct config_server *server = config->servers[0];
    static const char *const expected[] = {"127.0.0.1:1", "127.0.0.1:2", "127.0.0.1:3", "[::1]:4",
                                           "unix:@five"};

    (void)state;
    assert_int_equal(server->listen.count, 5);
    assert_int_equal(server->address_count, 5);
    for (size_t i = 0; i < 5; i++) {
        char text[PRONG_ADDRESS_TEXT_SIZE];

        assert_string_equal(server->listen.items[i], expected[i]);
        prong_address_format(&server->addresses[i].address, text, sizeof(text));
        assert_string_equal(text, expected[i]);
    }
    config_free(config);
}

static void servers_keep_the_order_of_the_file(void **state)
{
    struct config *config = config_from("[server z]\nlisten=127.0.0.1:1\nhandler=echo\n"
                                        "[prongd]\nworkers=2\n"
                                        "[server a]\nlisten=127.0.0.1:2\nhandler=echo\n"
                                        "[prongd]\nlog_level=info\n");

    (void)state;
    assert_int_equal(config->server_count, 2);
    assert_string_equal(config->servers[0]->name, "z");
    assert_string_equal(config->servers[1]->name, "a");
    assert_string_equal(config->daemon.workers, "2");
    assert_int_equal(config->daemon.log_level, LOG_LEVEL_INFO);
    config_free(config);
}

static void the_control_socket_can_be_none(void **state)
{
    struct config *config = config_from("[prongd]\ncontrol_socket = none\n" CONFIG_ECHO);

    (void)state;
    assert_null(config->daemon.control_socket);
    config_free(config);
}

static void auto_is_at_least_one_worker(void **state)
{
    struct config *config = config_from(CONFIG_ECHO);

    (void)state;
    assert_true(config_workers(config) >= 1);
    config_free(config);
}

static void a_missing_file_is_the_systems_fault(void **state)
{
    struct config_problems problems;

    (void)state;
    assert_null(config_load("/nonexistent/x.conf", config_handlers, &problems));
    assert_true(problems.system);
    assert_int_equal(problems.count, 1);
    assert_string_equal(problems.text,
                        "/nonexistent/x.conf: cannot be opened: No such file or directory\n");
    config_problems_clear(&problems);
    config_problems_clear(&problems);
}

static void a_directory_is_the_systems_fault(void **state)
{
    struct config_problems problems;

    (void)state;
    assert_null(config_load("/", config_handlers, &problems));
    assert_true(problems.system);
    assert_non_null(strstr(problems.text, "/: cannot be read: Is a directory\n"));
    config_problems_clear(&problems);
}

static void a_file_without_an_end_is_refused(void **state)
{
    struct config_problems problems;

    (void)state;
    assert_null(config_load("/dev/zero", config_handlers, &problems));
    assert_true(problems.system);
    assert_non_null(strstr(problems.text, "/dev/zero: cannot be read: File too large\n"));
    config_problems_clear(&problems);
}

static void nothing_can_be_freed(void **state)
{
    (void)state;
    config_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_server_is_enough_and_the_rest_are_defaults),
        cmocka_unit_test(every_option_of_the_daemon_arrives),
        cmocka_unit_test(every_option_of_a_server_arrives),
        cmocka_unit_test(a_handlers_options_may_stand_before_its_name),
        cmocka_unit_test(a_list_has_its_default_only_when_it_is_not_written),
        cmocka_unit_test(two_servers_of_one_handler_have_their_own_options),
        cmocka_unit_test(lists_add_up_over_commas_indentation_and_repetition),
        cmocka_unit_test(servers_keep_the_order_of_the_file),
        cmocka_unit_test(the_control_socket_can_be_none),
        cmocka_unit_test(auto_is_at_least_one_worker),
        cmocka_unit_test(a_missing_file_is_the_systems_fault),
        cmocka_unit_test(a_directory_is_the_systems_fault),
        cmocka_unit_test(a_file_without_an_end_is_refused),
        cmocka_unit_test(nothing_can_be_freed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
