/* SPDX-License-Identifier: MIT
 *
 * Connecting: what is refused, what is remembered, what begins anew.
 */
#include <prong/connect.h>

#include "attempts.h"
#include "connector.h"
#include "socket_internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Where to: one of the two. */
struct destination {
    const char *host;
    const struct prong_address *address;
    uint16_t port;
};

static int refusal(const struct prong_socket *socket)
{
    switch ((enum prong_socket_state)socket->state) {
    case PRONG_SOCKET_NEW:
        return 0;
    case PRONG_SOCKET_CONNECTING:
        return -EALREADY;
    case PRONG_SOCKET_OPEN:
    case PRONG_SOCKET_ENDING:
        return -EISCONN;
    case PRONG_SOCKET_CLOSED:
        /* Detached, and callbacks of its writes are still to come. */
        if (socket->rare != NULL && socket->rare->written.first != NULL)
            break;
        return 0;
    case PRONG_SOCKET_CLOSING:
        break;
    }
    return PRONG_EDESTROYED;
}

static int check_family(int family)
{
    return family == AF_UNSPEC || family == AF_INET || family == AF_INET6 ? 0 : -EINVAL;
}

static int check_options(const struct prong_connect_options *options,
                         const struct destination *destination)
{
    uint16_t local = options->local.family;
    int family = destination->address != NULL ? destination->address->family : options->family;

    if (check_family(local) < 0 || check_family(options->family) < 0)
        return -EINVAL;
    if (local != AF_UNSPEC && family != AF_UNSPEC && local != family)
        return -EINVAL;
    if (family == AF_UNIX)
        return options->local.port != 0 ? -EINVAL : 0;
    return destination->port == 0 ? -EINVAL : 0;
}

/* A socket that was closed begins anew (R48). */
static void begin_anew(struct prong_socket *socket)
{
    if (socket->state != PRONG_SOCKET_CLOSED)
        return;
    prong_socket_hold(socket); /* the library's own, until the next on_close */
    socket->bytes_read = socket->bytes_written = 0;
    socket->error = 0;
    socket->failed_call = CALL_NONE;
    socket->family = 0;
    socket->corked = 0;
    socket->started = true;
    socket->peer_ended = socket->end_delivered = socket->end_wanted = socket->finished = false;
    socket->destroy_soon = socket->need_drain = socket->hangup_told = socket->due_hangup = false;
    socket->due_connect = socket->due_unread = socket->due_drain = socket->due_finish = false;
    socket->manual_reading = socket->wants_writable = socket->stays = false;
}

/* Takes the place of what an earlier connect left. */
static int remember_destination(struct socket_rare *rare, const struct destination *destination)
{
    struct attempts *attempts = NULL;
    char *host = NULL;

    if (destination->address != NULL)
        attempts = attempts_new(destination->address, 1, true);
    else
        host = strdup(destination->host);
    if (attempts == NULL && host == NULL)
        return -ENOMEM;
    attempts_free(rare->attempts);
    rare->attempts = attempts;
    free(rare->host);
    rare->host = host;
    free(rare->unread);
    rare->unread = NULL;
    rare->unread_size = 0;
    rare->reset_wanted = false;
    return 0;
}

static int prepare(struct prong_socket *socket, const struct destination *destination)
{
    struct socket_rare *rare = socket_rare(socket);
    struct prong_connect_options options;
    int error;

    if (rare == NULL)
        return -ENOMEM;
    prong_connect_options_init(&options);
    if (rare->connect != NULL)
        options = *rare->connect;
    if (options.stagger_ms == 0)
        options.stagger_ms = prong_default_stagger_ms();
    if (options.stagger_ms < PRONG_STAGGER_MIN_MS)
        options.stagger_ms = PRONG_STAGGER_MIN_MS;
    error = check_options(&options, destination);
    if (error < 0)
        return error;
    rare->connector = connector_new(socket, destination->port, &options);
    if (rare->connector == NULL)
        return -ENOMEM;
    error = remember_destination(rare, destination);
    if (error < 0) {
        connector_free(rare->connector);
        rare->connector = NULL;
    }
    return error;
}

static int start(struct prong_socket *socket, const struct destination *destination)
{
    int error = refusal(socket);

    if (error == 0)
        error = prepare(socket, destination);
    if (error < 0)
        return error;
    begin_anew(socket);
    socket_enter(socket, PRONG_SOCKET_CONNECTING);
    socket_touch(socket);
    socket_defer(socket);
    return 0;
}

int prong_socket_connect_address(struct prong_socket *socket, const struct prong_address *address)
{
    struct destination destination = {.address = address, .port = address->port};

    if (address->family == AF_UNSPEC || (address->family == AF_UNIX && address->path_size == 0))
        return -EINVAL;
    return start(socket, &destination);
}

int prong_socket_connect(struct prong_socket *socket, const char *host, uint16_t port)
{
    bool is_given = host != NULL && *host != '\0';
    struct destination destination = {.host = is_given ? host : "localhost", .port = port};
    struct prong_address address;

    if (prong_address_from_ip(&address, destination.host, port) == 0)
        destination.address = &address;
    return start(socket, &destination);
}

const struct prong_attempt *prong_socket_attempts(const struct prong_socket *socket, size_t *count)
{
    const struct attempts *attempts = socket->rare != NULL ? socket->rare->attempts : NULL;

    *count = attempts != NULL ? attempts->started : 0;
    return *count > 0 ? attempts->each : NULL;
}
