/* SPDX-License-Identifier: MIT
 *
 * Bytes that arrive: reading, giving back, pausing.
 *
 * Measured: what costs is the number of system calls.  So one read for one readiness, into the
 * loop's shared buffer, or to where the user wants it; by recv(2), which costs 60 ns less than
 * read(2) does for a socket.
 */
#include <prong/socket.h>

#include "pipe_internal.h"
#include "server_internal.h"
#include "socket_internal.h"
#include "tap_internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

/* --- Delivering --- */

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

/* To whoever wants them now: on_buffer may just have changed the events, or made a pipe. */
static void emit_data(struct prong_socket *socket, void *bytes, size_t size)
{
    const struct prong_socket_events *events = socket->events;

    if (socket->rare != NULL && socket->rare->piped_to != NULL)
        pipe_feed(socket, bytes, size);
    else if (events->on_read != NULL && !events->on_read(socket, bytes, size))
        prong_socket_pause(socket);
    else if (events->on_read == NULL && events->on_data != NULL)
        events->on_data(socket, bytes, size);
}

/* The user's own buffer, or NULL: then there is none now, and the socket is paused. */
static void *emit_buffer(struct prong_socket *socket, size_t *size)
{
    void *bytes = NULL;

    *size = 0;
    if (socket->events->on_buffer != NULL)
        bytes = socket->events->on_buffer(socket, size);
    if (bytes != NULL && *size > 0)
        return bytes;
    prong_socket_pause(socket);
    return NULL;
}

static bool has_own_buffer(const struct prong_socket *socket)
{
    return socket->events->on_read != NULL &&
           (socket->rare == NULL || socket->rare->piped_to == NULL);
}

/* --- Reading --- */

void input_count(struct prong_socket *socket, size_t size)
{
    socket->bytes_read += size;
    if (socket->server != NULL)
        socket->server->counters.bytes_read += size;
    socket_touch(socket);
}

/* settle() tells the user; what was given back comes first. */
void input_end(struct prong_socket *socket)
{
    socket->peer_ended = true;
    socket->due_unread = socket_has_unread(socket);
}

/* The bytes, or 0 when there are none now, and what that means is noted. */
static size_t receive(struct prong_socket *socket, void *bytes, size_t size)
{
    ssize_t received = recv(socket->io.fd, bytes, size, 0);

    if (received > 0) {
        input_count(socket, (size_t)received);
        if (socket->tapped)
            tap_input(socket, bytes, (size_t)received);
        return (size_t)received;
    }
    if (received == 0) {
        input_end(socket);
    } else if (errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR) {
        socket_fail(socket, -errno, CALL_READ);
    }
    return 0;
}

/* Somebody else reads, when it likes. */
static void emit_readable(struct prong_socket *socket)
{
    if (socket_has_unread(socket))
        socket->due_unread = true; /* that first */
    else if (socket->events->on_readable != NULL)
        socket->events->on_readable(socket);
    else
        prong_socket_pause(socket);
}

static void read_to_user(struct prong_socket *socket)
{
    size_t size;
    void *bytes;

    if (socket_has_unread(socket)) {
        socket->due_unread = true; /* that first */
        return;
    }
    bytes = emit_buffer(socket, &size);
    if (bytes == NULL || !socket_is_connected(socket))
        return;
    size = receive(socket, bytes, size);
    if (size > 0)
        emit_data(socket, bytes, size);
}

/* Nobody wants it, and it is no news for the idle time.  A peer that resets is as good as one that
 * ends. */
static void discard(struct prong_socket *socket)
{
    ssize_t size = recv(socket->io.fd, loop_read_buffer(loop_of(socket)), PRONG_READ_SIZE, 0);

    if (size == 0 || (size < 0 && errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR))
        prong_socket_destroy(socket, 0);
}

void input_read(struct prong_socket *socket)
{
    uint8_t *buffer;
    size_t size;

    if (server_lingers(socket)) {
        discard(socket);
        return;
    }
    if (socket->manual_reading) {
        emit_readable(socket);
        return;
    }
    if (has_own_buffer(socket)) {
        read_to_user(socket);
        return;
    }
    buffer = loop_read_buffer(loop_of(socket));
    size = receive(socket, buffer, PRONG_READ_SIZE);
    if (size == 0)
        return;
    buffer = prepend_unread(socket, buffer, &size);
    emit_data(socket, buffer, size);
}

/* --- Giving back --- */

/* One buffer full.  What is left stays due. */
static void deliver_unread_to_user(struct prong_socket *socket)
{
    struct socket_rare *rare = socket->rare;
    size_t size;
    void *bytes = emit_buffer(socket, &size);

    if (bytes == NULL || !socket_is_connected(socket))
        return;
    if (size > rare->unread_size)
        size = rare->unread_size;
    memcpy(bytes, rare->unread, size);
    rare->unread_size -= size;
    if (rare->unread_size > 0) {
        memmove(rare->unread, rare->unread + size, rare->unread_size);
        socket->due_unread = true;
        socket_defer(socket);
    } else {
        free(rare->unread);
        rare->unread = NULL;
    }
    emit_data(socket, bytes, size);
}

void input_deliver_unread(struct prong_socket *socket)
{
    uint8_t *bytes = loop_read_buffer(loop_of(socket));
    size_t size = 0;

    socket->due_unread = false;
    if (!socket_has_unread(socket))
        return;
    if (has_own_buffer(socket)) {
        deliver_unread_to_user(socket);
        return;
    }
    bytes = prepend_unread(socket, bytes, &size);
    emit_data(socket, bytes, size);
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

size_t prong_socket_unread_bytes(const struct prong_socket *socket)
{
    return socket->rare != NULL ? socket->rare->unread_size : 0;
}

/* --- Pausing --- */

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
    socket->due_unread = socket_has_unread(socket);
    if (socket->due_unread || socket->peer_ended)
        socket_defer(socket);
    socket_update_watchers(socket);
}

bool prong_socket_is_paused(const struct prong_socket *socket)
{
    return socket->paused;
}
