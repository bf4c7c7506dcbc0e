/* SPDX-License-Identifier: MIT
 *
 * What is read of a process, whatever it calls itself.
 */
#include "process_stat.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

/* A child that waits for ever, and is ready when this returns. */
static pid_t start(const char *name, bool leads)
{
    int ready[2];
    char byte = 0;
    pid_t pid;

    assert_int_equal(pipe(ready), 0);
    pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        if (leads)
            (void)setsid();
        (void)prctl(PR_SET_NAME, name);
        (void)!write(ready[1], &byte, 1);
        for (;;)
            pause();
    }
    assert_int_equal(read(ready[0], &byte, 1), 1);
    close(ready[0]);
    close(ready[1]);
    return pid;
}

static void end(pid_t pid)
{
    kill(pid, SIGKILL);
    assert_int_equal(waitpid(pid, NULL, 0), pid);
}

static void its_name_may_be_anything(void **state)
{
    pid_t pid = start("a) Z 1 1 (b", false);
    struct process_stat stat = {0};

    (void)state;
    assert_true(process_stat_read(pid, &stat));
    assert_int_equal(stat.parent, getpid());
    assert_int_equal(stat.session, getsid(0));
    assert_int_not_equal(stat.state, 'Z');
    end(pid);
    assert_false(process_stat_read(pid, &stat));
}

static void only_living_leaders_of_sessions_count(void **state)
{
    siginfo_t info;
    pid_t pid;

    (void)state;
    assert_false(process_has_leaders(getpid()));
    pid = start("follower", false);
    assert_false(process_has_leaders(getpid()));
    end(pid);
    pid = start("leader", true);
    assert_true(process_has_leaders(getpid()));
    kill(pid, SIGKILL);
    assert_int_equal(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT), 0);
    assert_false(process_has_leaders(getpid()));
    end(pid);
}

static void leaders_are_killed_with_their_groups(void **state)
{
    pid_t leader = start("leader", true), follower = start("follower", false);
    int status;

    (void)state;
    process_kill_leaders(getpid());
    assert_int_equal(waitpid(leader, &status, 0), leader);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    assert_int_equal(waitpid(follower, &status, WNOHANG), 0);
    end(follower);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(its_name_may_be_anything),
        cmocka_unit_test(only_living_leaders_of_sessions_count),
        cmocka_unit_test(leaders_are_killed_with_their_groups),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
