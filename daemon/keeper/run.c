/* SPDX-License-Identifier: MIT
 *
 * Starting, limiting, writing down.
 */
#include "run.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "clock.h"
#include "environment.h"
#include "job.h"
#include "keeping.h"
#include "log.h"
#include "spawn.h"

/* --- Limits --- */

/* The kernel gives the number of a group to nobody else as long as somebody is in it; and whoever
 * of it has lost its parent is our child, which nobody else buries. */
bool run_group_lives(const struct run *run)
{
    siginfo_t info;

    return waitid(P_PGID, (id_t)run->pid, &info, WEXITED | WNOHANG | WNOWAIT) == 0;
}

static void start_limit(struct run *run, uint64_t ms)
{
    ev_timer_set(&run->limit, (double)ms / 1e3, 0.);
    ev_timer_start(run->loop, &run->limit);
}

void run_terminate(struct run *run, enum access_end end)
{
    if (run->state != RUN_RUNNING)
        return;
    run->state = RUN_TERMINATED;
    run->end = end;
    kill(-run->pid, SIGTERM);
    kill(-run->pid, SIGCONT); /* one that was stopped can end only when it goes on */
    ev_timer_stop(run->loop, &run->limit);
    start_limit(run, run->keeping->kill_timeout_ms);
}

static void on_limit(struct ev_loop *loop, ev_timer *timer, int revents)
{
    struct run *run = timer->data;

    (void)loop;
    (void)revents;
    if (run->state == RUN_RUNNING) {
        log_warning("program runs for too long server=%s pid=%d connection=%llu",
                    run->keeping->server, (int)run->pid, (unsigned long long)run->connection);
        run_terminate(run, ACCESS_END_RUNTIME);
        return;
    }
    run->state = RUN_KILLED;
    if (run_group_lives(run))
        kill(-run->pid, SIGKILL);
}

/* --- The start --- */

/* The descriptor for the program's standard error; complaints may be open then. */
static int open_standard_error(struct run *run, const struct job *job)
{
    int fd = -1;

    switch (run->keeping->standard_error) {
    case EXEC_STDERR_LOG:
        return complaints_open(&run->complaints, run->loop);
    case EXEC_STDERR_DISCARD:
        fd = open("/dev/null", O_WRONLY | O_CLOEXEC);
        break;
    case EXEC_STDERR_SOCKET:
        fd = fcntl(job->fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
        break;
    }
    return fd < 0 ? -errno : fd;
}

static int spawn(struct run *run, struct environment *environment, const struct job *job,
                 const char **step)
{
    struct spawn plan = {.keeping = run->keeping,
                         .environment = environment_of(environment, job),
                         .socket = job->fd,
                         .standard_error = open_standard_error(run, job)};

    *step = "standard error";
    if (plan.standard_error < 0)
        return plan.standard_error;
    run->pid = spawn_program(&plan);
    *step = plan.step;
    close(plan.standard_error);
    return run->pid < 0 ? (int)run->pid : 0;
}

static struct run *make(struct ev_loop *loop, const struct keeping *keeping, const struct job *job)
{
    struct run *run = calloc(1, sizeof(*run));

    if (run == NULL)
        return NULL;
    run->loop = loop;
    run->keeping = keeping;
    run->connection = job->connection;
    run->local = job->local;
    run->remote = job->remote;
    run->end = ACCESS_END_PROGRAM;
    run->started_at = clock_s();
    run->complaints.io.fd = -1;
    ev_timer_init(&run->limit, on_limit, 0., 0.);
    run->limit.data = run;
    return run;
}

int run_start(struct run **result, struct ev_loop *loop, const struct keeping *keeping,
              struct environment *environment, const struct job *job)
{
    struct run *run = make(loop, keeping, job);
    const char *step = "memory";
    int error = run == NULL ? -ENOMEM : spawn(run, environment, job, &step);

    *result = NULL;
    if (error < 0) {
        log_code(LOG_LEVEL_ERROR, error,
                 "program cannot be started server=%s program=%s step=\"%s\"", keeping->server,
                 keeping->arguments[0], step);
        if (run != NULL)
            complaints_close(&run->complaints);
        free(run);
        return error;
    }
    if (run->complaints.io.fd >= 0)
        complaints_start(&run->complaints, keeping->server, run->pid);
    if (keeping->max_runtime_ms > 0)
        start_limit(run, keeping->max_runtime_ms);
    log_debug("program started server=%s pid=%d connection=%llu", keeping->server, (int)run->pid,
              (unsigned long long)run->connection);
    *result = run;
    return 0;
}

/* --- The end --- */

void run_end(struct run *run)
{
    complaints_close(&run->complaints);
    ev_timer_stop(run->loop, &run->limit);
    free(run);
}
