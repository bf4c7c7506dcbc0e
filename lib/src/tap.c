/* SPDX-License-Identifier: MIT
 *
 * Taps: each callback may take the tap away, so the bit is looked at before the next one.
 */
#include <prong/tap.h>

#include "socket_internal.h"
#include "tap_internal.h"

#include <errno.h>

static void clear(struct prong_socket *socket)
{
    socket->tapped = false;
    if (socket->rare == NULL)
        return;
    socket->rare->tap = NULL;
    socket->rare->tap_user = NULL;
}

int prong_socket_set_tap(struct prong_socket *socket, const struct prong_tap *tap, void *user)
{
    struct socket_rare *rare;

    if (tap == NULL) {
        clear(socket);
        return 0;
    }
    if (!socket_is_connected(socket))
        return PRONG_EDESTROYED;
    rare = socket_rare(socket);
    if (rare == NULL)
        return -ENOMEM;
    rare->tap = tap;
    rare->tap_user = user;
    socket->tapped = true;
    return 0;
}

bool prong_socket_is_tapped(const struct prong_socket *socket)
{
    return socket->tapped;
}

void tap_input(struct prong_socket *socket, const void *bytes, size_t size)
{
    const struct socket_rare *rare = socket->rare;

    if (rare->tap->on_input != NULL)
        rare->tap->on_input(socket, bytes, size, rare->tap_user);
}

void tap_output(struct prong_socket *socket, const struct iovec *pieces, size_t size)
{
    const struct socket_rare *rare = socket->rare;

    for (; size > 0 && socket->tapped && rare->tap->on_output != NULL; pieces++) {
        size_t part = pieces->iov_len < size ? pieces->iov_len : size;

        if (part > 0)
            rare->tap->on_output(socket, pieces->iov_base, part, rare->tap_user);
        size -= part;
    }
}

void tap_unseen_input(struct prong_socket *socket, size_t size)
{
    const struct socket_rare *rare = socket->rare;

    if (rare->tap->on_unseen_input != NULL)
        rare->tap->on_unseen_input(socket, size, rare->tap_user);
}

void tap_unseen_output(struct prong_socket *socket, size_t size)
{
    const struct socket_rare *rare = socket->rare;

    if (rare->tap->on_unseen_output != NULL)
        rare->tap->on_unseen_output(socket, size, rare->tap_user);
}

void tap_end(struct prong_socket *socket, bool moved)
{
    const struct prong_tap *tap = socket->rare->tap;
    void *user = socket->rare->tap_user;

    clear(socket);
    if (tap->on_end != NULL)
        tap->on_end(socket, moved, user);
}
