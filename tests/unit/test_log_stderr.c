/* SPDX-License-Identifier: MIT
 *
 * The log on stderr: a terminal, a pipe, the journal, and nobody who reads.
 */
#include "log.h"

#include <fcntl.h>
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

#include "log_fixture.h"

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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(stderr_is_never_made_non_blocking_for_others),
        cmocka_unit_test(lines_that_a_full_pipe_refuses_are_counted_and_reported),
        cmocka_unit_test(a_shared_pipe_is_asked_before_writing),
        cmocka_unit_test(a_pipe_without_a_reader_costs_lines_only),
        cmocka_unit_test(the_journal_gets_priorities_instead_of_times),
        cmocka_unit_test(a_socket_that_is_not_the_journal_gets_times),
        cmocka_unit_test(a_full_socket_costs_lines_only),
    };

    (void)signal(SIGPIPE, SIG_IGN);
    return cmocka_run_group_tests_name("log on stderr", tests, NULL, NULL);
}
