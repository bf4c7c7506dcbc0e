/* SPDX-License-Identifier: MIT
 *
 * The pid file, in a directory of its own.
 */
#include "pid_file.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static char directory[64];
static char path[96];

static int make_directory(void **state)
{
    (void)state;
    snprintf(directory, sizeof(directory), "/tmp/prong-XXXXXX");
    if (mkdtemp(directory) == NULL)
        return -1;
    snprintf(path, sizeof(path), "%s/pid", directory);
    return 0;
}

static int remove_directory(void **state)
{
    (void)state;
    (void)unlink(path);
    return rmdir(directory); /* fails when anything else was left behind */
}

static void write_text(const char *text)
{
    FILE *file = fopen(path, "w");

    assert_non_null(file);
    fputs(text, file);
    fclose(file);
}

static int read_number(void)
{
    FILE *file = fopen(path, "r");
    char line[32];

    assert_non_null(file);
    assert_non_null(fgets(line, sizeof(line), file));
    fclose(file);
    return atoi(line);
}

/* Locks belong to processes, so another one looks. */
static pid_t holder_seen_by_another(void)
{
    int fds[2];
    pid_t holder = -1, child;

    assert_int_equal(pipe(fds), 0);
    child = fork();
    if (child == 0) {
        holder = pid_file_holder(path);
        _exit(write(fds[1], &holder, sizeof(holder)) == sizeof(holder) ? 0 : 1);
    }
    assert_int_equal(read(fds[0], &holder, sizeof(holder)), sizeof(holder));
    waitpid(child, NULL, 0);
    close(fds[0]);
    close(fds[1]);
    return holder;
}

static void it_holds_the_pid_and_a_lock_until_it_is_removed(void **state)
{
    struct pid_file file = {0};

    (void)state;
    assert_int_equal(pid_file_write(&file, path), 0);
    assert_int_equal(read_number(), getpid());
    assert_int_equal(access(path, F_OK), 0);
    pid_file_remove(&file);
    assert_int_not_equal(access(path, F_OK), 0);
    pid_file_remove(&file);
}

static void another_process_sees_who_holds_it(void **state)
{
    struct pid_file file = {0};

    (void)state;
    assert_int_equal(holder_seen_by_another(), 0);
    assert_int_equal(pid_file_write(&file, path), 0);
    assert_int_equal(holder_seen_by_another(), getpid());
    pid_file_remove(&file);
}

static void a_file_that_a_dead_daemon_left_is_held_by_nobody_and_replaced(void **state)
{
    struct pid_file file = {0};

    (void)state;
    write_text("1\n");
    assert_int_equal(holder_seen_by_another(), 0);
    assert_int_equal(pid_file_write(&file, path), 0);
    assert_int_equal(read_number(), getpid());
    pid_file_remove(&file);
}

static void the_file_of_a_successor_is_left_alone(void **state)
{
    struct pid_file file = {0};

    (void)state;
    assert_int_equal(pid_file_write(&file, path), 0);
    assert_int_equal(unlink(path), 0);
    write_text("12345\n");
    pid_file_remove(&file);
    assert_int_equal(read_number(), 12345);
}

static void a_close_leaves_the_file(void **state)
{
    struct pid_file file = {0};

    (void)state;
    assert_int_equal(pid_file_write(&file, path), 0);
    pid_file_close(&file);
    assert_int_equal(access(path, F_OK), 0);
}

static void a_directory_that_is_missing_is_reported(void **state)
{
    struct pid_file file = {0};
    char missing[96];

    (void)state;
    snprintf(missing, sizeof(missing), "%s/missing/pid", directory);
    assert_int_equal(pid_file_write(&file, missing), -ENOENT);
    assert_null(file.path);
    assert_int_equal(pid_file_holder(missing), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(it_holds_the_pid_and_a_lock_until_it_is_removed,
                                        make_directory, remove_directory),
        cmocka_unit_test_setup_teardown(another_process_sees_who_holds_it, make_directory,
                                        remove_directory),
        cmocka_unit_test_setup_teardown(
            a_file_that_a_dead_daemon_left_is_held_by_nobody_and_replaced, make_directory,
            remove_directory),
        cmocka_unit_test_setup_teardown(the_file_of_a_successor_is_left_alone, make_directory,
                                        remove_directory),
        cmocka_unit_test_setup_teardown(a_close_leaves_the_file, make_directory, remove_directory),
        cmocka_unit_test_setup_teardown(a_directory_that_is_missing_is_reported, make_directory,
                                        remove_directory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
