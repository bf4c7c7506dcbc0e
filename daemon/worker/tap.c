/* SPDX-License-Identifier: MIT
 *
 * From a socket of the library into a pipe.
 */
#include "tap.h"

#include <errno.h>
#include <ev.h>
#include <prong/address.h>
#include <prong/socket.h>
#include <prong/tap.h>
#include <prongd/service.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include "config.h"
#include "connection.h"
#include "message.h"
#include "tap_stream.h"
#include "worker_internal.h"

struct tap {
    struct tap *next;
    struct worker *worker;
    struct message_tap order;
    struct prong_socket *socket; /* while it is tapped */
    uint64_t left;               /* bytes that may still be copied */
    uint64_t dropped[2];         /* of input and output, not told yet */
    int fd;
    ev_timer limit;
    ev_io gone; /* nobody reads any more */
};

/* --- Records --- */

static uint64_t now_us(void)
{
    struct timespec now;

    clock_gettime(CLOCK_REALTIME, &now);
    return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

/* The kernel takes all of it, or nothing.  0 or -errno. */
static int put(const struct tap *tap, struct tap_record record, const void *bytes)
{
    struct iovec pieces[] = {
        {.iov_base = &record, .iov_len = sizeof(record)},
        {.iov_base = (void *)(uintptr_t)bytes, .iov_len = bytes != NULL ? (size_t)record.size : 0},
    };

    record.time_us = now_us();
    return writev(tap->fd, pieces, 2) < 0 ? -errno : 0;
}

static int put_dropped(struct tap *tap)
{
    int error = 0;

    for (unsigned i = 0; error == 0 && i < 2; i++) {
        if (tap->dropped[i] == 0)
            continue;
        error = put(
            tap, (struct tap_record){.kind = TAP_DROPPED_INPUT + i, .size = tap->dropped[i]}, NULL);
        if (error == 0)
            tap->dropped[i] = 0;
    }
    return error;
}

static int put_head(const struct tap *tap, const char *server)
{
    struct prong_address client = {0}, local = {0};
    struct tap_head head = {
        .magic = TAP_STREAM_MAGIC,
        .version = TAP_STREAM_VERSION,
        .head_size = sizeof(head),
        .connection = tap->order.connection,
        .bytes_read = prong_socket_bytes_read(tap->socket),
        .bytes_written = prong_socket_bytes_written(tap->socket),
    };

    (void)prong_socket_remote(tap->socket, &client);
    (void)prong_socket_local(tap->socket, &local);
    head.client = (struct tap_address){client.family, client.port, client.scope, {0}};
    head.local = (struct tap_address){local.family, local.port, local.scope, {0}};
    memcpy(head.client.ip, client.ip, sizeof(client.ip));
    memcpy(head.local.ip, local.ip, sizeof(local.ip));
    (void)snprintf(head.server, sizeof(head.server), "%s", server);
    return write(tap->fd, &head, sizeof(head)) < 0 ? -errno : 0;
}

/* --- The end --- */

static void tap_free(struct tap *tap)
{
    struct ev_loop *ev = tap->worker->ev;

    ev_timer_stop(ev, &tap->limit);
    ev_io_stop(ev, &tap->gone);
    close(tap->fd);
    free(tap);
}

static void finish(struct tap *tap, enum tap_reason reason)
{
    struct taps *taps = &tap->worker->taps;
    struct tap **link = &taps->first;

    while (*link != tap)
        link = &(*link)->next;
    *link = tap->next;
    taps->count--;
    (void)prong_socket_set_tap(tap->socket, NULL, NULL);
    if (put_dropped(tap) == 0)
        (void)put(tap, (struct tap_record){.kind = TAP_END, .reason = reason}, NULL);
    tap_free(tap);
}

void tap_stop_all(struct taps *taps)
{
    while (taps->first != NULL)
        finish(taps->first, TAP_WORKER);
}

static void on_limit(struct ev_loop *ev, ev_timer *timer, int revents)
{
    (void)ev;
    (void)revents;
    finish(timer->data, TAP_TIME);
}

static void on_gone(struct ev_loop *ev, ev_io *io, int revents)
{
    (void)ev;
    (void)revents;
    finish(io->data, TAP_WORKER);
}

/* --- What the socket tells --- */

/* As much as may still be copied, in records.  The tap may be gone after it. */
static void copy(struct tap *tap, unsigned output, const void *bytes, size_t size)
{
    const uint8_t *next = bytes;

    if (size > tap->left)
        size = (size_t)tap->left;
    tap->left -= size;
    while (size > 0) {
        size_t part = size < TAP_DATA_MAX ? size : TAP_DATA_MAX;
        int error = put_dropped(tap);

        if (error == 0)
            error = put(tap, (struct tap_record){.kind = TAP_INPUT + output, .size = part}, next);
        if (error < 0)
            tap->dropped[output] += part;
        next += part;
        size -= part;
    }
    if (tap->left == 0)
        finish(tap, TAP_BYTES);
}

static void on_input(struct prong_socket *socket, const void *bytes, size_t size, void *user)
{
    (void)socket;
    copy(user, 0, bytes, size);
}

static void on_output(struct prong_socket *socket, const void *bytes, size_t size, void *user)
{
    (void)socket;
    copy(user, 1, bytes, size);
}

static void tell_unseen(struct tap *tap, uint32_t kind, size_t size)
{
    if (put_dropped(tap) < 0 || put(tap, (struct tap_record){.kind = kind, .size = size}, NULL) < 0)
        tap->dropped[kind - TAP_UNSEEN_INPUT] += size;
}

static void on_unseen_input(struct prong_socket *socket, size_t size, void *user)
{
    (void)socket;
    tell_unseen(user, TAP_UNSEEN_INPUT, size);
}

static void on_unseen_output(struct prong_socket *socket, size_t size, void *user)
{
    (void)socket;
    tell_unseen(user, TAP_UNSEEN_OUTPUT, size);
}

static void on_end(struct prong_socket *socket, bool moved, void *user)
{
    (void)socket;
    finish(user, moved ? TAP_MOVED : TAP_CLOSED);
}

static const struct prong_tap events = {
    .on_input = on_input,
    .on_output = on_output,
    .on_unseen_input = on_unseen_input,
    .on_unseen_output = on_unseen_output,
    .on_end = on_end,
};

/* --- The beginning --- */

static void answer(const struct tap *tap, int error)
{
    size_t found = tap->socket != NULL && error == 0 ? 1 : 0;
    struct message_told *told = calloc(1, sizeof(*told) + sizeof(told->ids[0]));

    if (told == NULL)
        return;
    told->ticket = tap->order.ticket;
    told->error = error;
    told->ids[0] = tap->order.connection;
    if (tap->worker->channel != NULL)
        (void)ipc_send(tap->worker->channel, MESSAGE_TOLD, told,
                       sizeof(*told) + found * sizeof(told->ids[0]), NULL, 0);
    free(told);
}

static int begin(struct tap *tap, const char *server)
{
    struct taps *taps = &tap->worker->taps;
    int error;

    if (taps->count >= TAPS_MAX || prong_socket_is_tapped(tap->socket))
        return -EBUSY;
    error = put_head(tap, server);
    if (error == 0)
        error = prong_socket_set_tap(tap->socket, &events, tap);
    if (error < 0)
        return error;
    tap->next = taps->first;
    taps->first = tap;
    taps->count++;
    ev_timer_start(tap->worker->ev, &tap->limit);
    ev_io_start(tap->worker->ev, &tap->gone);
    prongd_log(tap->socket, PRONGD_LOG_NOTICE, "client tapped by the operator");
    return 0;
}

/* One that is refused, or not here yet, is no connection of ours. */
static bool visit(struct prong_socket *socket, size_t server, void *user)
{
    const struct connection *connection = connection_of(socket);
    struct tap *tap = user;

    (void)server;
    if (connection->id != tap->order.connection ||
        (connection->state != CONNECTION_SERVING && connection->state != CONNECTION_DRAINING))
        return true;
    tap->socket = socket;
    return false;
}

/* The socket that was found lives: the walk ends in the same turn of the loop. */
static void on_walked(bool is_whole, void *user)
{
    struct tap *tap = user;
    int error = 0;

    if (tap->socket == NULL && !is_whole)
        error = -ECANCELED;
    if (tap->socket != NULL)
        error = begin(tap, prongd_service_name(prongd_service(tap->socket)));
    answer(tap, error);
    if (tap->socket == NULL || error < 0)
        tap_free(tap);
}

static const struct walk_events walk = {.visit = visit, .on_end = on_walked};

void tap_start(struct worker *worker, const struct message_tap *order, int fd)
{
    struct tap *tap = calloc(1, sizeof(*tap));

    if (tap == NULL) {
        close(fd);
        return; /* the master waits for a bounded time */
    }
    tap->worker = worker;
    tap->order = *order;
    tap->left = order->bytes;
    tap->fd = fd;
    ev_timer_init(&tap->limit, on_limit, (double)order->milliseconds / 1e3, 0.);
    ev_io_init(&tap->gone, on_gone, fd, EV_READ);
    tap->limit.data = tap;
    tap->gone.data = tap;
    if (walk_start(&worker->walks, &walk, tap) == 0)
        return;
    answer(tap, -ENOMEM);
    tap_free(tap);
}
