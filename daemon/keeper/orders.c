/* SPDX-License-Identifier: MIT
 *
 * What the master orders, one function for each message.
 */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "access_log.h"
#include "keeper_internal.h"
#include "keeping.h"
#include "listing.h"
#include "log.h"
#include "log_order.h"
#include "message.h"
#include "run.h"

static void order_retire(struct keeper *keeper, const struct ipc_frame *frame)
{
    (void)frame;
    if (keeper->state != KEEPER_ENDING)
        keeper_enter(keeper, KEEPER_ENDING);
    keeper_conclude(keeper);
}

static void order_finish(struct keeper *keeper, const struct ipc_frame *frame)
{
    (void)frame;
    if (keeper->state != KEEPER_TAKING)
        return;
    keeper_enter(keeper, KEEPER_FINISHING);
    jobs_take(keeper);
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
        (void)jobs_drop_held(keeper, keeper->held.connection, ACCESS_END_SHUTDOWN);
    runs_terminate(&keeper->runs, ACCESS_END_SHUTDOWN);
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
    int fd = -1;

    if (frame->fd_count == 1 && keeper->access_log != NULL)
        fd = fcntl(frame->fds[0], F_DUPFD_CLOEXEC, 0);
    if (fd >= 0)
        access_log_adopt(keeper->access_log, fd);
    else if (keeper->access_log != NULL)
        log_error("no descriptor is left for the access log server=%s", keeper->keeping->server);
}

static void order_report(struct keeper *keeper, const struct ipc_frame *frame)
{
    (void)frame;
    keeper_report(keeper);
}

/* --- Questions of prongctl --- */

static void order_roster(struct keeper *keeper, const struct ipc_frame *frame)
{
    struct message_ask ask;

    if (frame->size != sizeof(ask))
        return;
    memcpy(&ask, frame->payload, sizeof(ask));
    listing_start(keeper, ask.ticket);
}

/* False: it has no program here, nor does it wait for one. */
static bool close_connection(struct keeper *keeper, uint64_t connection)
{
    struct run *run = runs_find_connection(&keeper->runs, connection);

    if (run == NULL)
        return jobs_drop_held(keeper, connection, ACCESS_END_OPERATOR);
    log_notice("program ended by the operator server=%s pid=%d connection=%llu",
               keeper->keeping->server, (int)run->pid, (unsigned long long)connection);
    run_terminate(run, ACCESS_END_OPERATOR);
    return true;
}

static void close_connections(struct keeper *keeper, const struct message_ask *ask, size_t count)
{
    const size_t size = sizeof(struct message_told) + count * sizeof(ask->ids[0]);
    struct message_told *told = calloc(1, size);
    size_t found = 0;

    if (told == NULL)
        return;
    told->ticket = ask->ticket;
    for (size_t i = 0; i < count; i++) {
        if (close_connection(keeper, ask->ids[i]))
            told->ids[found++] = ask->ids[i];
    }
    keeper_tell(keeper, told, sizeof(*told) + found * sizeof(told->ids[0]), -1);
    free(told);
}

static void order_close(struct keeper *keeper, const struct ipc_frame *frame)
{
    const struct message_ask *ask = frame->payload;

    if (frame->size >= sizeof(*ask))
        close_connections(keeper, ask, (frame->size - sizeof(*ask)) / sizeof(ask->ids[0]));
    keeper_conclude(keeper);
}

/* --- The channel --- */

static void (*const orders[MESSAGE_COUNT])(struct keeper *keeper, const struct ipc_frame *frame) = {
    [MESSAGE_RETIRE] = order_retire,       [MESSAGE_FINISH] = order_finish,
    [MESSAGE_TERMINATE] = order_terminate, [MESSAGE_ACCESS_REOPEN] = order_access_reopen,
    [MESSAGE_REPORT] = order_report,       [MESSAGE_ROSTER] = order_roster,
    [MESSAGE_CLOSE] = order_close,
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

const struct ipc_events keeper_channel_events = {.on_frame = on_frame,
                                                 .on_close = on_channel_close};

void orders_init(struct keeper *keeper)
{
    ev_timer_init(&keeper->termination, on_termination, 0., 0.);
    keeper->termination.data = keeper;
}
