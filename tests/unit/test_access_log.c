/* SPDX-License-Identifier: MIT
 *
 * The access log of one process: what is gathered, written, and lost.
 */
#include "access_log.h"

#include <errno.h>
#include <ev.h>
#include <fcntl.h>
#include <limits.h>
#include <prong/address.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "access_format.h"
#include "access_sink.h"
#include "log.h"
#include "log_fixture.h"

static struct ev_loop *loop;
static char path[128];

static int set_up(void **state)
{
    loop = ev_loop_new(EVFLAG_AUTO);
    if (loop == NULL || log_fixture_open(state) < 0)
        return -1;
    (void)snprintf(path, sizeof(path), "%s.access", log_fixture_file);
    return log_open(log_fixture_file, LOG_LEVEL_INFO);
}

static int tear_down(void **state)
{
    char rotated[160];

    ev_loop_destroy(loop);
    (void)snprintf(rotated, sizeof(rotated), "%s.1", path);
    (void)unlink(rotated);
    (void)unlink(path);
    return log_fixture_remove(state);
}

static struct access_log *open_log(const char *target, int fd)
{
    const struct access_log_plan plan = {.loop = loop,
                                         .server = "echo",
                                         .target = target,
                                         .format = "$connection $fields",
                                         .fd = fd};
    struct access_log *log = access_log_new(&plan);

    assert_non_null(log);
    return log;
}

static struct access_log *open_file(void)
{
    int fd = access_sink_open_file(path);

    assert_true(fd >= 0);
    return open_log(path, fd);
}

static void write_line(struct access_log *log, uint64_t id, const char *fields)
{
    static const struct prong_address nobody;
    const struct access_event event = {.server = "echo",
                                       .handler = "echo",
                                       .id = id,
                                       .client = &nobody,
                                       .local = &nobody,
                                       .fields = fields};

    access_log_write(log, &event);
}

static void lines_are_gathered_and_written_after_a_moment(void **state)
{
    struct access_log *log = open_file();

    (void)state;
    write_line(log, 1, "");
    write_line(log, 2, "a=b");
    assert_string_equal(content_of(path), "");
    ev_run(loop, 0); /* until its timer has nothing left to write */
    assert_string_equal(content_of(path), "1\n2 a=b\n");
    write_line(log, 3, "");
    access_log_free(log);
    assert_string_equal(content_of(path), "1\n2 a=b\n3\n");
}

static void many_lines_are_written_at_once(void **state)
{
    static char fields[1000];
    struct access_log *log = open_file();
    struct stat status;

    (void)state;
    memset(fields, 'x', sizeof(fields) - 1);
    for (uint64_t i = 0; i < 100; i++)
        write_line(log, i, fields);
    assert_int_equal(stat(path, &status), 0);
    assert_true(status.st_size > 80 * 1000);
    access_log_free(log);
    assert_int_equal(stat(path, &status), 0);
    assert_int_equal(status.st_size, 10 * strlen("0 \n") + 90 * strlen("10 \n") + 100 * 999);
}

static void a_rotated_file_keeps_what_came_before(void **state)
{
    struct access_log *log = open_file();
    char rotated[160];

    (void)state;
    write_line(log, 1, "");
    (void)snprintf(rotated, sizeof(rotated), "%s.1", path);
    assert_int_equal(rename(path, rotated), 0);
    access_log_adopt(log, access_sink_open_file(path));
    write_line(log, 2, "");
    access_log_free(log);
    assert_string_equal(content_of(rotated), "1\n");
    assert_string_equal(content_of(path), "2\n");
}

static void a_full_disk_costs_lines_that_are_counted_and_told_once(void **state)
{
    static char fields[1000];
    struct access_log *log = open_log("/dev/full", access_sink_open_file("/dev/full"));
    const char *text;

    (void)state;
    memset(fields, 'x', sizeof(fields) - 1);
    for (uint64_t i = 0; i < 100; i++)
        write_line(log, i, fields);
    assert_in_range(access_log_lost(log), 30, 50); /* the rest waits */
    text = content_of(log_fixture_file);
    assert_non_null(strstr(text, "warning prongd"));
    assert_non_null(
        strstr(text, "access log cannot be written server=echo: No space left on device"));
    assert_int_equal(lines_of(text), 1);
    access_log_free(log);
    assert_non_null(
        strstr(content_of(log_fixture_file), "access log lines lost server=echo lost=100"));
}

/* In a child: the limit cannot be raised again. */
static void a_disk_that_fills_up_leaves_no_half_line_behind(void **state)
{
    int status;
    pid_t pid;

    (void)state;
    pid = fork();
    if (pid == 0) {
        const struct rlimit limit = {.rlim_cur = 10, .rlim_max = RLIM_INFINITY};
        const struct rlimit none = {.rlim_cur = RLIM_INFINITY, .rlim_max = RLIM_INFINITY};
        struct access_log *log = open_file();

        (void)signal(SIGXFSZ, SIG_IGN);
        if (setrlimit(RLIMIT_FSIZE, &limit) < 0)
            _exit(2);
        write_line(log, 1, "");
        write_line(log, 2, "a=this_does_not_fit");
        write_line(log, 3, "");
        access_log_adopt(log, access_sink_open_file(path)); /* writes what there is */
        (void)setrlimit(RLIMIT_FSIZE, &none);
        write_line(log, 4, "");
        access_log_free(log);
        _exit(0);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
    assert_non_null(strstr(content_of(path), "\n4\n"));
    for (const char *line = content_of(path); *line != '\0'; line = strchr(line, '\n') + 1)
        assert_true(*line == '1' || *line == '2' || *line == '3' || *line == '4');
}

static void a_fifo_that_nobody_reads_holds_up_nobody(void **state)
{
    static char fields[1000], bytes[16 * PIPE_BUF];
    struct access_log *log;
    ssize_t size, total = 0;
    int fd;

    (void)state;
    assert_int_equal(mkfifo(path, 0600), 0);
    log = open_file();
    fd = open(path, O_RDONLY | O_NONBLOCK);
    assert_true(fd >= 0);
    memset(fields, 'x', sizeof(fields) - 1);
    for (uint64_t i = 0; i < 1000; i++)
        write_line(log, i, fields);
    assert_true(access_log_lost(log) > 800);
    /* What came out is whole lines. */
    while ((size = read(fd, bytes, sizeof(bytes))) > 0) {
        assert_int_equal(bytes[size - 1], '\n');
        total += size;
    }
    assert_true(total > 4 * PIPE_BUF);
    access_log_free(log);
    assert_non_null(strstr(content_of(log_fixture_file), "Resource temporarily unavailable"));
    (void)close(fd);
}

static void a_log_that_is_written_again_says_how_much_was_lost(void **state)
{
    static char fields[1000];
    struct access_log *log = open_log(path, access_sink_open_file("/dev/full"));

    (void)state;
    memset(fields, 'x', sizeof(fields) - 1);
    for (uint64_t i = 0; i < 100; i++)
        write_line(log, i, fields);
    access_log_adopt(log, access_sink_open_file(path));
    ev_run(loop, 0);
    assert_non_null(
        strstr(content_of(log_fixture_file), "access log is written again server=echo lost="));
    access_log_free(log);
}

static void lines_of_two_processes_never_mix(void **state)
{
    static char fields[2][500];
    pid_t pids[2];
    int status;

    (void)state;
    for (unsigned who = 0; who < 2; who++) {
        memset(fields[who], 'a' + (int)who, sizeof(fields[who]) - 1);
        pids[who] = fork();
        if (pids[who] == 0) {
            struct ev_loop *own = ev_loop_new(EVFLAG_AUTO);
            struct access_log *log;

            loop = own;
            log = open_file();
            for (uint64_t i = 0; i < 2000; i++)
                write_line(log, who, fields[who]);
            access_log_free(log);
            _exit(0);
        }
    }
    for (unsigned who = 0; who < 2; who++) {
        assert_int_equal(waitpid(pids[who], &status, 0), pids[who]);
        assert_int_equal(status, 0);
    }
    for (const char *line = content_of(path), *end; (end = strchr(line, '\n')) != NULL;
         line = end + 1) {
        unsigned who = (unsigned)(*line - '0');

        assert_true(who < 2);
        assert_int_equal(end - line, 2 + sizeof(fields[0]) - 1);
        assert_memory_equal(line + 2, fields[who], sizeof(fields[0]) - 1);
    }
}

static void the_daemons_own_log_may_have_the_lines(void **state)
{
    struct access_log *log = open_log("log", -1);

    (void)state;
    log_set_level(LOG_LEVEL_ERROR); /* they were asked for by name */
    write_line(log, 1, "a=b");
    access_log_free(log);
    assert_matches(content_of(log_fixture_file), " info prongd\\[[0-9]+\\] access 1 a=b\n$");
}

static void a_file_that_is_not_open_loses_its_lines(void **state)
{
    struct access_log *log = open_log("/nowhere", -1);

    (void)state;
    write_line(log, 1, "");
    access_log_free(log);
    assert_non_null(
        strstr(content_of(log_fixture_file), "access log lines lost server=echo lost=1"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(lines_are_gathered_and_written_after_a_moment),
        TEST(many_lines_are_written_at_once),
        TEST(a_rotated_file_keeps_what_came_before),
        TEST(a_full_disk_costs_lines_that_are_counted_and_told_once),
        TEST(a_disk_that_fills_up_leaves_no_half_line_behind),
        TEST(a_fifo_that_nobody_reads_holds_up_nobody),
        TEST(a_log_that_is_written_again_says_how_much_was_lost),
        TEST(lines_of_two_processes_never_mix),
        TEST(the_daemons_own_log_may_have_the_lines),
        TEST(a_file_that_is_not_open_loses_its_lines),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
