/* SPDX-License-Identifier: MIT
 *
 * Bytes that leave: writing, corking, ending.
 *
 * Measured: what costs is the number of system calls.  So answers are written at once, and
 * EV_WRITE is for what the kernel refused only.
 */
#include <prong/socket.h>

#include "hangup.h"
#include "server_internal.h"
#include "socket_internal.h"
#include "tap_internal.h"
#include "write_queue.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/socket.h>

/* The bytes of one call, and whether they stay where they are. */
struct output {
    const struct iovec *pieces;
    int count;
    bool borrowed; /* one piece */
};

/* --- Writing --- */

static bool is_transient(ssize_t error)
{
    return error == -EAGAIN || error == -EWOULDBLOCK || error == -EINTR;
}

/* 0, or why nothing can be written.  All but the last are errors of the connection, too: Node
 * closes it (R47, R81, R82); writing after destroy is only refused (R83). */
static int refusal(struct prong_socket *socket)
{
    int code = 0;

    switch ((enum prong_socket_state)socket->state) {
    case PRONG_SOCKET_OPEN:
    case PRONG_SOCKET_CONNECTING:
        code = socket->end_wanted ? PRONG_EENDED : 0;
        break;
    case PRONG_SOCKET_NEW:
        code = -ENOTCONN;
        break;
    case PRONG_SOCKET_ENDING: /* by us, or because the peer did */
        code = socket->end_wanted ? PRONG_EENDED : -EPIPE;
        break;
    case PRONG_SOCKET_CLOSING:
    case PRONG_SOCKET_CLOSED:
        return PRONG_EDESTROYED;
    }
    if (code < 0)
        socket_fail(socket, code, CALL_NONE);
    return code;
}

void output_count(struct prong_socket *socket, size_t size)
{
    socket->bytes_written += size;
    if (socket->server != NULL)
        socket->server->counters.bytes_written += size;
    socket_touch(socket);
}

uint64_t output_position(const struct prong_socket *socket)
{
    return socket->bytes_written + write_queue_bytes(socket->queue);
}

/* Bytes that the kernel took, or -errno. */
static ssize_t send_pieces(int fd, const struct iovec *pieces, int count)
{
    struct msghdr message = {.msg_iov = (struct iovec *)(uintptr_t)pieces,
                             .msg_iovlen = (size_t)count};
    ssize_t sent;

    if (count == 1)
        sent = send(fd, pieces[0].iov_base, pieces[0].iov_len, MSG_NOSIGNAL);
    else
        sent = sendmsg(fd, &message, MSG_NOSIGNAL);
    return sent < 0 ? -errno : sent;
}

bool output_can_write_through(const struct prong_socket *socket)
{
    return socket->state == PRONG_SOCKET_OPEN && socket->queue == NULL && socket->corked == 0 &&
           socket->started && !socket->due_connect;
}

/* Bytes that the kernel took now, or a negative code: the socket closes. */
static ssize_t write_through(struct prong_socket *socket, const struct output *output)
{
    ssize_t sent = send_pieces(socket->io.fd, output->pieces, output->count);

    if (sent < 0 && !is_transient(sent)) {
        socket_fail(socket, (int)sent, CALL_WRITE);
        return sent;
    }
    if (sent < 0)
        sent = 0;
    output_count(socket, (size_t)sent);
    if (socket->tapped)
        tap_output(socket, output->pieces, (size_t)sent);
    return sent;
}

size_t prong_socket_queue_room(const struct prong_socket *socket)
{
    size_t most = socket->server != NULL ? socket->server->options.max_queue_bytes : 0;
    size_t queued = write_queue_bytes(socket->queue);

    if (most == 0)
        return SIZE_MAX;
    return queued < most ? most - queued : 0;
}

/* Few do: it stands where it costs nobody else, and without memory it is not told. */
static void note_writing_on(struct prong_socket *socket)
{
    struct socket_rare *rare = socket->need_drain ? socket_rare(socket) : NULL;

    if (rare != NULL)
        rare->wrote_on = true;
}

/* Of `total` bytes the kernel took `sent`. */
static int enqueue(struct prong_socket *socket, const struct output *output, size_t total,
                   size_t sent)
{
    const struct iovec *first = output->pieces;
    int error;

    if (total - sent > prong_socket_queue_room(socket)) {
        (void)socket_will_reset(socket); /* the peer must not take what it has for all */
        socket_fail(socket, -ENOBUFS, CALL_WRITE);
        return -ENOBUFS;
    }
    if (output->borrowed)
        error = write_queue_borrow(&socket->queue, (const uint8_t *)first->iov_base + sent,
                                   first->iov_len - sent);
    else
        error = write_queue_add(&socket->queue, output->pieces, output->count, sent);
    if (error < 0) {
        /* A stream with a hole in it would be worse than a closed one. */
        if (sent > 0)
            socket_fail(socket, -ENOMEM, CALL_WRITE);
        return -ENOMEM;
    }
    socket_queue_more(socket, total - sent);
    note_writing_on(socket);
    socket_update_watchers(socket);
    if (write_queue_bytes(socket->queue) < socket->high_water_mark)
        return 0;
    socket->need_drain = true;
    return 1;
}

static int put(struct prong_socket *socket, const struct output *output)
{
    int code = refusal(socket);
    size_t total = 0;
    ssize_t sent = 0;

    if (code < 0)
        return code;
    for (int i = 0; i < output->count; i++)
        total += output->pieces[i].iov_len;
    if (total == 0)
        return 0;
    if (output_can_write_through(socket))
        sent = write_through(socket, output);
    if (sent < 0)
        return (int)sent;
    return (size_t)sent == total ? 0 : enqueue(socket, output, total, (size_t)sent);
}

int prong_socket_writev(struct prong_socket *socket, const struct iovec *pieces, int count)
{
    struct output output = {.pieces = pieces, .count = count};

    if (count < 0 || count > IOV_MAX)
        return -EINVAL;
    return put(socket, &output);
}

int prong_socket_write(struct prong_socket *socket, const void *bytes, size_t size)
{
    struct iovec piece = {.iov_base = (void *)(uintptr_t)bytes, .iov_len = size};
    struct output output = {.pieces = &piece, .count = 1};

    return put(socket, &output);
}

/* --- Writing, and being told --- */

static bool has_due_written(const struct prong_socket *socket)
{
    return socket->rare != NULL && written_is_due(&socket->rare->written, socket->bytes_written);
}

/* What can fail for want of memory comes first: after a write somebody must be told. */
static int put_then(struct prong_socket *socket, const struct output *output,
                    prong_on_written *on_written, void *user)
{
    struct socket_rare *rare = on_written != NULL ? socket_rare(socket) : NULL;
    struct written *written = rare != NULL ? malloc(sizeof(*written)) : NULL;
    int result;

    if (on_written == NULL)
        return put(socket, output);
    if (written == NULL)
        return -ENOMEM;
    result = put(socket, output);
    if (result < 0) {
        free(written);
        return result;
    }
    *written = (struct written){
        .position = output_position(socket), .on_written = on_written, .user = user};
    written_append(&rare->written, written);
    if (socket_is_connected(socket) && has_due_written(socket))
        socket_defer(socket);
    return result;
}

int prong_socket_write_then(struct prong_socket *socket, const void *bytes, size_t size,
                            prong_on_written *on_written, void *user)
{
    struct iovec piece = {.iov_base = (void *)(uintptr_t)bytes, .iov_len = size};
    struct output output = {.pieces = &piece, .count = 1};

    return put_then(socket, &output, on_written, user);
}

int prong_socket_write_borrowed(struct prong_socket *socket, const void *bytes, size_t size,
                                prong_on_written *on_written, void *user)
{
    struct iovec piece = {.iov_base = (void *)(uintptr_t)bytes, .iov_len = size};
    struct output output = {.pieces = &piece, .count = 1, .borrowed = true};

    return put_then(socket, &output, on_written, user);
}

/* --- Flushing --- */

/* Bytes of the queue that the kernel took, or -errno. */
static ssize_t send_queue(struct prong_socket *socket)
{
    struct iovec pieces[WRITE_QUEUE_PIECES];
    int count = write_queue_pieces(socket->queue, pieces);
    ssize_t sent = send_pieces(socket->io.fd, pieces, count);

    if (sent < 0)
        return sent;
    if (socket->tapped)
        tap_output(socket, pieces, (size_t)sent);
    write_queue_drop(&socket->queue, (size_t)sent);
    return sent;
}

void output_flush(struct prong_socket *socket)
{
    ssize_t sent;

    if (socket->queue == NULL || socket->corked > 0)
        return;
    sent = send_queue(socket);
    if (sent < 0) {
        if (!is_transient(sent))
            socket_fail(socket, (int)sent, CALL_WRITE);
        return;
    }
    socket_queue_less(socket, (size_t)sent);
    output_count(socket, (size_t)sent);
    if (socket->queue != NULL || !socket->need_drain)
        return;
    if (socket->rare != NULL)
        socket->rare->wrote_on = false;
    socket->need_drain = false;
    socket->due_drain = socket->state == PRONG_SOCKET_OPEN; /* not after end() (R75) */
}

void prong_socket_cork(struct prong_socket *socket)
{
    if (socket->corked < CORKED_MAX)
        socket->corked++;
    socket_update_watchers(socket);
}

/* A cork is gone: what was held back leaves now, and what became due is told later. */
static void flush_soon(struct prong_socket *socket)
{
    if (!socket_is_connected(socket) || !socket->started || socket->due_connect)
        return;
    output_flush(socket);
    if (!socket_is_connected(socket))
        return;
    if (socket->due_drain || has_due_written(socket))
        socket_defer(socket);
    socket_update_watchers(socket);
}

void prong_socket_uncork(struct prong_socket *socket)
{
    if (socket->corked > 0 && --socket->corked == 0)
        flush_soon(socket);
}

/* --- Ending --- */

void output_end(struct prong_socket *socket)
{
    socket_enter(socket, PRONG_SOCKET_ENDING);
    socket->corked = 0;
    socket->wants_writable = false;
}

int prong_socket_end(struct prong_socket *socket)
{
    switch ((enum prong_socket_state)socket->state) {
    case PRONG_SOCKET_NEW:
        prong_socket_destroy(socket, 0);
        return 0;
    case PRONG_SOCKET_CONNECTING:
        socket->end_wanted = true;
        return 0;
    case PRONG_SOCKET_OPEN:
        break;
    case PRONG_SOCKET_ENDING:
        return 0;
    case PRONG_SOCKET_CLOSING:
    case PRONG_SOCKET_CLOSED:
        return PRONG_EDESTROYED;
    }
    socket->end_wanted = true;
    if (socket->due_connect)
        return 0; /* that comes first */
    output_end(socket);
    flush_soon(socket);
    if (socket_is_connected(socket) && socket->started)
        socket_defer(socket);
    return 0;
}

void prong_socket_destroy_soon(struct prong_socket *socket)
{
    if (socket->state >= PRONG_SOCKET_CLOSING)
        return;
    socket->destroy_soon = true;
    prong_socket_end(socket);
    if (socket_is_connected(socket))
        socket_defer(socket);
}

void output_finish(struct prong_socket *socket)
{
    if (socket->finished || socket->queue != NULL)
        return;
    /* When the peer has ended, too, close() follows at once and sends the FIN. */
    if ((!socket->end_delivered || socket->stays) && shutdown(socket->io.fd, SHUT_WR) < 0 &&
        errno != ENOTCONN) {
        socket_fail(socket, -errno, CALL_SHUTDOWN);
        return;
    }
    socket->finished = true;
    socket->due_finish = true;
    if (!server_lingers(socket))
        return;
    hangup_forget(socket); /* the end is read, not watched for */
    socket->paused = false;
}
