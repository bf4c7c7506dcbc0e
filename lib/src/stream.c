/* SPDX-License-Identifier: MIT
 *
 * Bytes: reading, writing, ending.
 *
 * Measured: what costs is the number of system calls.  So one read for one readiness into the
 * loop's shared buffer, answers written at once, and EV_WRITE only for what the kernel refused.
 */
#include <prong/socket.h>

#include "server_internal.h"
#include "socket_internal.h"
#include "write_queue.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static bool is_transient(int error)
{
    return error == -EAGAIN || error == -EWOULDBLOCK || error == -EINTR;
}

/* --- Reading --- */

/* Lays bytes that were given back right before what was read, so that both are one piece. */
static uint8_t *prepend_unread(struct prong_socket *socket, uint8_t *bytes, size_t *size)
{
    struct socket_rare *rare = socket->rare;

    if (rare == NULL || rare->unread == NULL)
        return bytes;
    bytes -= rare->unread_size;
    *size += rare->unread_size;
    memcpy(bytes, rare->unread, rare->unread_size);
    free(rare->unread);
    rare->unread = NULL;
    rare->unread_size = 0;
    socket->due_unread = false;
    return bytes;
}

static void emit_data(struct prong_socket *socket, uint8_t *bytes, size_t size)
{
    bytes = prepend_unread(socket, bytes, &size);
    if (socket->events->on_data != NULL)
        socket->events->on_data(socket, bytes, size);
}

void stream_read(struct prong_socket *socket)
{
    uint8_t *buffer = loop_read_buffer(loop_of(socket));
    ssize_t size = read(socket->io.fd, buffer, PRONG_READ_SIZE);

    if (size > 0) {
        socket->bytes_read += (uint64_t)size;
        if (socket->server != NULL)
            socket->server->counters.bytes_read += (uint64_t)size;
        socket_touch(socket);
        emit_data(socket, buffer, (size_t)size);
    } else if (size == 0) {
        socket->peer_ended = true; /* settle() tells the user; what was given back comes first */
        socket->due_unread = socket->rare != NULL && socket->rare->unread != NULL;
    } else if (!is_transient(-errno)) {
        socket_fail(socket, -errno, CALL_READ);
    }
}

int prong_socket_unread(struct prong_socket *socket, const void *bytes, size_t size)
{
    struct socket_rare *rare;
    uint8_t *copy;

    if (!socket_is_connected(socket))
        return PRONG_EDESTROYED;
    if (size == 0)
        return 0;
    rare = socket_rare(socket);
    if (rare == NULL)
        return -ENOMEM;
    if (size > PRONG_READ_SIZE - rare->unread_size)
        return -EMSGSIZE;
    copy = malloc(size + rare->unread_size);
    if (copy == NULL)
        return -ENOMEM;
    memcpy(copy, bytes, size);
    if (rare->unread != NULL)
        memcpy(copy + size, rare->unread, rare->unread_size);
    free(rare->unread);
    rare->unread = copy;
    rare->unread_size += size;
    return 0;
}

void prong_socket_pause(struct prong_socket *socket)
{
    socket->paused = true;
    socket_update_watchers(socket);
}

void prong_socket_resume(struct prong_socket *socket)
{
    socket->paused = false;
    if (!socket_is_connected(socket) || !socket->started)
        return;
    socket->due_unread = socket->rare != NULL && socket->rare->unread != NULL;
    if (socket->due_unread || socket->peer_ended)
        socket_defer(socket);
    socket_update_watchers(socket);
}

bool prong_socket_is_paused(const struct prong_socket *socket)
{
    return socket->paused;
}

/* --- Writing --- */

/* 0, or why nothing can be written.  All but the last are errors of the connection, too: Node
 * closes it (R47, R81, R82); writing after destroy is only refused (R83). */
static int refusal(struct prong_socket *socket)
{
    int code = 0;

    switch ((enum prong_socket_state)socket->state) {
    case PRONG_SOCKET_OPEN:
        break;
    case PRONG_SOCKET_CONNECTING:
        code = socket->end_wanted ? PRONG_EENDED : 0;
        break;
    case PRONG_SOCKET_NEW:
        code = -ENOTCONN;
        break;
    case PRONG_SOCKET_ENDING:
        code = socket->end_delivered && !socket->allow_half_open ? -EPIPE : PRONG_EENDED;
        break;
    case PRONG_SOCKET_CLOSING:
    case PRONG_SOCKET_CLOSED:
        return PRONG_EDESTROYED;
    }
    if (code < 0)
        socket_fail(socket, code, CALL_WRITE);
    return code;
}

static void count_written(struct prong_socket *socket, size_t size)
{
    socket->bytes_written += size;
    if (socket->server != NULL)
        socket->server->counters.bytes_written += size;
    socket_touch(socket);
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

/* May the kernel be asked at once, without overtaking what waits? */
static bool can_write_through(const struct prong_socket *socket)
{
    return socket->state == PRONG_SOCKET_OPEN && socket->queue == NULL && socket->corked == 0 &&
           socket->started && !socket->due_connect;
}

static int enqueue(struct prong_socket *socket, const struct iovec *pieces, int count, size_t sent)
{
    if (write_queue_add(&socket->queue, pieces, count, sent) < 0) {
        /* A stream with a hole in it would be worse than a closed one. */
        if (sent > 0)
            socket_fail(socket, -ENOMEM, CALL_WRITE);
        return -ENOMEM;
    }
    socket_update_watchers(socket);
    if (write_queue_bytes(socket->queue) < socket->high_water_mark)
        return 0;
    socket->need_drain = true;
    return 1;
}

int prong_socket_writev(struct prong_socket *socket, const struct iovec *pieces, int count)
{
    int code = refusal(socket);
    size_t total = 0;
    ssize_t sent = 0;

    if (code < 0)
        return code;
    if (count < 0 || count > IOV_MAX)
        return -EINVAL;
    for (int i = 0; i < count; i++)
        total += pieces[i].iov_len;
    if (total == 0)
        return 0;
    if (can_write_through(socket)) {
        sent = send_pieces(socket->io.fd, pieces, count);
        if (sent < 0 && !is_transient((int)sent)) {
            socket_fail(socket, (int)sent, CALL_WRITE);
            return (int)sent;
        }
        if (sent < 0)
            sent = 0;
        else
            count_written(socket, (size_t)sent);
    }
    if ((size_t)sent == total)
        return 0;
    return enqueue(socket, pieces, count, (size_t)sent);
}

int prong_socket_write(struct prong_socket *socket, const void *bytes, size_t size)
{
    struct iovec piece = {.iov_base = (void *)(uintptr_t)bytes, .iov_len = size};

    return prong_socket_writev(socket, &piece, 1);
}

void stream_flush(struct prong_socket *socket)
{
    ssize_t sent;

    if (socket->queue == NULL || socket->corked > 0)
        return;
    sent = write_queue_flush(&socket->queue, socket->io.fd);
    if (sent < 0) {
        if (!is_transient((int)sent))
            socket_fail(socket, (int)sent, CALL_WRITE);
        return;
    }
    count_written(socket, (size_t)sent);
    if (socket->queue != NULL || !socket->need_drain)
        return;
    socket->need_drain = false;
    socket->due_drain = socket->state == PRONG_SOCKET_OPEN; /* not after end() (R75) */
}

void prong_socket_cork(struct prong_socket *socket)
{
    if (socket->corked < UINT8_MAX)
        socket->corked++;
    socket_update_watchers(socket);
}

static void flush_soon(struct prong_socket *socket)
{
    if (!socket_is_connected(socket) || !socket->started || socket->due_connect)
        return;
    stream_flush(socket);
    if (socket->due_drain)
        socket_defer(socket);
    if (socket_is_connected(socket))
        socket_update_watchers(socket);
}

void prong_socket_uncork(struct prong_socket *socket)
{
    if (socket->corked > 0 && --socket->corked == 0)
        flush_soon(socket);
}

/* --- Ending --- */

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
    /* While on_connect is due, it comes first. */
    if (!socket->due_connect)
        socket_enter(socket, PRONG_SOCKET_ENDING);
    if (socket->corked > 0) {
        socket->corked = 0;
        flush_soon(socket);
    }
    if (socket->started)
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

void stream_finish(struct prong_socket *socket)
{
    if (socket->finished || socket->queue != NULL)
        return;
    /* When the peer has ended, too, close() follows at once and sends the FIN. */
    if (!socket->end_delivered && shutdown(socket->io.fd, SHUT_WR) < 0 && errno != ENOTCONN) {
        socket_fail(socket, -errno, CALL_SHUTDOWN);
        return;
    }
    socket->finished = true;
    socket->due_finish = true;
}
