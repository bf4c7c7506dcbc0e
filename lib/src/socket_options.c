/* SPDX-License-Identifier: MIT
 *
 * Options of a socket.
 */
#include <prong/socket.h>

#include "socket_internal.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/ip.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>

static int set_int(int fd, int level, int name, uint32_t value)
{
    int number = value > INT32_MAX ? INT32_MAX : (int)value;

    return setsockopt(fd, level, name, &number, sizeof(number)) < 0 ? -errno : 0;
}

/* Is there a TCP descriptor that options can be set on now? */
static bool has_tcp(const struct prong_socket *socket)
{
    return socket_is_connected(socket) && socket_is_tcp(socket);
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

/* IPv4 in IPv6 notation has the one of IPv4; the other one is then without effect. */
static int set_type_of_service(int fd, uint16_t family, uint8_t value)
{
    int error = set_int(fd, IPPROTO_IP, IP_TOS, value);

    return family == AF_INET6 ? set_int(fd, IPPROTO_IPV6, IPV6_TCLASS, value) : error;
}

void socket_apply_type_of_service(int fd, uint16_t family, uint8_t value)
{
    if (value != 0 && family != AF_UNIX)
        (void)set_type_of_service(fd, family, value);
}

void socket_apply_options(struct prong_socket *socket)
{
    const struct socket_rare *rare = socket->rare;

    if (!socket_is_tcp(socket))
        return;
    /* A refused option is not worth a connection: the kernel's default stays. */
    if (socket->no_delay)
        (void)set_int(socket->io.fd, IPPROTO_TCP, TCP_NODELAY, 1);
    if (rare == NULL)
        return;
    if (rare->keep_alive.enabled)
        (void)apply_keep_alive(socket->io.fd, &rare->keep_alive);
    (void)set_unless_zero(socket->io.fd, TCP_USER_TIMEOUT, rare->user_timeout_ms);
    socket_apply_type_of_service(socket->io.fd, (uint16_t)socket->family, rare->type_of_service);
}

/* --- Setters: the kernel is told when there is a connection --- */

int prong_socket_set_no_delay(struct prong_socket *socket, bool enabled)
{
    if (socket->no_delay == enabled)
        return 0;
    socket->no_delay = enabled;
    return has_tcp(socket) ? set_int(socket->io.fd, IPPROTO_TCP, TCP_NODELAY, enabled) : 0;
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
    return has_tcp(socket) ? apply_keep_alive(socket->io.fd, keep_alive) : 0;
}

int prong_socket_set_user_timeout(struct prong_socket *socket, uint32_t timeout_ms)
{
    struct socket_rare *rare = socket_rare(socket);

    if (rare == NULL)
        return -ENOMEM;
    if (rare->user_timeout_ms == timeout_ms)
        return 0;
    rare->user_timeout_ms = timeout_ms;
    if (!has_tcp(socket))
        return 0;
    return set_int(socket->io.fd, IPPROTO_TCP, TCP_USER_TIMEOUT, timeout_ms);
}

int prong_socket_set_type_of_service(struct prong_socket *socket, uint8_t value)
{
    struct socket_rare *rare = socket_rare(socket);

    if (rare == NULL)
        return -ENOMEM;
    if (rare->type_of_service == value)
        return 0;
    rare->type_of_service = value;
    if (!has_tcp(socket))
        return 0;
    return set_type_of_service(socket->io.fd, (uint16_t)socket->family, value);
}

void prong_socket_set_auto_close(struct prong_socket *socket, bool enabled)
{
    socket->stays = !enabled;
    if (enabled && socket->finished && socket_is_connected(socket))
        socket_defer(socket);
}

bool prong_socket_auto_close(const struct prong_socket *socket)
{
    return !socket->stays;
}

void prong_socket_set_allow_half_open(struct prong_socket *socket, bool allowed)
{
    socket->allow_half_open = allowed;
}

void prong_socket_set_high_water_mark(struct prong_socket *socket, uint32_t bytes)
{
    socket->high_water_mark = bytes;
}

void prong_socket_set_events(struct prong_socket *socket, const struct prong_socket_events *events,
                             void *user)
{
    static const struct prong_socket_events no_events;

    socket->events = events != NULL ? events : &no_events;
    socket->user = user;
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

/* --- What was set --- */

bool prong_socket_no_delay(const struct prong_socket *socket)
{
    return socket->no_delay;
}

void prong_socket_keep_alive(const struct prong_socket *socket, struct prong_keep_alive *keep_alive)
{
    static const struct prong_keep_alive off;

    *keep_alive = socket->rare != NULL ? socket->rare->keep_alive : off;
}

uint32_t prong_socket_user_timeout(const struct prong_socket *socket)
{
    return socket->rare != NULL ? socket->rare->user_timeout_ms : 0;
}

int prong_socket_type_of_service(const struct prong_socket *socket)
{
    bool is_ipv6 = socket->family == AF_INET6;
    int value = 0;
    socklen_t length = sizeof(value);

    if (!has_tcp(socket))
        return socket->rare != NULL && socket->family != AF_UNIX ? socket->rare->type_of_service
                                                                 : 0;
    if (getsockopt(socket->io.fd, is_ipv6 ? IPPROTO_IPV6 : IPPROTO_IP,
                   is_ipv6 ? IPV6_TCLASS : IP_TOS, &value, &length) < 0)
        return -errno;
    return value;
}

bool prong_socket_allow_half_open(const struct prong_socket *socket)
{
    return socket->allow_half_open;
}

uint32_t prong_socket_high_water_mark(const struct prong_socket *socket)
{
    return socket->high_water_mark;
}

bool prong_socket_has_ref(const struct prong_socket *socket)
{
    return !socket->unref;
}
