/* SPDX-License-Identifier: MIT
 *
 * Included files: which are read, in what order, and what is wrong with them.
 */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "config_fixture.h"

#define SERVER(name, port) "[server " name "]\nlisten = 127.0.0.1:" port "\nhandler = echo\n"

static char directory[64];
static struct config_problems problems;

static int enter_directory(void **state)
{
    (void)state;
    snprintf(directory, sizeof(directory), "/tmp/prong-include-XXXXXX");
    return mkdtemp(directory) == NULL;
}

static int leave_directory(void **state)
{
    char command[128];

    (void)state;
    config_problems_clear(&problems);
    snprintf(command, sizeof(command), "rm -r %s", directory);
    return system(command);
}

static void write_file(const char *name, const char *text)
{
    char path[128];
    FILE *file;

    snprintf(path, sizeof(path), "%s/%s", directory, name);
    file = fopen(path, "w");
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
}

static void make_directory(const char *name)
{
    char path[128];

    snprintf(path, sizeof(path), "%s/%s", directory, name);
    assert_int_equal(mkdir(path, 0755), 0);
}

static struct config *load(void)
{
    char path[128];

    snprintf(path, sizeof(path), "%s/main.conf", directory);
    return config_load(path, config_handlers, &problems);
}

/* The main file cannot be loaded, for one reason, which stands in `file` (its end) and has these
 * words. */
static void expect_problem(const char *file, const char *words)
{
    struct config *config = load();

    assert_null(config);
    assert_int_equal(problems.count, 1);
    if (strstr(problems.text, file) == NULL || strstr(problems.text, words) == NULL)
        fail_msg("not about %s, %s: %s", file, words, problems.text);
}

static void a_pattern_reads_its_files_in_the_order_of_their_names(void **state)
{
    struct config *config;

    (void)state;
    make_directory("conf.d");
    write_file("conf.d/20-b.conf", SERVER("b", "2"));
    write_file("conf.d/10-a.conf", SERVER("a", "1"));
    write_file("conf.d/30-c.conf~", "not read");
    write_file("main.conf", "[prongd]\ninclude = conf.d/*.conf\nworkers = 3\n" SERVER("z", "3"));
    config = load();
    assert_non_null(config);
    assert_int_equal(config->server_count, 3);
    assert_string_equal(config->servers[0]->name, "z");
    assert_string_equal(config->servers[1]->name, "a");
    assert_string_equal(config->servers[2]->name, "b");
    config_free(config);
}

static void a_pattern_that_matches_nothing_is_fine(void **state)
{
    struct config *config;

    (void)state;
    write_file("main.conf", "[prongd]\ninclude = conf.d/*.conf, *.nothing\n" SERVER("z", "3"));
    config = load();
    assert_non_null(config);
    config_free(config);
}

static void options_of_the_daemon_may_be_included(void **state)
{
    struct config *config;

    (void)state;
    write_file("more.conf", "[prongd]\nworkers = 7\n");
    write_file("main.conf", "[prongd]\ninclude = more.conf\n" SERVER("z", "3"));
    config = load();
    assert_non_null(config);
    assert_int_equal(config_workers(config), 7);
    config_free(config);
}

static void an_included_file_includes_relative_to_itself(void **state)
{
    struct config *config;

    (void)state;
    make_directory("a");
    make_directory("a/b");
    write_file("a/b/two.conf", SERVER("two", "2"));
    write_file("a/one.conf", "[prongd]\ninclude = b/two.conf\n" SERVER("one", "1"));
    write_file("main.conf", "[prongd]\ninclude = a/one.conf\n");
    config = load();
    assert_non_null(config);
    assert_int_equal(config->server_count, 2);
    config_free(config);
}

static void a_plain_name_must_exist(void **state)
{
    (void)state;
    write_file("main.conf", "[prongd]\ninclude = missing.conf\n" SERVER("z", "3"));
    expect_problem("main.conf:2: [prongd] include:", "cannot be opened: No such file");
    assert_false(problems.system);
}

static void problems_name_their_own_file_and_line(void **state)
{
    (void)state;
    write_file("more.conf", SERVER("a", "1") "backlgo = 1\n");
    write_file("main.conf", "[prongd]\ninclude = more.conf\n");
    expect_problem("more.conf:4: [server a] backlgo:", "backlog");
}

static void the_same_option_in_two_files_is_told_with_both(void **state)
{
    (void)state;
    write_file("more.conf", "[prongd]\nworkers = 1\n");
    write_file("main.conf", "[prongd]\nworkers = 2\ninclude = more.conf\n" SERVER("z", "3"));
    expect_problem("more.conf:2: [prongd] workers:", "main.conf:2 already");
}

static void a_loop_is_refused(void **state)
{
    (void)state;
    write_file("more.conf", "[prongd]\ninclude = main.conf\n");
    write_file("main.conf", "[prongd]\ninclude = more.conf\n" SERVER("z", "3"));
    expect_problem("more.conf:2: [prongd] include:", "would include itself");
}

static void what_is_too_deep_is_refused(void **state)
{
    char name[32], text[64];

    (void)state;
    write_file("main.conf", "[prongd]\ninclude = 0.conf\n" SERVER("z", "3"));
    for (int i = 0; i < 10; i++) {
        snprintf(name, sizeof(name), "%d.conf", i);
        snprintf(text, sizeof(text), "[prongd]\ninclude = %d.conf\n", i + 1);
        write_file(name, text);
    }
    expect_problem(".conf:2: [prongd] include:", "too deep");
}

static void what_is_no_file_is_refused(void **state)
{
    char path[128];

    (void)state;
    snprintf(path, sizeof(path), "%s/pipe.conf", directory);
    assert_int_equal(mkfifo(path, 0600), 0);
    write_file("main.conf", "[prongd]\ninclude = p*.conf\n" SERVER("z", "3"));
    expect_problem("main.conf:2: [prongd] include:", "is not a file");
}

static void the_control_socket_stands_where_prongctl_looks(void **state)
{
    (void)state;
    write_file("more.conf", "[prongd]\ncontrol_socket = @x\n");
    write_file("main.conf", "[prongd]\ninclude = more.conf\n" SERVER("z", "3"));
    expect_problem("more.conf:2: [prongd] control_socket:", "must stand in");
}

static void the_effective_configuration_has_it_all_once(void **state)
{
    struct config *config, *again;
    char *text = NULL;
    size_t size;
    FILE *stream = open_memstream(&text, &size);

    (void)state;
    write_file("more.conf", SERVER("a", "1"));
    write_file("main.conf", "[prongd]\ninclude = more.conf\n");
    config = load();
    assert_non_null(config);
    config_dump(config, stream);
    fclose(stream);
    again = config_from(text);
    assert_int_equal(again->server_count, 1);
    assert_non_null(strstr(text, "more.conf:2"));
    free(text);
    config_free(again);
    config_free(config);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, enter_directory, leave_directory)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_pattern_reads_its_files_in_the_order_of_their_names),
        TEST(a_pattern_that_matches_nothing_is_fine),
        TEST(options_of_the_daemon_may_be_included),
        TEST(an_included_file_includes_relative_to_itself),
        TEST(a_plain_name_must_exist),
        TEST(problems_name_their_own_file_and_line),
        TEST(the_same_option_in_two_files_is_told_with_both),
        TEST(a_loop_is_refused),
        TEST(what_is_too_deep_is_refused),
        TEST(what_is_no_file_is_refused),
        TEST(the_control_socket_stands_where_prongctl_looks),
        TEST(the_effective_configuration_has_it_all_once),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
