/* SPDX-License-Identifier: MIT
 *
 * The idle time of a socket.
 */
#include <prong/socket.h>

#include "socket_internal.h"

#include <errno.h>
#include <stdlib.h>

static void emit_timeout(struct timeout *timeout)
{
    struct prong_socket *socket = timeout->owner;

    prong_socket_hold(socket);
    if (socket->events->on_timeout != NULL)
        socket->events->on_timeout(socket);
    prong_socket_release(socket);
}

void socket_touch(struct prong_socket *socket)
{
    struct socket_idle *idle = socket->idle;
    struct timeouts *timeouts = &loop_of(socket)->timeouts;

    if (idle == NULL || idle->ms == 0)
        return;
    if (idle->timeout.list != NULL && timeout_duration_ms(&idle->timeout) == idle->ms)
        timeout_restart(timeouts, &idle->timeout);
    else
        (void)timeout_start(timeouts, &idle->timeout, idle->ms);
}

void socket_stop_idle(struct prong_socket *socket)
{
    if (socket->idle != NULL)
        timeout_stop(&loop_of(socket)->timeouts, &socket->idle->timeout);
}

void socket_free_idle(struct prong_socket *socket)
{
    socket_stop_idle(socket);
    free(socket->idle);
    socket->idle = NULL;
}

int prong_socket_set_timeout(struct prong_socket *socket, uint32_t timeout_ms)
{
    struct socket_idle *idle = socket->idle;

    if (socket->state >= PRONG_SOCKET_CLOSING)
        return 0;
    if (timeout_ms == 0) {
        socket_free_idle(socket);
        return 0;
    }
    if (idle == NULL) {
        idle = calloc(1, sizeof(*idle));
        if (idle == NULL)
            return -ENOMEM;
        idle->timeout.on_expired = emit_timeout;
        idle->timeout.owner = socket;
        socket->idle = idle;
    }
    idle->ms = timeout_ms;
    if (!socket->started) {
        idle->timeout.deadline = timeout_ms; /* prong_socket_start() starts it */
        return 0;
    }
    return timeout_start(&loop_of(socket)->timeouts, &idle->timeout, timeout_ms);
}

uint32_t prong_socket_timeout(const struct prong_socket *socket)
{
    return socket->idle != NULL ? socket->idle->ms : 0;
}
