/* SPDX-License-Identifier: MIT
 *
 * Children that have ended: programs, and what programs have left behind.
 */
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "account.h"
#include "keeper_internal.h"
#include "remnant.h"
#include "run.h"

/* Buried before others have their turn: a program may make orphans as fast as they are. */
#define BATCH 256

static void end_run(struct keeper *keeper, struct run *run, int status, const struct rusage *usage)
{
    runs_remove(&keeper->runs, run);
    allowance_give(&keeper->allowance, &run->remote);
    keeper->programs.failed += status != 0;
    account_ended(keeper->access_log, run, status, usage);
    if (run->state == RUN_TERMINATED)
        remnants_add(keeper, run);
    else
        run_end(run);
    keeper_report_soon(keeper);
}

static void bury(struct keeper *keeper, pid_t pid)
{
    struct run *run = runs_find(&keeper->runs, pid);
    struct rusage usage;
    int status;

    /* Its number is not free yet, so that its group is nobody else's. */
    if (run != NULL && run->state == RUN_KILLED)
        kill(-pid, SIGKILL);
    if (wait4(pid, &status, 0, &usage) >= 0 && run != NULL)
        end_run(keeper, run, status, &usage);
}

static void bury_some(struct keeper *keeper)
{
    siginfo_t info = {0};

    for (unsigned i = 0; i < BATCH; i++) {
        info.si_pid = 0;
        if (waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) < 0 || info.si_pid == 0)
            return;
        bury(keeper, info.si_pid);
    }
    ev_timer_start(keeper->loop, &keeper->burial);
}

static void attend(struct keeper *keeper)
{
    bury_some(keeper);
    remnants_look(keeper);
    jobs_try_again(keeper);
    keeper_conclude(keeper);
}

static void on_child(struct ev_loop *loop, ev_signal *watcher, int revents)
{
    (void)loop;
    (void)revents;
    attend(watcher->data);
}

static void on_burial(struct ev_loop *loop, ev_timer *timer, int revents)
{
    (void)loop;
    (void)revents;
    attend(timer->data);
}

void children_start(struct keeper *keeper)
{
    ev_signal_init(&keeper->child, on_child, SIGCHLD);
    ev_timer_init(&keeper->burial, on_burial, 0., 0.);
    keeper->child.data = keeper->burial.data = keeper;
    ev_signal_start(keeper->loop, &keeper->child);
}
