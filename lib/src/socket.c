/* SPDX-License-Identifier: MIT
 *
 * The life of a socket: its states, its watcher, and the only places that call the user.
 *
 * Work that an API call must not do itself (invariant: no callback from inside a call) is
 * deferred: the socket feeds its own watcher, and libev calls on_event() right after the running
 * callback.  That needs no list, no memory, and cannot fail.
 */
#include <prong/socket.h>

#include "connector.h"
#include "server_internal.h"
#include "socket_internal.h"
#include "write_queue.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static_assert(sizeof(struct prong_socket) == 176, "every idle connection pays for what is added");

/* Which moves are allowed: a bit for each next state.
 *
 *     NEW → CONNECTING → OPEN → ENDING → CLOSING → CLOSED → CONNECTING (again, when it is held)
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

static const char *const call_names[] = {
    [CALL_NONE] = "",           [CALL_READ] = "read",
    [CALL_WRITE] = "write",     [CALL_SHUTDOWN] = "shutdown",
    [CALL_CONNECT] = "connect", [CALL_BIND] = "bind",
    [CALL_SOCKET] = "socket",   [CALL_GETADDRINFO] = "getaddrinfo",
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
    free(socket->rare->unread);
    free(socket->rare->host);
    free(socket->rare);
    socket->rare = NULL;
}

static void free_idle(struct prong_socket *socket)
{
    if (socket->idle == NULL)
        return;
    timeout_stop(&loop_of(socket)->timeouts, &socket->idle->timeout);
    free(socket->idle);
    socket->idle = NULL;
}

static void socket_free(struct prong_socket *socket)
{
    struct prong_loop *loop = loop_of(socket);

    ev_clear_pending(loop->ev, &socket->io);
    free_rare(socket);
    free_idle(socket);
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

/* --- Callbacks: emit_*() are the only places that call the user --- */

static void emit_connect(struct prong_socket *socket)
{
    socket->due_connect = false;
    if (socket->events->on_connect != NULL)
        socket->events->on_connect(socket);
    if (socket->state == PRONG_SOCKET_OPEN && socket->end_wanted)
        socket_enter(socket, PRONG_SOCKET_ENDING);
}

static void emit_unread(struct prong_socket *socket)
{
    uint8_t *bytes = socket->rare->unread;
    size_t size = socket->rare->unread_size;

    socket->due_unread = false;
    socket->rare->unread = NULL;
    socket->rare->unread_size = 0;
    if (bytes != NULL && socket->events->on_data != NULL)
        socket->events->on_data(socket, bytes, size);
    free(bytes);
}

static void emit_drain(struct prong_socket *socket)
{
    socket->due_drain = false;
    if (socket->events->on_drain != NULL)
        socket->events->on_drain(socket);
}

static void emit_end(struct prong_socket *socket)
{
    socket->end_delivered = true;
    if (socket->events->on_end != NULL)
        socket->events->on_end(socket);
    /* The peer is done, and so are we, unless somebody asked for half-open (R87). */
    if (socket->state == PRONG_SOCKET_OPEN && !socket->allow_half_open)
        socket_enter(socket, PRONG_SOCKET_ENDING);
}

static void emit_finish(struct prong_socket *socket)
{
    socket->due_finish = false;
    if (socket->events->on_finish != NULL)
        socket->events->on_finish(socket);
}

static void emit_timeout(struct timeout *timeout)
{
    struct prong_socket *socket = timeout->owner;

    prong_socket_hold(socket);
    if (socket->events->on_timeout != NULL)
        socket->events->on_timeout(socket);
    prong_socket_release(socket);
}

static void emit_error(struct prong_socket *socket)
{
    struct prong_error_info info = {.code = socket->error,
                                    .syscall = call_names[socket->failed_call]};

    if (socket->rare != NULL) {
        info.address = socket->rare->failed;
        info.host = socket->failed_call == CALL_GETADDRINFO ? socket->rare->host : NULL;
    }
    if (socket->events->on_error != NULL)
        socket->events->on_error(socket, &info);
}

static void emit_close(struct prong_socket *socket)
{
    struct prong_server *server;

    if (socket->error != 0)
        emit_error(socket);
    socket_enter(socket, PRONG_SOCKET_CLOSED);
    if (socket->events->on_close != NULL)
        socket->events->on_close(socket, socket->error != 0);
    server = socket->server;
    if (server != NULL)
        server_forget(server, socket, true);
    prong_socket_release(socket);
}

/* --- Events --- */

void socket_defer(struct prong_socket *socket)
{
    if (socket->deferred)
        return;
    socket->deferred = true;
    ev_feed_event(loop_of(socket)->ev, &socket->io, EV_CUSTOM);
}

/* Is end-of-file next, with nothing before it that was not delivered? */
static bool end_is_due(const struct prong_socket *socket)
{
    return socket->peer_ended && !socket->end_delivered && !socket->paused;
}

/* Calls what is due, in the order of Node (R92), each only while the socket is still connected. */
static void settle(struct prong_socket *socket)
{
    if (socket_is_connected(socket) && socket->due_connect) {
        emit_connect(socket);
        if (socket_is_connected(socket))
            stream_flush(socket);
    }
    if (socket_is_connected(socket) && socket->due_unread && !socket->paused)
        emit_unread(socket);
    if (socket_is_connected(socket) && socket->due_drain)
        emit_drain(socket);
    if (socket_is_connected(socket) && end_is_due(socket))
        emit_end(socket);
    if (socket->state == PRONG_SOCKET_ENDING)
        stream_finish(socket);
    if (socket_is_connected(socket) && socket->due_finish)
        emit_finish(socket);
    if (!socket_is_connected(socket))
        return;
    if (socket->finished && (socket->end_delivered || socket->destroy_soon))
        prong_socket_destroy(socket, 0);
    else
        socket_update_watchers(socket);
}

static void on_event(struct ev_loop *ev, struct ev_io *io, int revents)
{
    struct prong_socket *socket = (struct prong_socket *)io;

    (void)ev;
    if (revents & EV_CUSTOM) {
        socket->deferred = false;
        if (socket->state == PRONG_SOCKET_CLOSING) {
            emit_close(socket);
            return;
        }
    }
    prong_socket_hold(socket);
    if (revents & EV_READ && socket_is_connected(socket))
        stream_read(socket);
    if (revents & EV_WRITE && socket_is_connected(socket))
        stream_flush(socket);
    if (socket->started)
        settle(socket);
    prong_socket_release(socket);
}

static int wanted_events(const struct prong_socket *socket)
{
    int events = 0;

    if (!socket->started || !socket_is_connected(socket))
        return 0;
    if (!socket->paused && !socket->peer_ended)
        events |= EV_READ;
    if (socket->queue != NULL && socket->corked == 0)
        events |= EV_WRITE;
    return events;
}

void socket_stop_watchers(struct prong_socket *socket)
{
    struct ev_loop *ev = loop_of(socket)->ev;

    if (!ev_is_active(&socket->io))
        return;
    if (socket->unref)
        ev_ref(ev);
    ev_io_stop(ev, &socket->io);
    /* ev_io_stop() takes back what was fed, too. */
    if (socket->deferred)
        ev_feed_event(ev, &socket->io, EV_CUSTOM);
}

void socket_update_watchers(struct prong_socket *socket)
{
    struct ev_loop *ev = loop_of(socket)->ev;
    int wanted = wanted_events(socket);
    int current = ev_is_active(&socket->io) ? socket->io.events & (EV_READ | EV_WRITE) : 0;

    if (wanted == current)
        return;
    socket_stop_watchers(socket);
    if (wanted == 0)
        return;
    ev_io_modify(&socket->io, wanted);
    ev_io_start(ev, &socket->io);
    if (socket->unref)
        ev_unref(ev);
}

/* --- Life --- */

void prong_socket_options_init(struct prong_socket_options *options)
{
    *options = (struct prong_socket_options){.high_water_mark = PRONG_HIGH_WATER_MARK};
}

static int remember_options(struct prong_socket *socket, const struct prong_socket_options *options)
{
    struct socket_rare *rare;

    socket->allow_half_open = options->allow_half_open;
    socket->no_delay = options->no_delay;
    socket->high_water_mark = options->high_water_mark;
    if (options->timeout_ms > 0 && prong_socket_set_timeout(socket, options->timeout_ms) < 0)
        return -ENOMEM;
    if (!options->keep_alive.enabled && options->user_timeout_ms == 0 &&
        options->connect_timeout_ms == 0)
        return 0;
    rare = socket_rare(socket);
    if (rare == NULL)
        return -ENOMEM;
    rare->keep_alive = options->keep_alive;
    rare->user_timeout_ms = options->user_timeout_ms;
    rare->connect_timeout_ms = options->connect_timeout_ms;
    return 0;
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
    ev_init(&socket->io, on_event);
    socket->io.fd = -1;
    socket->io.data = loop;
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
    socket_stop_watchers(socket);
    if (socket->idle != NULL)
        timeout_stop(&loop_of(socket)->timeouts, &socket->idle->timeout);
    if (socket->rare != NULL) {
        connector_free(socket->rare->connector);
        socket->rare->connector = NULL;
    }
    write_queue_free(&socket->queue);
    if (socket->io.fd >= 0)
        close(socket->io.fd);
    socket->io.fd = -1;
}

/* The one way to CLOSING. */
static void start_closing(struct prong_socket *socket, int error, enum socket_call call)
{
    socket_enter(socket, PRONG_SOCKET_CLOSING);
    socket->error = (int16_t)error;
    socket->failed_call = call;
    close_now(socket);
    if (socket->server != NULL)
        server_discount(socket->server, true);
    socket_defer(socket);
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
    socket_enter(socket, PRONG_SOCKET_CLOSED);
    if (server != NULL) {
        server_discount(server, false);
        server_forget(server, socket, false);
    }
    prong_socket_release(socket);
}

/* --- Idle time --- */

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

int prong_socket_set_timeout(struct prong_socket *socket, uint32_t timeout_ms)
{
    struct socket_idle *idle = socket->idle;

    if (socket->state >= PRONG_SOCKET_CLOSING)
        return 0;
    if (timeout_ms == 0) {
        free_idle(socket);
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
