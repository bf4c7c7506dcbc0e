/* SPDX-License-Identifier: MIT
 *
 * The log: its lines and its files.
 */
#include "log.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>
#include <jansson.h>

#include "log_fixture.h"

static void a_line_has_time_level_role_pid_and_event(void **state)
{
    (void)state;
    log_set_role("worker", 3, 0);
    assert_int_equal(log_open(log_fixture_file, LOG_LEVEL_INFO), 0);
    log_info("client accepted server=%s number=%d", "echo", 7);
    assert_matches(content_of(log_fixture_file),
                   "^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\\.[0-9]{3}"
                   "[+-][0-9]{2}:[0-9]{2} info worker/3\\.0\\[[0-9]+\\] "
                   "client accepted server=echo number=7\n$");
}

static void the_master_is_shown_without_a_slot(void **state)
{
    (void)state;
    log_set_role("master", 3, -1);
    assert_int_equal(log_open(log_fixture_file, LOG_LEVEL_INFO), 0);
    log_notice("started");
    assert_matches(content_of(log_fixture_file), " notice master\\[[0-9]+\\] started\n$");
}

static void a_newline_in_a_message_never_starts_a_line(void **state)
{
    (void)state;
    assert_int_equal(log_open(log_fixture_file, LOG_LEVEL_INFO), 0);
    log_info("%s", "one\ntwo\r\x1b[31m\\n");
    assert_int_equal(lines_of(content_of(log_fixture_file)), 1);
    assert_non_null(strstr(content_of(log_fixture_file), "one\\ntwo\\x0d\\x1b[31m\\n\n"));
}

static void a_long_message_is_cut_to_one_line_of_4_kib(void **state)
{
    char message[10000];

    (void)state;
    memset(message, 'x', sizeof(message) - 1);
    message[sizeof(message) - 1] = '\0';
    assert_int_equal(log_open(log_fixture_file, LOG_LEVEL_INFO), 0);
    log_info("%s", message);
    log_info("next");
    assert_matches(content_of(log_fixture_file), "xxx…\n[^\n]* next\n$");
    assert_int_equal(strcspn(content_of(log_fixture_file), "\n"), 4095);
}

static void a_cut_leaves_no_half_of_a_utf8_character(void **state)
{
    char message[10000] = "";

    (void)state;
    for (size_t i = 0; i < 3000; i++)
        memcpy(message + 3 * i, "€", 4);
    assert_int_equal(log_open(log_fixture_file, LOG_LEVEL_INFO), 0);
    for (size_t i = 0; i < 3; i++)
        log_info("%.*s%s", (int)i, "..", message);
    for (const char *line = content_of(log_fixture_file); *line != '\0';
         line = strchr(line, '\n') + 1)
        assert_memory_equal(strchr(line, '\n') - 6, "€…", 6);
}

static void lines_below_the_level_are_not_written(void **state)
{
    (void)state;
    assert_int_equal(log_open(log_fixture_file, LOG_LEVEL_WARNING), 0);
    log_notice("no");
    log_warning("yes");
    log_set_level(LOG_LEVEL_DEBUG);
    assert_int_equal(log_level(), LOG_LEVEL_DEBUG);
    assert_true(log_wants(LOG_LEVEL_DEBUG));
    log_debug("yes");
    assert_int_equal(lines_of(content_of(log_fixture_file)), 2);
    assert_null(strstr(content_of(log_fixture_file), "no\n"));
}

static void errno_survives_a_line(void **state)
{
    (void)state;
    assert_int_equal(log_open(log_fixture_file, LOG_LEVEL_INFO), 0);
    errno = EXDEV;
    log_info("one");
    log_code(LOG_LEVEL_INFO, -EPERM, "two");
    assert_int_equal(errno, EXDEV);
}

static void a_code_is_shown_with_its_text(void **state)
{
    (void)state;
    assert_int_equal(log_open(log_fixture_file, LOG_LEVEL_INFO), 0);
    log_code(LOG_LEVEL_ERROR, -ENOENT, "file not read path=%s", "/x");
    assert_matches(content_of(log_fixture_file),
                   " file not read path=/x: No such file or directory\n$");
}

static void a_new_file_is_for_its_owner_and_group(void **state)
{
    struct stat status;

    (void)state;
    (void)umask(022);
    assert_int_equal(log_open(log_fixture_file, LOG_LEVEL_INFO), 0);
    assert_int_equal(stat(log_fixture_file, &status), 0);
    assert_int_equal(status.st_mode & 0777, 0640);
    assert_true(fcntl(log_file_fd(), F_GETFD) & FD_CLOEXEC);
}

static void a_file_that_does_not_open_keeps_the_old_target(void **state)
{
    (void)state;
    assert_int_equal(log_open(log_fixture_file, LOG_LEVEL_INFO), 0);
    assert_int_equal(log_open("/nowhere/log", LOG_LEVEL_INFO), -ENOENT);
    assert_int_equal(log_open("nonsense", LOG_LEVEL_INFO), -EINVAL);
    log_info("still here");
    assert_matches(content_of(log_fixture_file), "still here\n$");
}

static void reopening_starts_a_new_file_after_a_rotation(void **state)
{
    char rotated[128];

    (void)state;
    (void)snprintf(rotated, sizeof(rotated), "%s.1", log_fixture_file);
    assert_int_equal(log_open(log_fixture_file, LOG_LEVEL_INFO), 0);
    log_info("old");
    assert_int_equal(rename(log_fixture_file, rotated), 0);
    assert_int_equal(log_reopen(), 0);
    log_info("new");
    assert_matches(content_of(rotated), "old\n$");
    assert_matches(content_of(log_fixture_file), "new\n$");
    assert_int_equal(unlink(rotated), 0);
}

static void a_reopening_that_fails_keeps_the_old_file(void **state)
{
    int fd;

    (void)state;
    assert_int_equal(log_open(log_fixture_file, LOG_LEVEL_INFO), 0);
    fd = open(log_fixture_file, O_RDONLY);
    assert_int_equal(unlink(log_fixture_file), 0);
    assert_int_equal(mkdir(log_fixture_file, 0700), 0);
    assert_int_equal(log_reopen(), -EISDIR);
    log_info("kept");
    assert_int_equal(rmdir(log_fixture_file), 0);
    assert_true(lseek(fd, 0, SEEK_END) > 0);
    (void)close(fd);
}

static void a_worker_adopts_the_file_that_the_master_opened(void **state)
{
    char other[128];
    int fd;

    (void)state;
    (void)snprintf(other, sizeof(other), "%s.new", log_fixture_file);
    assert_int_equal(log_open(log_fixture_file, LOG_LEVEL_INFO), 0);
    fd = open(other, O_WRONLY | O_CREAT | O_APPEND, 0600);
    log_adopt_file(fd);
    assert_int_equal(log_file_fd(), fd);
    log_info("here");
    assert_matches(content_of(other), "here\n$");
    assert_int_equal(unlink(other), 0);
}

static void a_log_that_is_no_file_closes_what_it_should_adopt(void **state)
{
    int fd = dup(STDERR_FILENO);

    (void)state;
    log_adopt_file(fd);
    assert_int_equal(log_file_fd(), -1);
    assert_int_equal(fcntl(fd, F_GETFD), -1);
    assert_int_equal(open(log_fixture_file, O_CREAT | O_RDWR, 0600), fd);
    (void)close(fd);
}

static void a_full_disk_costs_lines_only(void **state)
{
    (void)state;
    assert_int_equal(log_open("/dev/full", LOG_LEVEL_INFO), 0);
    log_info("one");
    assert_int_equal(log_open(log_fixture_file, LOG_LEVEL_INFO), 0);
    log_info("two");
    assert_matches(content_of(log_fixture_file), "^[^\n]* log lines lost count=1\n[^\n]* two\n$");
}

static void hidden_lines_are_summed_up(void **state)
{
    unsigned long hidden = 0;
    unsigned long told = 0;

    (void)state;
    assert_int_equal(log_open(log_fixture_file, LOG_LEVEL_INFO), 0);
    for (unsigned i = 0; i < 500; i++)
        log_info("same");
    log_info("other");
    for (const char *line = content_of(log_fixture_file); *line != '\0';
         line = strchr(line, '\n') + 1) {
        if (sscanf(strchr(line, ']') + 1, " last message repeated times=%lu", &hidden) == 1)
            told += hidden;
        else
            told++;
    }
    assert_int_equal(told, 501);
    assert_true(lines_of(content_of(log_fixture_file)) < 400);
}

static void closing_the_log_tells_what_it_hid(void **state)
{
    (void)state;
    assert_int_equal(log_open(log_fixture_file, LOG_LEVEL_INFO), 0);
    for (unsigned i = 0; i < 500; i++)
        log_info("same");
    log_close();
    assert_matches(content_of(log_fixture_file), "last message repeated times=[0-9]+\n$");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, log_fixture_open, log_fixture_remove)

/* --- JSON --- */

/* The last line of the file. */
static json_t *last_line(void)
{
    const char *text = content_of(log_fixture_file), *line = text;
    json_t *value;

    for (const char *next = text; (next = strchr(next, '\n')) != NULL && next[1] != '\0';)
        line = ++next;
    value = json_loads(line, JSON_REJECT_DUPLICATES, NULL);
    assert_non_null(value);
    return value;
}

static const char *member(const json_t *line, const char *name)
{
    return json_string_value(json_object_get(line, name));
}

static void a_line_is_an_object_where_json_is_wanted(void **state)
{
    json_t *line, *fields;

    (void)state;
    log_set_role("worker", 3, 0);
    log_set_format(LOG_FORMAT_JSON);
    assert_int_equal(log_open(log_fixture_file, LOG_LEVEL_INFO), 0);
    log_code(LOG_LEVEL_WARNING, -ENOENT, "file \"x\" not read path=/a\xff/b\n size=%d", 7);
    line = last_line();
    fields = json_object_get(line, "fields");
    assert_matches(member(line, "time"), "^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.]{12}[+-][0-9:]{5}$");
    assert_string_equal(member(line, "level"), "warning");
    assert_string_equal(member(line, "process"), "worker/3.0");
    assert_int_equal(json_integer_value(json_object_get(line, "pid")), getpid());
    assert_string_equal(member(line, "event"), "file \"x\" not read");
    assert_string_equal(member(line, "error"), "No such file or directory");
    assert_string_equal(member(fields, "path"), "/a\\xff/b\n");
    assert_int_equal(json_integer_value(json_object_get(fields, "size")), 7);
    json_decref(line);
    log_notice("nothing else");
    line = last_line();
    assert_null(json_object_get(line, "fields"));
    assert_null(json_object_get(line, "error"));
    json_decref(line);
}

static void a_long_json_line_is_cut_and_still_json(void **state)
{
    char message[10000];
    json_t *line;

    (void)state;
    memset(message, '"', sizeof(message) - 1);
    message[sizeof(message) - 1] = '\0';
    log_set_format(LOG_FORMAT_JSON);
    assert_int_equal(log_open(log_fixture_file, LOG_LEVEL_INFO), 0);
    log_info("event text=%s", message);
    assert_true(strlen(content_of(log_fixture_file)) <= 4096);
    line = last_line();
    assert_non_null(strstr(member(json_object_get(line, "fields"), "text"), "\"\"…"));
    json_decref(line);
}

static void repeats_are_counted_in_json_too(void **state)
{
    json_t *line;

    (void)state;
    log_set_format(LOG_FORMAT_JSON);
    assert_int_equal(log_open(log_fixture_file, LOG_LEVEL_INFO), 0);
    for (unsigned i = 0; i < 100; i++)
        log_info("again");
    log_close();
    line = last_line();
    assert_string_equal(member(line, "event"), "last message repeated");
    assert_int_equal(json_integer_value(json_object_get(json_object_get(line, "fields"), "times")),
                     80);
    json_decref(line);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_line_has_time_level_role_pid_and_event),
        TEST(the_master_is_shown_without_a_slot),
        TEST(a_newline_in_a_message_never_starts_a_line),
        TEST(a_long_message_is_cut_to_one_line_of_4_kib),
        TEST(a_cut_leaves_no_half_of_a_utf8_character),
        TEST(lines_below_the_level_are_not_written),
        TEST(errno_survives_a_line),
        TEST(a_code_is_shown_with_its_text),
        TEST(a_new_file_is_for_its_owner_and_group),
        TEST(a_file_that_does_not_open_keeps_the_old_target),
        TEST(reopening_starts_a_new_file_after_a_rotation),
        TEST(a_reopening_that_fails_keeps_the_old_file),
        TEST(a_worker_adopts_the_file_that_the_master_opened),
        TEST(a_log_that_is_no_file_closes_what_it_should_adopt),
        TEST(a_full_disk_costs_lines_only),
        TEST(hidden_lines_are_summed_up),
        TEST(closing_the_log_tells_what_it_hid),
        TEST(a_line_is_an_object_where_json_is_wanted),
        TEST(a_long_json_line_is_cut_and_still_json),
        TEST(repeats_are_counted_in_json_too),
    };

    return cmocka_run_group_tests_name("log", tests, NULL, NULL);
}
