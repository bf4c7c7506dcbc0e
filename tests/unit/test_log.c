/* SPDX-License-Identifier: MIT
 *
 * The log: its lines, its targets, and what happens when nobody reads them.
 */
#include "log.h"

#include <errno.h>
#include <fcntl.h>
#include <regex.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "log_repeat.h"
#include "log_text.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static char folder[64];
static char file[96];

static int open_folder(void **state)
{
    (void)state;
    (void)snprintf(folder, sizeof(folder), P_tmpdir "/test_log.XXXXXX");
    if (mkdtemp(folder) == NULL)
        return -1;
    (void)snprintf(file, sizeof(file), "%s/log", folder);
    return 0;
}

static int remove_folder(void **state)
{
    (void)state;
    log_close();
    log_set_role("prongd", 0, -1);
    (void)unlink(file);
    return rmdir(folder);
}

/* What the file holds, as a text that lives until the next call. */
static const char *content_of(const char *path)
{
    static char bytes[65536];
    int fd = open(path, O_RDONLY);
    ssize_t size;

    assert_true(fd >= 0);
    size = read(fd, bytes, sizeof(bytes) - 1);
    assert_true(size >= 0);
    (void)close(fd);
    bytes[size] = '\0';
    return bytes;
}

static unsigned lines_of(const char *text)
{
    unsigned lines = 0;

    for (; *text != '\0'; text++)
        lines += *text == '\n';
    return lines;
}

static void assert_matches(const char *text, const char *pattern)
{
    regex_t expression;

    assert_int_equal(regcomp(&expression, pattern, REG_EXTENDED | REG_NOSUB), 0);
    if (regexec(&expression, text, 0, NULL, 0) != 0)
        fail_msg("\"%s\" does not match %s", text, pattern);
    regfree(&expression);
}

static void a_line_has_time_level_role_pid_and_event(void **state)
{
    (void)state;
    log_set_role("worker", 3, 0);
    assert_int_equal(log_open(file, LOG_LEVEL_INFO), 0);
    log_info("client accepted server=%s number=%d", "echo", 7);
    assert_matches(content_of(file),
                   "^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\\.[0-9]{3}"
                   "[+-][0-9]{2}:[0-9]{2} info worker/3\\.0\\[[0-9]+\\] "
                   "client accepted server=echo number=7\n$");
}

static void the_master_is_shown_without_a_slot(void **state)
{
    (void)state;
    log_set_role("master", 3, -1);
    assert_int_equal(log_open(file, LOG_LEVEL_INFO), 0);
    log_notice("started");
    assert_matches(content_of(file), " notice master\\[[0-9]+\\] started\n$");
}

static void a_newline_in_a_message_never_starts_a_line(void **state)
{
    (void)state;
    assert_int_equal(log_open(file, LOG_LEVEL_INFO), 0);
    log_info("%s", "one\ntwo\r\x1b[31m\\n");
    assert_int_equal(lines_of(content_of(file)), 1);
    assert_non_null(strstr(content_of(file), "one\\ntwo\\x0d\\x1b[31m\\n\n"));
}

static void a_long_message_is_cut_to_one_line_of_4_kib(void **state)
{
    char message[10000];

    (void)state;
    memset(message, 'x', sizeof(message) - 1);
    message[sizeof(message) - 1] = '\0';
    assert_int_equal(log_open(file, LOG_LEVEL_INFO), 0);
    log_info("%s", message);
    log_info("next");
    assert_matches(content_of(file), "xxx…\n[^\n]* next\n$");
    assert_int_equal(strcspn(content_of(file), "\n"), 4095);
}

static void a_cut_leaves_no_half_of_a_utf8_character(void **state)
{
    char message[10000] = "";

    (void)state;
    for (size_t i = 0; i < 3000; i++)
        memcpy(message + 3 * i, "€", 4);
    assert_int_equal(log_open(file, LOG_LEVEL_INFO), 0);
    for (size_t i = 0; i < 3; i++)
        log_info("%.*s%s", (int)i, "..", message);
    for (const char *line = content_of(file); *line != '\0'; line = strchr(line, '\n') + 1)
        assert_memory_equal(strchr(line, '\n') - 6, "€…", 6);
}

static void lines_below_the_level_are_not_written(void **state)
{
    (void)state;
    assert_int_equal(log_open(file, LOG_LEVEL_WARNING), 0);
    log_notice("no");
    log_warning("yes");
    log_set_level(LOG_LEVEL_DEBUG);
    assert_int_equal(log_level(), LOG_LEVEL_DEBUG);
    assert_true(log_wants(LOG_LEVEL_DEBUG));
    log_debug("yes");
    assert_int_equal(lines_of(content_of(file)), 2);
    assert_null(strstr(content_of(file), "no\n"));
}

static void errno_survives_a_line(void **state)
{
    (void)state;
    assert_int_equal(log_open(file, LOG_LEVEL_INFO), 0);
    errno = EXDEV;
    log_info("one");
    log_code(LOG_LEVEL_INFO, -EPERM, "two");
    assert_int_equal(errno, EXDEV);
}

static void a_code_is_shown_with_its_text(void **state)
{
    (void)state;
    assert_int_equal(log_open(file, LOG_LEVEL_INFO), 0);
    log_code(LOG_LEVEL_ERROR, -ENOENT, "file not read path=%s", "/x");
    assert_matches(content_of(file), " file not read path=/x: No such file or directory\n$");
}

static void a_new_file_is_for_its_owner_and_group(void **state)
{
    struct stat status;

    (void)state;
    (void)umask(022);
    assert_int_equal(log_open(file, LOG_LEVEL_INFO), 0);
    assert_int_equal(stat(file, &status), 0);
    assert_int_equal(status.st_mode & 0777, 0640);
    assert_true(fcntl(log_file_fd(), F_GETFD) & FD_CLOEXEC);
}

static void a_file_that_does_not_open_keeps_the_old_target(void **state)
{
    (void)state;
    assert_int_equal(log_open(file, LOG_LEVEL_INFO), 0);
    assert_int_equal(log_open("/nowhere/log", LOG_LEVEL_INFO), -ENOENT);
    assert_int_equal(log_open("nonsense", LOG_LEVEL_INFO), -EINVAL);
    log_info("still here");
    assert_matches(content_of(file), "still here\n$");
}

static void reopening_starts_a_new_file_after_a_rotation(void **state)
{
    char rotated[128];

    (void)state;
    (void)snprintf(rotated, sizeof(rotated), "%s.1", file);
    assert_int_equal(log_open(file, LOG_LEVEL_INFO), 0);
    log_info("old");
    assert_int_equal(rename(file, rotated), 0);
    assert_int_equal(log_reopen(), 0);
    log_info("new");
    assert_matches(content_of(rotated), "old\n$");
    assert_matches(content_of(file), "new\n$");
    assert_int_equal(unlink(rotated), 0);
}

static void a_reopening_that_fails_keeps_the_old_file(void **state)
{
    int fd;

    (void)state;
    assert_int_equal(log_open(file, LOG_LEVEL_INFO), 0);
    fd = open(file, O_RDONLY);
    assert_int_equal(unlink(file), 0);
    assert_int_equal(mkdir(file, 0700), 0);
    assert_int_equal(log_reopen(), -EISDIR);
    log_info("kept");
    assert_int_equal(rmdir(file), 0);
    assert_true(lseek(fd, 0, SEEK_END) > 0);
    (void)close(fd);
}

static void a_worker_adopts_the_file_that_the_master_opened(void **state)
{
    char other[128];
    int fd;

    (void)state;
    (void)snprintf(other, sizeof(other), "%s.new", file);
    assert_int_equal(log_open(file, LOG_LEVEL_INFO), 0);
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
    assert_int_equal(open(file, O_CREAT | O_RDWR, 0600), fd);
    (void)close(fd);
}

/* --- stderr ------------------------------------------------------------------------------- */

struct stolen {
    int saved;
    int reader;
};

/* Puts `writer` in the place of stderr until give_back(). */
static struct stolen steal_stderr(int reader, int writer)
{
    struct stolen stolen = {.saved = dup(STDERR_FILENO), .reader = reader};

    assert_int_equal(dup2(writer, STDERR_FILENO), STDERR_FILENO);
    (void)close(writer);
    return stolen;
}

/* Reads what is there, without waiting; a text that lives until the next call. */
static const char *drain(int reader)
{
    static char bytes[256 * 1024];
    size_t length = 0;
    ssize_t size;

    (void)fcntl(reader, F_SETFL, O_NONBLOCK);
    while ((size = read(reader, bytes + length, sizeof(bytes) - 1 - length)) > 0)
        length += (size_t)size;
    bytes[length] = '\0';
    return bytes;
}

static void give_back(struct stolen stolen)
{
    log_close();
    (void)dup2(stolen.saved, STDERR_FILENO);
    (void)close(stolen.saved);
    (void)close(stolen.reader);
}

static void stderr_is_never_made_non_blocking_for_others(void **state)
{
    int fds[2];
    struct stolen stolen;
    int flags;

    (void)state;
    assert_int_equal(pipe(fds), 0);
    stolen = steal_stderr(fds[0], fds[1]);
    (void)log_open("stderr", LOG_LEVEL_INFO);
    log_info("hello");
    flags = fcntl(STDERR_FILENO, F_GETFL);
    give_back(stolen);
    assert_false(flags & O_NONBLOCK);
}

static void lines_that_a_full_pipe_refuses_are_counted_and_reported(void **state)
{
    int fds[2];
    struct stolen stolen;
    char text[8192];

    (void)state;
    assert_int_equal(pipe(fds), 0);
    stolen = steal_stderr(fds[0], fds[1]);
    (void)log_open("stderr", LOG_LEVEL_INFO);
    for (unsigned i = 0; i < 3000; i++)
        log_info("line number=%u", i);
    (void)drain(stolen.reader);
    log_info("room again");
    (void)snprintf(text, sizeof(text), "%s", drain(stolen.reader));
    give_back(stolen);
    assert_matches(text, "^[^\n]* warning [^\n]* log lines lost count=[0-9]+\n"
                         "[^\n]* info [^\n]* room again\n$");
}

static void a_shared_pipe_is_asked_before_writing(void **state)
{
    int fds[2];
    struct stolen stolen;

    (void)state;
    assert_int_equal(pipe(fds), 0);
    stolen = steal_stderr(fds[0], fds[1]);
    log_set_level(LOG_LEVEL_INFO); /* not opened: stderr as it was inherited */
    for (unsigned i = 0; i < 3000; i++)
        log_info("line number=%u", i);
    give_back(stolen);
}

static void a_pipe_without_a_reader_costs_lines_only(void **state)
{
    int fds[2];
    struct stolen stolen;

    (void)state;
    assert_int_equal(pipe(fds), 0);
    stolen = steal_stderr(dup(STDERR_FILENO), fds[1]);
    (void)log_open("stderr", LOG_LEVEL_INFO);
    (void)close(fds[0]);
    log_info("to nobody");
    log_info("to nobody again");
    give_back(stolen);
}

static void the_journal_gets_priorities_instead_of_times(void **state)
{
    int fds[2];
    struct stolen stolen;
    struct stat status;
    char stream[64];
    char text[8192];

    (void)state;
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
    assert_int_equal(fstat(fds[1], &status), 0);
    (void)snprintf(stream, sizeof(stream), "%ju:%ju", (uintmax_t)status.st_dev,
                   (uintmax_t)status.st_ino);
    (void)setenv("JOURNAL_STREAM", stream, 1);
    stolen = steal_stderr(fds[0], fds[1]);
    log_set_role("worker", 3, 1);
    (void)log_open("auto", LOG_LEVEL_DEBUG);
    log_error("bad");
    log_debug("details");
    (void)snprintf(text, sizeof(text), "%s", drain(stolen.reader));
    give_back(stolen);
    (void)unsetenv("JOURNAL_STREAM");
    assert_string_equal(text, "<3>worker/3.1 bad\n<7>worker/3.1 details\n");
}

static void a_socket_that_is_not_the_journal_gets_times(void **state)
{
    int fds[2];
    struct stolen stolen;
    char text[8192];

    (void)state;
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
    (void)setenv("JOURNAL_STREAM", "1:2", 1);
    stolen = steal_stderr(fds[0], fds[1]);
    (void)log_open("stderr", LOG_LEVEL_DEBUG);
    log_error("bad");
    (void)snprintf(text, sizeof(text), "%s", drain(stolen.reader));
    give_back(stolen);
    (void)unsetenv("JOURNAL_STREAM");
    assert_matches(text, "^[0-9]{4}-.* error .* bad\n$");
}

static void a_full_socket_costs_lines_only(void **state)
{
    int fds[2];
    struct stolen stolen;

    (void)state;
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
    stolen = steal_stderr(fds[0], fds[1]);
    (void)log_open("stderr", LOG_LEVEL_DEBUG);
    for (unsigned i = 0; i < 10000; i++)
        log_info("line number=%u", i);
    give_back(stolen);
}

static void a_full_disk_costs_lines_only(void **state)
{
    (void)state;
    assert_int_equal(log_open("/dev/full", LOG_LEVEL_INFO), 0);
    log_info("one");
    assert_int_equal(log_open(file, LOG_LEVEL_INFO), 0);
    log_info("two");
    assert_matches(content_of(file), "^[^\n]* log lines lost count=1\n[^\n]* two\n$");
}

/* --- repetition --------------------------------------------------------------------------- */

static void a_line_is_shown_twenty_times_a_second_at_most(void **state)
{
    static struct log_repeat repeat;
    unsigned long hidden = 99;
    unsigned shown = 0;

    (void)state;
    for (unsigned i = 0; i < 50; i++)
        shown += !log_repeat_hides(&repeat, LOG_LEVEL_INFO, "same", 5000 + i, &hidden);
    assert_int_equal(shown, 20);
    assert_int_equal(hidden, 0);
    assert_false(log_repeat_hides(&repeat, LOG_LEVEL_INFO, "same", 6000, &hidden));
    assert_int_equal(hidden, 30);
}

static void another_line_or_level_ends_the_repetition(void **state)
{
    static struct log_repeat repeat;
    unsigned long hidden;

    (void)state;
    for (unsigned i = 0; i < 25; i++)
        (void)log_repeat_hides(&repeat, LOG_LEVEL_INFO, "same", 1, &hidden);
    assert_false(log_repeat_hides(&repeat, LOG_LEVEL_ERROR, "same", 1, &hidden));
    assert_int_equal(hidden, 5);
    assert_false(log_repeat_hides(&repeat, LOG_LEVEL_ERROR, "other", 1, &hidden));
    assert_int_equal(hidden, 0);
}

static void hidden_lines_are_summed_up(void **state)
{
    unsigned long hidden = 0;
    unsigned long told = 0;

    (void)state;
    assert_int_equal(log_open(file, LOG_LEVEL_INFO), 0);
    for (unsigned i = 0; i < 500; i++)
        log_info("same");
    log_info("other");
    for (const char *line = content_of(file); *line != '\0'; line = strchr(line, '\n') + 1) {
        if (sscanf(strchr(line, ']') + 1, " last message repeated times=%lu", &hidden) == 1)
            told += hidden;
        else
            told++;
    }
    assert_int_equal(told, 501);
    assert_true(lines_of(content_of(file)) < 400);
}

static void closing_the_log_tells_what_it_hid(void **state)
{
    (void)state;
    assert_int_equal(log_open(file, LOG_LEVEL_INFO), 0);
    for (unsigned i = 0; i < 500; i++)
        log_info("same");
    log_close();
    assert_matches(content_of(file), "last message repeated times=[0-9]+\n$");
}

/* --- escaping ----------------------------------------------------------------------------- */

static void foreign_bytes_are_escaped(void **state)
{
    static const struct {
        const char *bytes;
        size_t length;
        size_t size;
        const char *text;
    } cases[] = {
        {"hello client!", 13, 64, "hello client!"},
        {"a\nb\tc\\d", 7, 64, "a\\nb\\tc\\\\d"},
        {"\r\0\x7f\xff", 4, 64, "\\x0d\\x00\\x7f\\xff"},
        {"ü", 2, 64, "\\xc3\\xbc"},
        {"", 0, 64, ""},
        {"abc", 3, 4, "abc"},
        {"abcd", 4, 4, "…"},
        {"abcdef", 6, 6, "ab…"},
        {"ab\ncd", 5, 6, "ab…"},
        {"\n\n\n", 3, 6, "\\n…"},
        {"abc", 3, 3, "ab"},
        {"abc", 3, 1, ""},
    };
    char text[64];

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        memset(text, '#', sizeof(text));
        assert_string_equal(log_escape(cases[i].bytes, cases[i].length, text, cases[i].size),
                            cases[i].text);
        assert_true(cases[i].size == sizeof(text) || text[cases[i].size] == '#');
    }
    assert_ptr_equal(log_escape("x", 1, text, 0), text);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_folder, remove_folder)

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
        TEST(stderr_is_never_made_non_blocking_for_others),
        TEST(lines_that_a_full_pipe_refuses_are_counted_and_reported),
        TEST(a_shared_pipe_is_asked_before_writing),
        TEST(a_pipe_without_a_reader_costs_lines_only),
        TEST(the_journal_gets_priorities_instead_of_times),
        TEST(a_socket_that_is_not_the_journal_gets_times),
        TEST(a_full_socket_costs_lines_only),
        TEST(a_full_disk_costs_lines_only),
        TEST(a_line_is_shown_twenty_times_a_second_at_most),
        TEST(another_line_or_level_ends_the_repetition),
        TEST(hidden_lines_are_summed_up),
        TEST(closing_the_log_tells_what_it_hid),
        TEST(foreign_bytes_are_escaped),
    };

    (void)signal(SIGPIPE, SIG_IGN);
    return cmocka_run_group_tests_name("log", tests, NULL, NULL);
}
