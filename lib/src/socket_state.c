/* SPDX-License-Identifier: MIT
 *
 * What can be asked of a socket.
 */
#include <prong/socket.h>

#include "socket_internal.h"
#include "write_queue.h"

#include <errno.h>
#include <sys/socket.h>

void *prong_socket_user(const struct prong_socket *socket)
{
    return socket->user;
}

void *prong_socket_extra(struct prong_socket *socket)
{
    return socket->has_extra ? socket->extra : NULL;
}

struct prong_server *prong_socket_server(const struct prong_socket *socket)
{
    return socket->server;
}

struct prong_loop *prong_socket_loop(const struct prong_socket *socket)
{
    return loop_of(socket);
}

enum prong_socket_state prong_socket_state(const struct prong_socket *socket)
{
    return socket->state;
}

bool prong_socket_is_readable(const struct prong_socket *socket)
{
    return socket_is_connected(socket) && !socket->end_delivered;
}

bool prong_socket_is_writable(const struct prong_socket *socket)
{
    return (socket->state == PRONG_SOCKET_OPEN || socket->state == PRONG_SOCKET_CONNECTING) &&
           !socket->end_wanted;
}

bool prong_socket_has_ended(const struct prong_socket *socket)
{
    return socket->end_wanted || socket->finished || socket->state == PRONG_SOCKET_ENDING;
}

bool prong_socket_has_finished(const struct prong_socket *socket)
{
    return socket->finished;
}

bool prong_socket_needs_drain(const struct prong_socket *socket)
{
    return socket->need_drain || socket->due_drain;
}

bool prong_socket_wrote_on(const struct prong_socket *socket)
{
    return socket->need_drain && socket->rare != NULL && socket->rare->wrote_on;
}

unsigned prong_socket_corked(const struct prong_socket *socket)
{
    return socket->corked;
}

uint64_t prong_socket_bytes_read(const struct prong_socket *socket)
{
    return socket->bytes_read;
}

uint64_t prong_socket_bytes_written(const struct prong_socket *socket)
{
    return socket->bytes_written;
}

size_t prong_socket_queue_bytes(const struct prong_socket *socket)
{
    return write_queue_bytes(socket->queue);
}

int prong_socket_local(const struct prong_socket *socket, struct prong_address *address)
{
    if (socket->family == 0)
        return -ENOTCONN;
    endpoint_unpack(&socket->local, (uint8_t)socket->family, address);
    return 0;
}

int prong_socket_remote(const struct prong_socket *socket, struct prong_address *address)
{
    if (socket->family == 0)
        return -ENOTCONN;
    endpoint_unpack(&socket->remote, (uint8_t)socket->family, address);
    return 0;
}

int prong_socket_set_addresses(struct prong_socket *socket, const struct prong_address *local,
                               const struct prong_address *remote)
{
    if (!socket_is_connected(socket))
        return -ENOTCONN;
    if ((remote->family != AF_INET && remote->family != AF_INET6) ||
        local->family != remote->family)
        return -EINVAL;
    socket->family = remote->family & 0xf;
    endpoint_pack(&socket->local, local);
    endpoint_pack(&socket->remote, remote);
    return 0;
}

int prong_socket_peer_credentials(const struct prong_socket *socket,
                                  struct prong_credentials *credentials)
{
    struct ucred peer;
    socklen_t length = sizeof(peer);

    if (!socket_is_connected(socket))
        return -ENOTCONN;
    if (socket_is_tcp(socket))
        return -ENOTSUP;
    if (getsockopt(socket->io.fd, SOL_SOCKET, SO_PEERCRED, &peer, &length) < 0)
        return -errno;
    *credentials = (struct prong_credentials){.pid = peer.pid, .uid = peer.uid, .gid = peer.gid};
    return 0;
}

int prong_socket_fd(const struct prong_socket *socket)
{
    return socket->io.fd;
}
