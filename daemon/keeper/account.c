/* SPDX-License-Identifier: MIT
 *
 * Exit status, run time, CPU time.
 */
#include "account.h"

#include <errno.h>
#include <prong/error.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "access_format.h"
#include "access_log.h"
#include "clock.h"
#include "exec_options.h"
#include "job.h"
#include "keeping.h"
#include "log.h"
#include "run.h"

int account_open(struct access_log **log, struct ev_loop *loop, struct keeping *keeping)
{
    const struct access_log_plan plan = {.loop = loop,
                                         .server = keeping->server,
                                         .target = keeping->access_log,
                                         .format = keeping->access_format,
                                         .fd = keeping->access_fd};

    keeping->access_fd = -1;
    *log = plan.target != NULL ? access_log_new(&plan) : NULL;
    return *log == NULL && plan.target != NULL ? -ENOMEM : 0;
}

/* --- The end --- */

static uint64_t cpu_ms(const struct rusage *usage)
{
    return (uint64_t)(usage->ru_utime.tv_sec + usage->ru_stime.tv_sec) * 1000 +
           (uint64_t)(usage->ru_utime.tv_usec + usage->ru_stime.tv_usec) / 1000;
}

/* "pid=7 exit=0 cpu_ms=12" */
static void describe(const struct run *run, int status, const struct rusage *usage, char *text,
                     size_t size)
{
    bool was_killed = WIFSIGNALED(status);

    snprintf(text, size, "pid=%d %s=%d cpu_ms=%llu", (int)run->pid, was_killed ? "signal" : "exit",
             was_killed ? WTERMSIG(status) : WEXITSTATUS(status),
             (unsigned long long)cpu_ms(usage));
}

static void log_ended(const struct run *run, const char *fields, double seconds)
{
    char peer[PRONG_ADDRESS_TEXT_SIZE];

    if (log_wants(LOG_LEVEL_INFO))
        log_info("program ended server=%s connection=%llu peer=%s %s seconds=%.3f",
                 run->keeping->server, (unsigned long long)run->connection,
                 prong_address_format(&run->remote, peer, sizeof(peer)), fields, seconds);
}

void account_ended(struct access_log *log, const struct run *run, int status,
                   const struct rusage *usage)
{
    double seconds = clock_s() - run->started_at;
    char fields[96];
    const struct access_event event = {.server = run->keeping->server,
                                       .handler = EXEC_HANDLER,
                                       .id = run->connection,
                                       .client = &run->remote,
                                       .local = &run->local,
                                       .duration_ms = (uint64_t)(seconds * 1e3),
                                       .end = run->end,
                                       .fields = fields};

    describe(run, status, usage, fields, sizeof(fields));
    log_ended(run, fields, seconds);
    if (log != NULL)
        access_log_write(log, &event);
}

/* --- No program --- */

static void write_end(struct access_log *log, const struct keeping *keeping, const struct job *job,
                      enum access_end end, const char *reason)
{
    const struct access_event event = {.server = keeping->server,
                                       .handler = EXEC_HANDLER,
                                       .id = job->connection,
                                       .client = &job->remote,
                                       .local = &job->local,
                                       .end = end,
                                       .reason = reason,
                                       .fields = ""};

    if (log != NULL)
        access_log_write(log, &event);
}

void account_failed(struct access_log *log, const struct keeping *keeping, const struct job *job,
                    int error)
{
    write_end(log, keeping, job, ACCESS_END_ERROR, prong_error_name(error));
}

void account_refused(struct access_log *log, const struct keeping *keeping, const struct job *job,
                     const char *reason)
{
    char peer[PRONG_ADDRESS_TEXT_SIZE];

    if (log_wants(LOG_LEVEL_INFO))
        log_info("client refused reason=%s server=%s connection=%llu peer=%s", reason,
                 keeping->server, (unsigned long long)job->connection,
                 prong_address_format(&job->remote, peer, sizeof(peer)));
    if (keeping->access_refused)
        write_end(log, keeping, job, ACCESS_END_REFUSED, reason);
}
