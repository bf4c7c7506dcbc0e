/* SPDX-License-Identifier: MIT
 *
 * A channel of frames on a libev loop: watchers and the queue of what the kernel did not take.
 */
#include "ipc.h"

#include <errno.h>
#include <ev.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/socket.h>
#include <unistd.h>

#include "ipc_wire.h"

/* So many frames are taken in one turn of the loop, then others have theirs. */
#define FRAMES_PER_TURN 16

/* How long to wait where the kernel gives no sign: memory is short, or the user has too many
 * descriptors in flight (unix(7), ETOOMANYREFS). */
#define RETRY_SECONDS 0.01

/* A frame that waits, in one piece of memory with its payload. */
struct waiting {
    STAILQ_ENTRY(waiting) link;
    struct ipc_frame frame;
    int fds[IPC_MAX_FDS]; /* duplicates, ours */
    char payload[];
};

STAILQ_HEAD(waiting_list, waiting);

struct ipc {
    struct ev_loop *loop;
    const struct ipc_events *events;
    void *user;
    int fd;
    ev_io reader;
    ev_io writer;
    ev_timer retry;
    struct waiting_list queue;
    size_t queued;
    unsigned holds; /* callbacks that run; the memory stays until they are back */
    bool is_closed; /* on_close was called */
    bool is_freed;
};

static void waiting_free(struct waiting *waiting)
{
    for (size_t i = 0; i < waiting->frame.fd_count; i++)
        (void)close(waiting->fds[i]);
    free(waiting);
}

static int duplicate_fds(struct waiting *waiting, const int *fds, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        waiting->fds[i] = fcntl(fds[i], F_DUPFD_CLOEXEC, 0);
        if (waiting->fds[i] < 0)
            return -errno;
        waiting->frame.fd_count++;
    }
    return 0;
}

static int enqueue(struct ipc *ipc, const struct ipc_frame *frame)
{
    struct waiting *waiting = malloc(sizeof(*waiting) + frame->size);
    int error;

    if (waiting == NULL)
        return -ENOMEM;
    waiting->frame = *frame;
    waiting->frame.payload = waiting->payload;
    waiting->frame.fds = waiting->fds;
    waiting->frame.fd_count = 0;
    if (frame->size > 0)
        memcpy(waiting->payload, frame->payload, frame->size);
    error = duplicate_fds(waiting, frame->fds, frame->fd_count);
    if (error < 0) {
        waiting_free(waiting);
        return error;
    }
    STAILQ_INSERT_TAIL(&ipc->queue, waiting, link);
    ipc->queued++;
    return 0;
}

static void dequeue(struct ipc *ipc)
{
    struct waiting *waiting = STAILQ_FIRST(&ipc->queue);

    STAILQ_REMOVE_HEAD(&ipc->queue, link);
    ipc->queued--;
    waiting_free(waiting);
}

static void stop_sending(struct ipc *ipc)
{
    ev_io_stop(ipc->loop, &ipc->writer);
    ev_timer_stop(ipc->loop, &ipc->retry);
    while (!STAILQ_EMPTY(&ipc->queue))
        dequeue(ipc);
}

static void ipc_hold(struct ipc *ipc)
{
    ipc->holds++;
}

static void ipc_release(struct ipc *ipc)
{
    if (--ipc->holds == 0 && ipc->is_freed)
        free(ipc);
}

static void fail(struct ipc *ipc, int error)
{
    ev_io_stop(ipc->loop, &ipc->reader);
    stop_sending(ipc);
    ipc->is_closed = true;
    ipc->events->on_close(ipc, error, ipc->user);
}

/* Takes one frame.  False: there is nothing more to take. */
static bool receive_one(struct ipc *ipc)
{
    struct ipc_frame frame;
    int result = ipc_wire_receive(ipc->fd, &frame);

    if (result == -EAGAIN)
        return false;
    if (result <= 0) {
        fail(ipc, result);
        return false;
    }
    ipc->events->on_frame(ipc, &frame, ipc->user);
    return !ipc->is_freed;
}

static void on_readable(struct ev_loop *loop, ev_io *watcher, int events)
{
    struct ipc *ipc = watcher->data;
    unsigned left = FRAMES_PER_TURN;

    (void)loop;
    (void)events;
    ipc_hold(ipc);
    while (left > 0 && receive_one(ipc))
        left--;
    ipc_release(ipc);
}

void ipc_read_rest(struct ipc *ipc)
{
    ipc_hold(ipc);
    while (!ipc->is_closed && receive_one(ipc)) {
    }
    ipc_release(ipc);
}

static bool is_temporary(int error)
{
    return error == -EAGAIN || error == -ETOOMANYREFS || error == -ENOBUFS || error == -ENOMEM;
}

/* Waits for what the error asks for: room in the socket, or better times. */
static void wait_to_send(struct ipc *ipc, int error)
{
    if (error == -EAGAIN) {
        ev_timer_stop(ipc->loop, &ipc->retry);
        ev_io_start(ipc->loop, &ipc->writer);
    } else {
        ev_io_stop(ipc->loop, &ipc->writer);
        ev_timer_set(&ipc->retry, RETRY_SECONDS, 0.);
        ev_timer_start(ipc->loop, &ipc->retry);
    }
}

/* When the other side is gone, the reader gets what it had sent and then tells of the end. */
static void flush(struct ipc *ipc)
{
    int error = 0;

    while (error == 0 && !STAILQ_EMPTY(&ipc->queue)) {
        error = ipc_wire_send(ipc->fd, &STAILQ_FIRST(&ipc->queue)->frame);
        if (error == 0)
            dequeue(ipc);
    }
    if (error == 0 || error == -EPIPE)
        stop_sending(ipc);
    else if (is_temporary(error))
        wait_to_send(ipc, error);
    else
        fail(ipc, error);
}

static void flush_held(struct ipc *ipc)
{
    ipc_hold(ipc);
    flush(ipc);
    ipc_release(ipc);
}

static void on_writable(struct ev_loop *loop, ev_io *watcher, int events)
{
    (void)loop;
    (void)events;
    flush_held(watcher->data);
}

static void on_retry(struct ev_loop *loop, ev_timer *timer, int events)
{
    (void)loop;
    (void)events;
    flush_held(timer->data);
}

int ipc_pair(int fds[2])
{
    int size = 2 * IPC_MAX_PAYLOAD;

    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds) < 0)
        return -errno;
    /* A frame larger than the send buffer is refused; the default may be smaller than ours. */
    for (size_t i = 0; i < 2; i++)
        (void)setsockopt(fds[i], SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
    return 0;
}

struct ipc *ipc_new(struct ev_loop *loop, int fd, const struct ipc_events *events, void *user)
{
    struct ipc *ipc = calloc(1, sizeof(*ipc));

    if (ipc == NULL) {
        (void)close(fd);
        errno = ENOMEM;
        return NULL;
    }
    ipc->loop = loop;
    ipc->events = events;
    ipc->user = user;
    ipc->fd = fd;
    STAILQ_INIT(&ipc->queue);
    ev_io_init(&ipc->reader, on_readable, fd, EV_READ);
    ev_io_init(&ipc->writer, on_writable, fd, EV_WRITE);
    ev_timer_init(&ipc->retry, on_retry, RETRY_SECONDS, 0.);
    ipc->reader.data = ipc->writer.data = ipc->retry.data = ipc;
    ev_io_start(loop, &ipc->reader);
    return ipc;
}

static int send_or_enqueue(struct ipc *ipc, const struct ipc_frame *frame)
{
    int error;
    int result;

    if (!STAILQ_EMPTY(&ipc->queue)) {
        result = enqueue(ipc, frame);
        return result < 0 ? result : 1;
    }
    error = ipc_wire_send(ipc->fd, frame);
    if (!is_temporary(error))
        return error;
    result = enqueue(ipc, frame);
    if (result < 0)
        return result;
    wait_to_send(ipc, error);
    return 1;
}

int ipc_send(struct ipc *ipc, unsigned type, const void *payload, size_t size, const int *fds,
             size_t fd_count)
{
    struct ipc_frame frame = {
        .type = type, .payload = payload, .size = size, .fds = fds, .fd_count = fd_count};

    if (size > IPC_MAX_PAYLOAD || fd_count > IPC_MAX_FDS)
        return -EMSGSIZE;
    if (ipc->is_closed || ipc->is_freed)
        return -EPIPE;
    return send_or_enqueue(ipc, &frame);
}

size_t ipc_queued(const struct ipc *ipc)
{
    return ipc->queued;
}

int ipc_fd(const struct ipc *ipc)
{
    return ipc->fd;
}

void ipc_free(struct ipc *ipc)
{
    if (ipc == NULL)
        return;
    ev_io_stop(ipc->loop, &ipc->reader);
    stop_sending(ipc);
    (void)close(ipc->fd);
    ipc->is_freed = true;
    ipc_hold(ipc);
    ipc_release(ipc);
}
