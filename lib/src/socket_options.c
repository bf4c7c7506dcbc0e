/* SPDX-License-Identifier: MIT
 *
 * Options of a socket, and what can be asked of it.
 */
#include <prong/socket.h>

#include "socket_internal.h"
#include "write_queue.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>

static int set_int(int fd, int level, int name, uint32_t value)
{
    int number = value > INT32_MAX ? INT32_MAX : (int)value;

    return setsockopt(fd, level, name, &number, sizeof(number)) < 0 ? -errno : 0;
}

static bool is_tcp(const struct prong_socket *socket)
{
    return socket->family == AF_INET || socket->family == AF_INET6;
}

/* 0 leaves the system's value (R111). */
static int set_unless_zero(int fd, int name, uint32_t value)
{
    return value == 0 ? 0 : set_int(fd, IPPROTO_TCP, name, value);
}

static int apply_keep_alive(int fd, const struct prong_keep_alive *keep_alive)
{
    int error = set_int(fd, SOL_SOCKET, SO_KEEPALIVE, keep_alive->enabled);

    if (error < 0 || !keep_alive->enabled)
        return error;
    error = set_unless_zero(fd, TCP_KEEPIDLE, keep_alive->idle_s);
    if (error == 0)
        error = set_unless_zero(fd, TCP_KEEPINTVL, keep_alive->interval_s);
    if (error == 0)
        error = set_unless_zero(fd, TCP_KEEPCNT, keep_alive->count);
    return error;
}

void socket_apply_options(struct prong_socket *socket)
{
    if (!is_tcp(socket))
        return;
    /* A refused option is not worth a connection: the kernel's default stays. */
    if (socket->no_delay)
        (void)set_int(socket->io.fd, IPPROTO_TCP, TCP_NODELAY, 1);
    if (socket->rare == NULL)
        return;
    if (socket->rare->keep_alive.enabled)
        (void)apply_keep_alive(socket->io.fd, &socket->rare->keep_alive);
    (void)set_unless_zero(socket->io.fd, TCP_USER_TIMEOUT, socket->rare->user_timeout_ms);
}

int prong_socket_set_no_delay(struct prong_socket *socket, bool enabled)
{
    if (socket->no_delay == enabled)
        return 0;
    socket->no_delay = enabled;
    if (!socket_is_connected(socket) || !is_tcp(socket))
        return 0;
    return set_int(socket->io.fd, IPPROTO_TCP, TCP_NODELAY, enabled);
}

static bool same_keep_alive(const struct prong_keep_alive *left,
                            const struct prong_keep_alive *right)
{
    return left->enabled == right->enabled && left->idle_s == right->idle_s &&
           left->interval_s == right->interval_s && left->count == right->count;
}

int prong_socket_set_keep_alive(struct prong_socket *socket,
                                const struct prong_keep_alive *keep_alive)
{
    struct socket_rare *rare = socket_rare(socket);

    if (rare == NULL)
        return -ENOMEM;
    if (same_keep_alive(&rare->keep_alive, keep_alive))
        return 0;
    rare->keep_alive = *keep_alive;
    if (!socket_is_connected(socket) || !is_tcp(socket))
        return 0;
    return apply_keep_alive(socket->io.fd, keep_alive);
}

void prong_socket_set_allow_half_open(struct prong_socket *socket, bool allowed)
{
    socket->allow_half_open = allowed;
}

void prong_socket_set_events(struct prong_socket *socket, const struct prong_socket_events *events,
                             void *user)
{
    socket->events = events;
    socket->user = user;
}

int prong_socket_reset(struct prong_socket *socket)
{
    static const struct linger now = {.l_onoff = 1, .l_linger = 0};

    switch ((enum prong_socket_state)socket->state) {
    case PRONG_SOCKET_NEW:
        return -ENOTCONN;
    case PRONG_SOCKET_CONNECTING:
        socket->reset_wanted = true;
        return 0;
    case PRONG_SOCKET_OPEN:
    case PRONG_SOCKET_ENDING:
        break;
    case PRONG_SOCKET_CLOSING:
    case PRONG_SOCKET_CLOSED:
        return PRONG_EDESTROYED;
    }
    if (!is_tcp(socket))
        return -ENOTSUP;
    if (setsockopt(socket->io.fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now)) < 0)
        return -errno;
    prong_socket_destroy(socket, 0);
    return 0;
}

void prong_socket_ref(struct prong_socket *socket)
{
    if (socket->unref && ev_is_active(&socket->io))
        ev_ref(loop_of(socket)->ev);
    socket->unref = false;
}

void prong_socket_unref(struct prong_socket *socket)
{
    if (!socket->unref && ev_is_active(&socket->io))
        ev_unref(loop_of(socket)->ev);
    socket->unref = true;
}

/* --- Questions --- */

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
    return socket->state == PRONG_SOCKET_OPEN ||
           (socket->state == PRONG_SOCKET_CONNECTING && !socket->end_wanted);
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

int prong_socket_fd(const struct prong_socket *socket)
{
    return socket->io.fd;
}
