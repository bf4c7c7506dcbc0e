/* SPDX-License-Identifier: MIT
 *
 * The life of a socket: its memory, its states, its way to the end.
 */
#include <prong/socket.h>

#include "attempts.h"
#include "connect_options.h"
#include "connector.h"
#include "hangup.h"
#include "pipe_internal.h"
#include "server_internal.h"
#include "socket_internal.h"
#include "tap_internal.h"
#include "write_queue.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

static_assert(sizeof(struct prong_socket) == 176, "every idle connection pays for what is added");

/* Which moves are allowed: a bit for each next state.
 *
 *     NEW → CONNECTING → OPEN → ENDING → CLOSING → CLOSED → CONNECTING (again)
 *     any → CLOSING; OPEN, ENDING → CLOSED: detached */
static const unsigned char moves[] = {
    [PRONG_SOCKET_NEW] =
        1 << PRONG_SOCKET_CONNECTING | 1 << PRONG_SOCKET_OPEN | 1 << PRONG_SOCKET_CLOSING,
    [PRONG_SOCKET_CONNECTING] = 1 << PRONG_SOCKET_OPEN | 1 << PRONG_SOCKET_CLOSING,
    [PRONG_SOCKET_OPEN] =
        1 << PRONG_SOCKET_ENDING | 1 << PRONG_SOCKET_CLOSING | 1 << PRONG_SOCKET_CLOSED,
    [PRONG_SOCKET_ENDING] = 1 << PRONG_SOCKET_CLOSING | 1 << PRONG_SOCKET_CLOSED,
    [PRONG_SOCKET_CLOSING] = 1 << PRONG_SOCKET_CLOSED,
    [PRONG_SOCKET_CLOSED] = 1 << PRONG_SOCKET_CONNECTING,
};

void socket_enter(struct prong_socket *socket, enum prong_socket_state state)
{
    assert(moves[socket->state] & 1U << state);
    socket->state = state;
}

/* --- Memory --- */

static void free_rare(struct prong_socket *socket)
{
    if (socket->rare == NULL)
        return;
    connector_free(socket->rare->connector);
    attempts_free(socket->rare->attempts);
    free(socket->rare->connect);
    free(socket->rare->unread);
    free(socket->rare->host);
    free(socket->rare);
    socket->rare = NULL;
}

static void socket_free(struct prong_socket *socket)
{
    struct prong_loop *loop = loop_of(socket);

    ev_clear_pending(loop->ev, &socket->io);
    free_rare(socket);
    socket_free_idle(socket);
    write_queue_free(&socket->queue);
    loop->objects--;
    free(socket);
}

void prong_socket_hold(struct prong_socket *socket)
{
    assert(socket->holds < UINT8_MAX);
    socket->holds++;
}

void prong_socket_release(struct prong_socket *socket)
{
    assert(socket->holds > 0);
    if (--socket->holds == 0)
        socket_free(socket);
}

struct socket_rare *socket_rare(struct prong_socket *socket)
{
    if (socket->rare == NULL)
        socket->rare = calloc(1, sizeof(*socket->rare));
    return socket->rare;
}

static bool has_rare_options(const struct socket_rare *rare)
{
    return rare->connect != NULL || rare->keep_alive.enabled || rare->user_timeout_ms > 0 ||
           rare->connect_timeout_ms > 0 || rare->type_of_service > 0;
}

static bool is_joined(const struct socket_rare *rare)
{
    return rare->piped_to != NULL || rare->piped_from != NULL || rare->written.first != NULL ||
           rare->tap != NULL;
}

void socket_trim(struct prong_socket *socket)
{
    const struct socket_rare *rare = socket->rare;

    if (rare == NULL || rare->connector != NULL || rare->attempts != NULL || rare->unread != NULL ||
        rare->host != NULL || has_rare_options(rare) || is_joined(rare))
        return;
    free_rare(socket);
}

/* --- Life --- */

void prong_socket_options_init(struct prong_socket_options *options)
{
    *options = (struct prong_socket_options){.high_water_mark = PRONG_HIGH_WATER_MARK};
    prong_connect_options_init(&options->connect);
}

static bool needs_rare(const struct prong_socket_options *options)
{
    return options->keep_alive.enabled || options->user_timeout_ms > 0 ||
           options->connect_timeout_ms > 0 || options->type_of_service > 0 ||
           !connect_options_are_default(&options->connect);
}

static int remember_rare_options(struct prong_socket *socket,
                                 const struct prong_socket_options *options)
{
    struct socket_rare *rare = socket_rare(socket);

    if (rare == NULL)
        return -ENOMEM;
    rare->keep_alive = options->keep_alive;
    rare->user_timeout_ms = options->user_timeout_ms;
    rare->connect_timeout_ms = options->connect_timeout_ms;
    rare->type_of_service = options->type_of_service;
    return prong_socket_set_connect_options(socket, &options->connect);
}

static int remember_options(struct prong_socket *socket, const struct prong_socket_options *options)
{
    socket->allow_half_open = options->allow_half_open;
    socket->no_delay = options->no_delay;
    socket->high_water_mark = options->high_water_mark;
    if (options->timeout_ms > 0 && prong_socket_set_timeout(socket, options->timeout_ms) < 0)
        return -ENOMEM;
    return needs_rare(options) ? remember_rare_options(socket, options) : 0;
}

struct prong_socket *socket_new(struct prong_loop *loop, const struct prong_socket_options *options,
                                const struct prong_socket_events *events, void *user)
{
    static const struct prong_socket_events no_events;
    struct prong_socket *socket;

    if (options->extra_bytes > SIZE_MAX - sizeof(*socket)) {
        errno = ENOMEM;
        return NULL;
    }
    socket = calloc(1, sizeof(*socket) + options->extra_bytes);
    if (socket == NULL)
        return NULL;
    socket->io.data = loop;
    socket_init_watcher(socket);
    socket->events = events != NULL ? events : &no_events;
    socket->user = user;
    socket->has_extra = options->extra_bytes > 0;
    socket->started = true;
    socket->holds = 1;
    loop->objects++;
    if (remember_options(socket, options) < 0) {
        socket_free(socket);
        errno = ENOMEM;
        return NULL;
    }
    return socket;
}

struct prong_socket *prong_socket_new(struct prong_loop *loop,
                                      const struct prong_socket_options *options,
                                      const struct prong_socket_events *events, void *user)
{
    struct prong_socket_options defaults;

    if (options == NULL) {
        prong_socket_options_init(&defaults);
        options = &defaults;
    }
    return socket_new(loop, options, events, user);
}

void socket_open(struct prong_socket *socket, int fd, uint8_t family)
{
    socket_enter(socket, PRONG_SOCKET_OPEN);
    socket->family = family;
    ev_io_set(&socket->io, fd, 0);
}

/* Gives everything back to the system; only the callbacks are still to come. */
static void close_now(struct prong_socket *socket)
{
    hangup_forget(socket);
    socket_stop_watchers(socket);
    socket_stop_idle(socket);
    if (socket->rare != NULL) {
        connector_free(socket->rare->connector);
        socket->rare->connector = NULL;
    }
    socket_queue_less(socket, write_queue_bytes(socket->queue));
    write_queue_free(&socket->queue);
    if (socket->io.fd >= 0)
        close(socket->io.fd);
    socket->io.fd = -1;
}

/* The one way to CLOSING. */
static void start_closing(struct prong_socket *socket, int error, enum socket_call call)
{
    socket_enter(socket, PRONG_SOCKET_CLOSING);
    socket->error = (int16_t)(error < INT16_MIN ? INT16_MIN : error);
    socket->failed_call = call;
    close_now(socket);
    if (socket->tapped)
        tap_end(socket, false);
    if (socket->server != NULL)
        server_discount(socket->server, true);
    socket_defer(socket);
    pipe_break(socket);
}

void socket_fail(struct prong_socket *socket, int code, enum socket_call call)
{
    if (socket->state < PRONG_SOCKET_CLOSING)
        start_closing(socket, code, call);
}

void prong_socket_destroy(struct prong_socket *socket, int error)
{
    if (socket->state < PRONG_SOCKET_CLOSING)
        start_closing(socket, error < 0 ? error : 0, CALL_NONE);
}

void socket_vanish(struct prong_socket *socket)
{
    struct prong_server *server = socket->server;

    close_now(socket);
    if (socket->tapped)
        tap_end(socket, true);
    socket_enter(socket, PRONG_SOCKET_CLOSED);
    if (server != NULL) {
        server_discount(server, false);
        server_forget(server, socket, false);
    }
    if (socket->rare != NULL && socket->rare->written.first != NULL)
        socket_defer(socket); /* their callbacks are owed; then the memory goes */
    else
        prong_socket_release(socket);
}

int socket_will_reset(struct prong_socket *socket)
{
    static const struct linger now = {.l_onoff = 1, .l_linger = 0};

    if (!socket_is_tcp(socket))
        return -ENOTSUP;
    return setsockopt(socket->io.fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now)) < 0 ? -errno : 0;
}

int prong_socket_reset(struct prong_socket *socket)
{
    int error;

    switch ((enum prong_socket_state)socket->state) {
    case PRONG_SOCKET_NEW:
        socket_fail(socket, -ENOTCONN, CALL_NONE);
        return -ENOTCONN;
    case PRONG_SOCKET_CONNECTING:
        if (connector_is_local(socket->rare->connector))
            return -ENOTSUP;
        socket->rare->reset_wanted = true;
        return 0;
    case PRONG_SOCKET_OPEN:
    case PRONG_SOCKET_ENDING:
        break;
    case PRONG_SOCKET_CLOSING:
    case PRONG_SOCKET_CLOSED:
        return PRONG_EDESTROYED;
    }
    error = socket_will_reset(socket);
    if (error == 0)
        prong_socket_destroy(socket, 0);
    return error;
}
