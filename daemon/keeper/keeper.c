/* SPDX-License-Identifier: MIT
 *
 * Jobs, programs, orders.
 */
#include "keeper.h"

#include <assert.h>
#include <errno.h>
#include <ev.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "access_log.h"
#include "account.h"
#include "allowance.h"
#include "environment.h"
#include "ipc.h"
#include "ipc_wire.h"
#include "job.h"
#include "keeping.h"
#include "log.h"
#include "log_order.h"
#include "message.h"
#include "process.h"
#include "rights.h"
#include "run.h"
#include "runs.h"
#include "scoreboard.h"
#include "title.h"

/* Jobs that are taken before others have their turn. */
#define BATCH 16

/* How soon it looks again whether another keeper of the server gave something back. */
#define RETRY_S 0.1

/* How soon the master hears of what has changed. */
#define REPORT_S 0.1

/*  TAKING → FINISHING → ENDING        TAKING → ENDING */
enum keeper_state {
    KEEPER_TAKING,
    KEEPER_FINISHING, /* only what waits already */
    KEEPER_ENDING     /* with the last program */
};

struct keeper {
    enum keeper_state state;
    struct keeping *keeping;
    struct ev_loop *loop;
    struct ipc *channel; /* NULL: the master is gone */
    ev_io work;
    ev_signal child;
    ev_timer retry;
    ev_timer report;
    ev_timer termination;
    struct allowance allowance;
    struct access_log *access_log; /* NULL: there is none */
    struct environment *environment;
    struct runs runs;
    struct message_programs programs;
    struct job held; /* there is no room for its program yet, and nothing is taken before it */
    bool holds;
};

/* The only place that changes the state. */
static void keeper_enter(struct keeper *keeper, enum keeper_state state)
{
    assert(state > keeper->state);
    keeper->state = state;
    if (state == KEEPER_ENDING)
        ev_io_stop(keeper->loop, &keeper->work);
}

static void conclude(struct keeper *keeper)
{
    if (keeper->state == KEEPER_ENDING && keeper->runs.count == 0 && !keeper->holds)
        ev_break(keeper->loop, EVBREAK_ALL);
}

/* --- Telling the master --- */

static void report_soon(struct keeper *keeper)
{
    if (!ev_is_active(&keeper->report))
        ev_timer_start(keeper->loop, &keeper->report);
}

static void report(struct keeper *keeper)
{
    keeper->programs.running = keeper->runs.count;
    if (keeper->channel != NULL)
        (void)ipc_send(keeper->channel, MESSAGE_PROGRAMS, &keeper->programs,
                       sizeof(keeper->programs), NULL, 0);
}

/* A master that does not listen is told later. */
static void on_report(struct ev_loop *loop, ev_timer *timer, int revents)
{
    struct keeper *keeper = timer->data;

    (void)loop;
    (void)revents;
    if (keeper->channel != NULL && ipc_queued(keeper->channel) > 0)
        report_soon(keeper);
    else
        report(keeper);
}

/* --- Jobs --- */

static void refuse(struct keeper *keeper, const struct job *job, enum allowance_answer reason)
{
    const struct linger now = {.l_onoff = 1};

    account_refused(keeper->access_log, keeper->keeping, job, allowance_name(reason));
    if (keeper->keeping->excess == EXEC_EXCESS_RESET)
        (void)setsockopt(job->fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
    close(job->fd);
    keeper->programs.refused++;
    report_soon(keeper);
}

static void start(struct keeper *keeper, const struct job *job)
{
    struct run *run;

    if (run_start(&run, keeper->loop, keeper->keeping, keeper->environment, job) == 0) {
        runs_add(&keeper->runs, run);
        keeper->programs.started++;
    } else {
        allowance_give(&keeper->allowance, &job->remote);
        keeper->programs.failed++;
    }
    close(job->fd);
    report_soon(keeper);
}

static void hold(struct keeper *keeper, const struct job *job)
{
    keeper->held = *job;
    keeper->holds = true;
    ev_io_stop(keeper->loop, &keeper->work);
    ev_timer_again(keeper->loop, &keeper->retry);
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

/* 0, or why there was none. */
static int take_job(struct keeper *keeper)
{
    struct ipc_frame frame;
    struct job job;
    int result = ipc_wire_receive(keeper->keeping->work_fd, &frame);

    if (result <= 0)
        return result == 0 ? -EPIPE : result;
    if (job_read(&job, &frame) == 0)
        decide(keeper, &job);
    else
        log_error("a worker sent what is no connection server=%s", keeper->keeping->server);
    return 0;
}

static void take_jobs(struct keeper *keeper)
{
    unsigned most = keeper->state == KEEPER_FINISHING ? UINT_MAX : BATCH;
    int error = 0;

    for (unsigned i = 0; i < most && error == 0 && !keeper->holds; i++)
        error = take_job(keeper);
    if (error == 0 || error == -EBADMSG)
        return;
    if (keeper->state == KEEPER_FINISHING || error == -EPIPE)
        keeper_enter(keeper, KEEPER_ENDING);
    else if (error != -EAGAIN)
        log_code(LOG_LEVEL_ERROR, error, "connections cannot be taken server=%s",
                 keeper->keeping->server);
    conclude(keeper);
}

static void on_work(struct ev_loop *loop, ev_io *io, int revents)
{
    (void)loop;
    (void)revents;
    take_jobs(io->data);
}

/* The held one first; then others may come again. */
static void try_again(struct keeper *keeper)
{
    struct job job = keeper->held;

    if (!keeper->holds)
        return;
    keeper->holds = false;
    ev_timer_stop(keeper->loop, &keeper->retry);
    decide(keeper, &job);
    if (!keeper->holds && keeper->state != KEEPER_ENDING) {
        ev_io_start(keeper->loop, &keeper->work);
        take_jobs(keeper);
    }
    conclude(keeper);
}

static void on_retry(struct ev_loop *loop, ev_timer *timer, int revents)
{
    (void)loop;
    (void)revents;
    try_again(timer->data);
}

/* --- Children --- */

static void bury(struct keeper *keeper, pid_t pid)
{
    struct run *run = runs_find(&keeper->runs, pid);
    struct rusage usage;
    int status;

    /* Its number is not free yet, so that its group is nobody else's. */
    if (run != NULL && run->state != RUN_RUNNING)
        kill(-pid, SIGKILL);
    if (wait4(pid, &status, 0, &usage) < 0 || run == NULL)
        return;
    runs_remove(&keeper->runs, run);
    allowance_give(&keeper->allowance, &run->remote);
    keeper->programs.failed += status != 0;
    account_ended(keeper->access_log, run, status, &usage);
    run_end(run);
    report_soon(keeper);
}

static void on_child(struct ev_loop *loop, ev_signal *watcher, int revents)
{
    struct keeper *keeper = watcher->data;
    siginfo_t info = {0};

    (void)loop;
    (void)revents;
    while (waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) == 0 && info.si_pid != 0) {
        bury(keeper, info.si_pid);
        info.si_pid = 0;
    }
    try_again(keeper);
    conclude(keeper);
}

/* --- Orders --- */

static void order_retire(struct keeper *keeper, const struct ipc_frame *frame)
{
    (void)frame;
    if (keeper->state != KEEPER_ENDING)
        keeper_enter(keeper, KEEPER_ENDING);
    conclude(keeper);
}

static void order_finish(struct keeper *keeper, const struct ipc_frame *frame)
{
    (void)frame;
    if (keeper->state != KEEPER_TAKING)
        return;
    keeper_enter(keeper, KEEPER_FINISHING);
    take_jobs(keeper);
}

static void on_termination(struct ev_loop *loop, ev_timer *timer, int revents)
{
    struct keeper *keeper = timer->data;

    (void)loop;
    (void)revents;
    if (keeper->runs.count > 0)
        log_notice("programs are ended server=%s running=%zu", keeper->keeping->server,
                   keeper->runs.count);
    if (keeper->holds)
        close(keeper->held.fd);
    keeper->holds = false;
    ev_timer_stop(keeper->loop, &keeper->retry);
    runs_terminate(&keeper->runs);
    order_retire(keeper, NULL);
}

static void order_terminate(struct keeper *keeper, const struct ipc_frame *frame)
{
    uint64_t after_ms;

    if (frame->size != sizeof(after_ms))
        return;
    memcpy(&after_ms, frame->payload, sizeof(after_ms));
    ev_timer_stop(keeper->loop, &keeper->termination);
    ev_timer_set(&keeper->termination, (double)after_ms / 1e3, 0.);
    ev_timer_start(keeper->loop, &keeper->termination);
}

static void order_access_reopen(struct keeper *keeper, const struct ipc_frame *frame)
{
    if (frame->fd_count == 1 && keeper->access_log != NULL)
        access_log_adopt(keeper->access_log, fcntl(frame->fds[0], F_DUPFD_CLOEXEC, 0));
}

static void (*const orders[MESSAGE_COUNT])(struct keeper *keeper, const struct ipc_frame *frame) = {
    [MESSAGE_RETIRE] = order_retire,
    [MESSAGE_FINISH] = order_finish,
    [MESSAGE_TERMINATE] = order_terminate,
    [MESSAGE_ACCESS_REOPEN] = order_access_reopen,
};

static void on_frame(struct ipc *ipc, const struct ipc_frame *frame, void *user)
{
    (void)ipc;
    if (frame->type < MESSAGE_COUNT && orders[frame->type] != NULL)
        orders[frame->type](user, frame);
    else if (!log_order(frame))
        log_warning("unexpected message=%s", message_name(frame->type));
    ipc_close_fds(frame);
}

/* Without a master nobody sends work for long; the programs go on. */
static void on_channel_close(struct ipc *ipc, int error, void *user)
{
    struct keeper *keeper = user;

    (void)error;
    log_notice("the master is gone server=%s running=%zu", keeper->keeping->server,
               keeper->runs.count);
    ipc_free(ipc);
    keeper->channel = NULL;
    order_finish(keeper, NULL);
}

static const struct ipc_events channel_events = {.on_frame = on_frame,
                                                 .on_close = on_channel_close};

/* --- Life --- */

static void watch_for_work(struct keeper *keeper)
{
    ev_io_init(&keeper->work, on_work, keeper->keeping->work_fd, EV_READ);
    ev_signal_init(&keeper->child, on_child, SIGCHLD);
    keeper->work.data = keeper->child.data = keeper;
    ev_signal_start(keeper->loop, &keeper->child);
    ev_io_start(keeper->loop, &keeper->work);
}

static void init_timers(struct keeper *keeper)
{
    ev_timer_init(&keeper->retry, on_retry, RETRY_S, RETRY_S);
    ev_timer_init(&keeper->report, on_report, REPORT_S, 0.);
    ev_timer_init(&keeper->termination, on_termination, 0., 0.);
    keeper->retry.data = keeper->report.data = keeper->termination.data = keeper;
}

static int prepare(struct keeper *keeper)
{
    struct keeping *keeping = keeper->keeping;
    int error;

    process_fill_streams();
    error = rights_drop(keeping);
    if (error < 0)
        return error;
    keeper->loop = ev_loop_new(EVBACKEND_EPOLL | EVFLAG_NOENV);
    keeper->environment = environment_new(keeping->environment);
    if (keeper->loop == NULL || keeper->environment == NULL)
        return -ENOMEM;
    keeper->channel = ipc_new(keeper->loop, keeping->channel_fd, &channel_events, keeper);
    if (keeper->channel == NULL)
        return -ENOMEM;
    allowance_init(&keeper->allowance, keeping);
    error = account_open(&keeper->access_log, keeper->loop, keeping);
    if (error < 0)
        return error;
    init_timers(keeper);
    watch_for_work(keeper);
    process_set_signals();
    return 0;
}

static void clear(struct keeper *keeper)
{
    report(keeper);
    ipc_free(keeper->channel);
    access_log_free(keeper->access_log);
    environment_free(keeper->environment);
    if (keeper->loop != NULL)
        ev_loop_destroy(keeper->loop);
    close(keeper->keeping->work_fd);
    scoreboard_free(keeper->keeping->scoreboard);
    keeping_free(keeper->keeping);
}

int keeper_run(struct keeping *keeping)
{
    struct keeper keeper = {.keeping = keeping};
    int error;

    log_set_role("keeper", 0, -1);
    title_set("keeper %s", keeping->server);
    error = prepare(&keeper);
    if (error == 0)
        ev_run(keeper.loop, 0);
    else
        log_code(LOG_LEVEL_ERROR, error, "the keeper cannot start server=%s", keeping->server);
    clear(&keeper);
    return error == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
