/* SPDX-License-Identifier: MIT
 *
 * What the master orders, one function for each message.
 */
#include <errno.h>
#include <fcntl.h>
#include <prongd/handler.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include "accepting.h"
#include "access.h"
#include "closing.h"
#include "config.h"
#include "exchange.h"
#include "log.h"
#include "log_order.h"
#include "message.h"
#include "roster_writer.h"
#include "service.h"
#include "tap.h"
#include "worker_internal.h"

static void order_drain(struct worker *worker, const struct ipc_frame *frame)
{
    (void)frame;
    worker_drain(worker);
}

static void order_leave(struct worker *worker, const struct ipc_frame *frame)
{
    (void)frame;
    worker_leave(worker);
}

static void order_give(struct worker *worker, const struct ipc_frame *frame)
{
    struct message_give give;

    if (frame->size != sizeof(give) || worker->state != WORKER_SERVING)
        return;
    memcpy(&give, frame->payload, sizeof(give));
    exchange_give_some(worker->exchange, give.count, give.spares != 0);
}

static void add_peer(struct worker *worker, const struct ipc_frame *frame,
                     int (*add)(struct exchange *exchange, int fd, const struct message_peer *peer,
                                size_t size))
{
    int fd = -1, error;

    if (worker->state >= WORKER_DRAINING)
        return;
    if (frame->fd_count == 1)
        fd = fcntl(frame->fds[0], F_DUPFD_CLOEXEC, 0);
    error = fd < 0 ? -EMFILE : add(worker->exchange, fd, frame->payload, frame->size);
    if (error < 0)
        log_code(LOG_LEVEL_ERROR, error, "channel to another worker failed");
}

static void order_peer_give(struct worker *worker, const struct ipc_frame *frame)
{
    add_peer(worker, frame, exchange_add_giver);
}

static void order_peer_take(struct worker *worker, const struct ipc_frame *frame)
{
    add_peer(worker, frame, exchange_add_taker);
}

static void order_accept(struct worker *worker, const struct ipc_frame *frame)
{
    (void)frame;
    if (worker->state != WORKER_SERVING)
        return;
    for (size_t i = 0; i < worker->service_count; i++)
        accepting_begin(&worker->services[i]);
}

static void order_stop(struct worker *worker, const struct ipc_frame *frame)
{
    (void)frame;
    worker_stop(worker);
}

static void order_close_handle(struct worker *worker, const struct ipc_frame *frame)
{
    uint64_t inode;

    if (frame->size != sizeof(inode))
        return;
    memcpy(&inode, frame->payload, sizeof(inode));
    for (size_t i = 0; i < worker->service_count; i++)
        accepting_close_handle(&worker->services[i], inode);
}

static void order_access_reopen(struct worker *worker, const struct ipc_frame *frame)
{
    uint32_t server;

    if (frame->fd_count != 1 || frame->size != sizeof(server))
        return;
    memcpy(&server, frame->payload, sizeof(server));
    if (server < worker->service_count)
        access_reopen(&worker->services[server], fcntl(frame->fds[0], F_DUPFD_CLOEXEC, 0));
}

static void order_roster(struct worker *worker, const struct ipc_frame *frame)
{
    struct message_ask ask;

    if (frame->size != sizeof(ask))
        return;
    memcpy(&ask, frame->payload, sizeof(ask));
    roster_writer_start(worker, ask.ticket);
}

static void order_close(struct worker *worker, const struct ipc_frame *frame)
{
    const struct message_ask *ask = frame->payload;

    if (frame->size >= sizeof(*ask))
        closing_start(worker, ask, (frame->size - sizeof(*ask)) / sizeof(ask->ids[0]));
}

static void order_tap(struct worker *worker, const struct ipc_frame *frame)
{
    struct message_tap tap;
    int fd;

    if (frame->size != sizeof(tap) || frame->fd_count != 1)
        return;
    memcpy(&tap, frame->payload, sizeof(tap));
    fd = fcntl(frame->fds[0], F_DUPFD_CLOEXEC, 0);
    if (fd >= 0)
        tap_start(worker, &tap, fd);
}

static struct service *find_service(const struct worker *worker, const char *name)
{
    for (size_t i = 0; i < worker->service_count; i++) {
        if (strcmp(worker->services[i].config->name, name) == 0)
            return &worker->services[i];
    }
    return NULL;
}

/* 0 or a negative code.  Another generation may not have the server. */
static int drain(const struct worker *worker, const char *server, const char *item, bool drained)
{
    struct service *service = find_service(worker, server);

    if (service == NULL)
        return -ENOENT;
    if (*item == '\0') {
        service->is_drained = drained;
        return 0;
    }
    if (service->handler->drain == NULL)
        return -ENOTSUP;
    return service->handler->drain((struct prongd_service *)service, item, drained);
}

static void order_drain_server(struct worker *worker, const struct ipc_frame *frame)
{
    const struct message_drain *order = frame->payload;
    struct message_told told = {0};
    size_t length;

    if (frame->size <= sizeof(*order) || ((const char *)frame->payload)[frame->size - 1] != '\0')
        return;
    length = strlen(order->names);
    if (sizeof(*order) + length + 1 >= frame->size)
        return;
    told.ticket = order->ticket;
    told.error = drain(worker, order->names, order->names + length + 1, order->drained != 0);
    if (order->ticket != 0)
        (void)ipc_send(worker->channel, MESSAGE_TOLD, &told, sizeof(told), NULL, 0);
}

static void (*const orders[MESSAGE_COUNT])(struct worker *worker, const struct ipc_frame *frame) = {
    [MESSAGE_ACCEPT] = order_accept,
    [MESSAGE_STOP] = order_stop,
    [MESSAGE_DRAIN] = order_drain,
    [MESSAGE_LEAVE] = order_leave,
    [MESSAGE_GIVE] = order_give,
    [MESSAGE_PEER_GIVE] = order_peer_give,
    [MESSAGE_PEER_TAKE] = order_peer_take,
    [MESSAGE_CLOSE_HANDLE] = order_close_handle,
    [MESSAGE_ACCESS_REOPEN] = order_access_reopen,
    [MESSAGE_ROSTER] = order_roster,
    [MESSAGE_CLOSE] = order_close,
    [MESSAGE_DRAIN_SERVER] = order_drain_server,
    [MESSAGE_TAP] = order_tap,
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

/* Without a master nobody would ever end this process, and it would keep the port. */
static void on_channel_close(struct ipc *ipc, int error, void *user)
{
    struct worker *worker = user;

    if (error < 0)
        log_code(LOG_LEVEL_ERROR, error, "channel to the master failed");
    else
        log_notice("the master is gone");
    ipc_free(ipc);
    worker->channel = NULL;
    worker_stop(worker);
}

const struct ipc_events worker_channel_events = {
    .on_frame = on_frame,
    .on_close = on_channel_close,
};
