/* SPDX-License-Identifier: MIT
 *
 * splice(2) to and from a socket, with the accounts that recv(2) and send(2) have here.
 */
#include <prong/splice.h>

#include "socket_internal.h"
#include "tap_internal.h"

#include <errno.h>
#include <fcntl.h>

static bool is_transient(int error)
{
    return error == EAGAIN || error == EWOULDBLOCK || error == EINTR;
}

void prong_socket_set_manual_reading(struct prong_socket *socket, bool enabled)
{
    socket->manual_reading = enabled;
}

bool prong_socket_manual_reading(const struct prong_socket *socket)
{
    return socket->manual_reading;
}

ssize_t prong_socket_splice_in(struct prong_socket *socket, int pipe_fd, size_t most)
{
    ssize_t received;

    if (!socket_is_connected(socket))
        return PRONG_EDESTROYED;
    if (socket->peer_ended)
        return 0;
    if (most == 0)
        return -EAGAIN; /* splice(2) would say 0, as at the end */
    received = splice(socket->io.fd, NULL, pipe_fd, NULL, most, SPLICE_F_MOVE | SPLICE_F_NONBLOCK);
    if (received > 0) {
        input_count(socket, (size_t)received);
        if (socket->tapped)
            tap_unseen_input(socket, (size_t)received);
    } else if (received == 0) {
        input_end(socket);
        socket_defer(socket);
    } else if (is_transient(errno)) {
        return -EAGAIN;
    } else {
        received = -errno;
        socket_fail(socket, (int)received, CALL_READ);
    }
    return received;
}

/* 0, or why nothing can be sent now. */
static int refusal(const struct prong_socket *socket)
{
    if (!socket_is_connected(socket))
        return PRONG_EDESTROYED;
    return socket->state == PRONG_SOCKET_ENDING || socket->end_wanted ? PRONG_EENDED : 0;
}

static void wait_for_room(struct prong_socket *socket)
{
    socket->wants_writable = true;
    socket_update_watchers(socket);
}

ssize_t prong_socket_splice_out(struct prong_socket *socket, int pipe_fd, size_t size)
{
    ssize_t sent = -EAGAIN;
    int error = refusal(socket);

    if (error < 0)
        return error;
    if (output_can_write_through(socket)) {
        sent = splice(pipe_fd, NULL, socket->io.fd, NULL, size, SPLICE_F_MOVE | SPLICE_F_NONBLOCK);
        if (sent < 0 && !is_transient(errno)) {
            sent = -errno;
            socket_fail(socket, (int)sent, CALL_WRITE);
            return sent;
        }
    }
    if (sent > 0)
        output_count(socket, (size_t)sent);
    if (sent > 0 && socket->tapped)
        tap_unseen_output(socket, (size_t)sent);
    if (sent < (ssize_t)size)
        wait_for_room(socket);
    return sent > 0 ? sent : -EAGAIN;
}
