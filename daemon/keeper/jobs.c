/* SPDX-License-Identifier: MIT
 *
 * What workers send: a program for it, a while to wait, or none.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sys/socket.h>
#include <unistd.h>

#include "account.h"
#include "ipc_wire.h"
#include "keeper_internal.h"
#include "keeping.h"
#include "log.h"
#include "run.h"

/* Jobs that are taken before others have their turn. */
#define BATCH 16

/* Descriptors that a client needs: its own, and a pipe for what its program says. */
#define NEEDED 3

/* How soon it looks again whether there is room: another keeper of the server may have given
 * something back. */
#define RETRY_S 0.1

static void refuse(struct keeper *keeper, const struct job *job, enum allowance_answer reason)
{
    const struct linger now = {.l_onoff = 1};

    account_refused(keeper->access_log, keeper->keeping, job, allowance_name(reason));
    if (keeper->keeping->excess == EXEC_EXCESS_RESET)
        (void)setsockopt(job->fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
    close(job->fd);
    keeper->programs.refused++;
    keeper_report_soon(keeper);
}

static void start(struct keeper *keeper, const struct job *job)
{
    struct run *run;
    int error = run_start(&run, keeper->loop, keeper->keeping, keeper->environment, job);

    if (error == 0) {
        runs_add(&keeper->runs, run);
        keeper->programs.started++;
    } else {
        allowance_give(&keeper->allowance, &job->remote);
        keeper->programs.failed++;
        account_failed(keeper->access_log, keeper->keeping, job, error);
    }
    close(job->fd);
    keeper_report_soon(keeper);
}

/* Nothing is taken until there may be room again. */
static void pause_work(struct keeper *keeper)
{
    ev_io_stop(keeper->loop, &keeper->work);
    ev_timer_again(keeper->loop, &keeper->retry);
}

static void hold(struct keeper *keeper, const struct job *job)
{
    keeper->held = *job;
    keeper->holds = true;
    pause_work(keeper);
}

static void decide(struct keeper *keeper, const struct job *job)
{
    enum allowance_answer answer = allowance_take(&keeper->allowance, &job->remote);

    if (answer == ALLOWANCE_GRANTED)
        start(keeper, job);
    else if (answer == ALLOWANCE_PROCESSES && keeper->keeping->excess == EXEC_EXCESS_WAIT)
        hold(keeper, job);
    else
        refuse(keeper, job, answer);
}

/* The kernel drops a descriptor that finds no room: then a client would be lost. */
static bool has_descriptors(const struct keeper *keeper)
{
    int fds[NEEDED], count = 0;

    while (count < NEEDED &&
           (fds[count] = fcntl(keeper->keeping->work_fd, F_DUPFD_CLOEXEC, 0)) >= 0)
        count++;
    for (int i = 0; i < count; i++)
        close(fds[i]);
    return count == NEEDED;
}

/* Said once, until there is room again. */
static int wait_for_descriptors(struct keeper *keeper)
{
    if (!keeper->is_short)
        log_warning("no descriptors are left for more programs: clients wait server=%s running=%zu",
                    keeper->keeping->server, keeper->runs.count);
    keeper->is_short = true;
    pause_work(keeper);
    return -EMFILE;
}

/* 0, or why there was none. */
static int take_job(struct keeper *keeper)
{
    struct ipc_frame frame;
    struct job job;
    int result;

    if (!has_descriptors(keeper))
        return wait_for_descriptors(keeper);
    keeper->is_short = false;
    result = ipc_wire_receive(keeper->keeping->work_fd, &frame);
    if (result <= 0)
        return result == 0 ? -EPIPE : result;
    if (job_read(&job, &frame) == 0)
        decide(keeper, &job);
    else
        log_error("a worker sent what is no connection server=%s", keeper->keeping->server);
    return 0;
}

void jobs_take(struct keeper *keeper)
{
    unsigned most = keeper->state == KEEPER_FINISHING ? UINT_MAX : BATCH;
    int error = 0;

    for (unsigned i = 0; i < most && error == 0 && !keeper->holds; i++)
        error = take_job(keeper);
    if (error == 0 || error == -EBADMSG || error == -EMFILE)
        return;
    if (keeper->state == KEEPER_FINISHING || error == -EPIPE)
        keeper_enter(keeper, KEEPER_ENDING);
    else if (error != -EAGAIN)
        log_code(LOG_LEVEL_ERROR, error, "connections cannot be taken server=%s",
                 keeper->keeping->server);
    keeper_conclude(keeper);
}

void jobs_try_again(struct keeper *keeper)
{
    struct job job = keeper->held;

    if (!ev_is_active(&keeper->retry))
        return;
    ev_timer_stop(keeper->loop, &keeper->retry);
    if (keeper->holds) {
        keeper->holds = false;
        decide(keeper, &job);
    }
    if (!keeper->holds && keeper->state != KEEPER_ENDING) {
        ev_io_start(keeper->loop, &keeper->work);
        jobs_take(keeper);
    }
    keeper_conclude(keeper);
}

bool jobs_drop_held(struct keeper *keeper, uint64_t connection, enum access_end end)
{
    if (!keeper->holds || keeper->held.connection != connection)
        return false;
    account_refused(keeper->access_log, keeper->keeping, &keeper->held, access_end_reason(end));
    close(keeper->held.fd);
    keeper->holds = false;
    ev_timer_stop(keeper->loop, &keeper->retry);
    if (keeper->state != KEEPER_ENDING)
        ev_io_start(keeper->loop, &keeper->work);
    return true;
}

/* --- When --- */

static void on_work(struct ev_loop *loop, ev_io *io, int revents)
{
    (void)loop;
    (void)revents;
    jobs_take(io->data);
}

static void on_retry(struct ev_loop *loop, ev_timer *timer, int revents)
{
    (void)loop;
    (void)revents;
    jobs_try_again(timer->data);
}

void jobs_start(struct keeper *keeper)
{
    ev_io_init(&keeper->work, on_work, keeper->keeping->work_fd, EV_READ);
    ev_timer_init(&keeper->retry, on_retry, RETRY_S, RETRY_S);
    keeper->work.data = keeper->retry.data = keeper;
    ev_io_start(keeper->loop, &keeper->work);
}
