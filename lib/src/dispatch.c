/* SPDX-License-Identifier: MIT
 *
 * The watcher of a socket, and the order in which it calls the user.
 *
 * Work that an API call must not do itself (invariant: no callback from inside a call) is
 * deferred: the socket feeds its own watcher, and libev calls on_event() right after the running
 * callback.  That needs no list, no memory, and cannot fail.
 */
#include "attempts.h"
#include "connector.h"
#include "hangup.h"
#include "pipe_internal.h"
#include "server_internal.h"
#include "socket_internal.h"

#include <errno.h>
#include <stdlib.h>

static const char *const call_names[] = {
    [CALL_NONE] = "",           [CALL_READ] = "read",
    [CALL_WRITE] = "write",     [CALL_SHUTDOWN] = "shutdown",
    [CALL_CONNECT] = "connect", [CALL_GETADDRINFO] = "getaddrinfo",
};

/* --- Callbacks: the emit_*() functions of lib/src are the only places that call the user --- */

/* What only a connect that fails needs. */
static void forget_attempts(struct socket_rare *rare)
{
    attempts_free(rare->attempts);
    rare->attempts = NULL;
    free(rare->host);
    rare->host = NULL;
}

static void emit_connect(struct prong_socket *socket)
{
    socket->due_connect = false;
    if (socket->events->on_connect != NULL)
        socket->events->on_connect(socket);
    if (!socket_is_connected(socket))
        return;
    forget_attempts(socket->rare);
    if (socket->rare->reset_wanted && prong_socket_reset(socket) == 0)
        return;
    socket_trim(socket);
    if (socket->end_wanted && socket->state == PRONG_SOCKET_OPEN)
        output_end(socket);
}

/* Those whose bytes are in the kernel. */
static void emit_written(struct prong_socket *socket)
{
    while (socket_is_connected(socket) &&
           written_is_due(&socket->rare->written, socket->bytes_written))
        written_call_first(&socket->rare->written, socket, 0);
}

static void emit_drain(struct prong_socket *socket)
{
    socket->due_drain = false;
    pipe_drain(socket);
    if (socket->events->on_drain != NULL)
        socket->events->on_drain(socket);
}

static void emit_writable(struct prong_socket *socket)
{
    socket->wants_writable = false;
    if (socket->events->on_writable != NULL)
        socket->events->on_writable(socket);
}

static void emit_end(struct prong_socket *socket)
{
    socket->end_delivered = true;
    if (socket->events->on_end != NULL)
        socket->events->on_end(socket);
    if (!socket_is_connected(socket))
        return;
    pipe_end(socket);
    /* The peer is done, and so are we, unless somebody asked for half-open (R87). */
    if (socket->state == PRONG_SOCKET_OPEN && !socket->allow_half_open)
        output_end(socket);
}

static void emit_finish(struct prong_socket *socket)
{
    socket->due_finish = false;
    if (socket->events->on_finish != NULL)
        socket->events->on_finish(socket);
}

static void emit_hangup(struct prong_socket *socket)
{
    socket->due_hangup = false;
    /* Read on meanwhile: on_end will tell.  Paused again later, the watch begins anew. */
    if (!socket->paused) {
        hangup_forget(socket);
        return;
    }
    if (socket->hangup_told)
        return;
    socket->hangup_told = true;
    if (socket->events->on_hangup != NULL)
        socket->events->on_hangup(socket);
}

static void add_connect_details(const struct socket_rare *rare, struct prong_error_info *info)
{
    const struct attempts *attempts = rare->attempts;

    if (attempts == NULL || attempts->failed == NULL)
        return;
    info->syscall = attempts->failed->syscall;
    info->address = attempts->failed->address;
    info->local = attempts->local;
}

static void emit_error(struct prong_socket *socket)
{
    struct prong_error_info info = {.code = socket->error,
                                    .syscall = call_names[socket->failed_call]};

    if (socket->rare != NULL && socket->failed_call == CALL_CONNECT)
        add_connect_details(socket->rare, &info);
    if (socket->rare != NULL && socket->failed_call == CALL_GETADDRINFO)
        info.host = socket->rare->host;
    if (socket->events->on_error != NULL)
        socket->events->on_error(socket, &info);
}

/* What did not leave never will.  Only the write that the kernel refused is told why. */
static void emit_unwritten(struct prong_socket *socket)
{
    struct written_list *written = &socket->rare->written;
    int error = socket->failed_call == CALL_WRITE ? socket->error : -ECANCELED;

    while (socket->family != 0 && written_is_due(written, socket->bytes_written))
        written_call_first(written, socket, 0);
    if (socket->family == 0)
        error = PRONG_EBEFORECONNECT;
    else if (socket->state == PRONG_SOCKET_CLOSED)
        error = PRONG_EMOVED;
    while (written->first != NULL) {
        written_call_first(written, socket, error);
        if (socket->failed_call == CALL_WRITE)
            error = -ECANCELED;
    }
}

/* Of a socket that was detached and stays until its writes know. */
static void emit_moved(struct prong_socket *socket)
{
    if (socket->rare == NULL || socket->rare->written.first == NULL)
        return;
    emit_unwritten(socket);
    prong_socket_release(socket);
}

static void emit_close(struct prong_socket *socket)
{
    struct prong_server *server;

    if (socket->rare != NULL)
        emit_unwritten(socket);
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
    return socket->peer_ended && !socket->end_delivered && !socket->paused && !socket->due_unread;
}

static void settle_output(struct prong_socket *socket)
{
    if (socket_is_connected(socket) && socket->rare != NULL)
        emit_written(socket);
    if (socket->state != PRONG_SOCKET_OPEN || !socket->due_drain) /* not after end() (R75) */
        return;
    if (socket->queue == NULL) {
        emit_drain(socket);
        return;
    }
    /* Filled again before it was told: it is owed until that is sent, too. */
    socket->due_drain = false;
    socket->need_drain = true;
}

/* Calls what is due, in the order of Node (R92), each only while the socket is still connected. */
static void settle(struct prong_socket *socket)
{
    if (socket_is_connected(socket) && socket->due_connect) {
        emit_connect(socket);
        if (socket_is_connected(socket))
            output_flush(socket);
    }
    if (socket_is_connected(socket) && socket->due_unread && !socket->paused)
        input_deliver_unread(socket);
    settle_output(socket);
    if (socket_is_connected(socket) && socket->due_hangup)
        emit_hangup(socket);
    if (socket_is_connected(socket) && end_is_due(socket))
        emit_end(socket);
    if (socket->state == PRONG_SOCKET_ENDING)
        output_finish(socket);
    /* on_end may have written, too: that is told of first (R77). */
    if (socket->due_finish)
        settle_output(socket);
    if (socket_is_connected(socket) && socket->due_finish)
        emit_finish(socket);
}

/* Both directions are done, or nobody waits for the other one. */
static bool is_done(const struct prong_socket *socket)
{
    if (!socket->finished)
        return false;
    return (socket->end_delivered && !socket->stays) ||
           (socket->destroy_soon && !server_lingers(socket));
}

static void on_connected_event(struct prong_socket *socket, int revents)
{
    if (revents & EV_READ)
        input_read(socket);
    if (revents & EV_WRITE && socket_is_connected(socket))
        output_flush(socket);
    if (!socket->started)
        return;
    settle(socket);
    if (socket->wants_writable && revents & EV_WRITE && output_can_write_through(socket))
        emit_writable(socket);
    if (!socket_is_connected(socket))
        return;
    if (is_done(socket)) {
        prong_socket_destroy(socket, 0);
        return;
    }
    if (hangup_is_wanted(socket))
        hangup_watch(socket);
    socket_update_watchers(socket);
}

static void on_event(struct ev_loop *ev, struct ev_io *io, int revents)
{
    struct prong_socket *socket = (struct prong_socket *)io;

    (void)ev;
    if (revents & EV_CUSTOM)
        socket->deferred = false;
    switch ((enum prong_socket_state)socket->state) {
    case PRONG_SOCKET_NEW:
        break;
    case PRONG_SOCKET_CONNECTING:
        connector_begin(socket->rare->connector);
        break;
    case PRONG_SOCKET_OPEN:
    case PRONG_SOCKET_ENDING:
        prong_socket_hold(socket);
        on_connected_event(socket, revents);
        prong_socket_release(socket);
        break;
    case PRONG_SOCKET_CLOSING:
        emit_close(socket);
        break;
    case PRONG_SOCKET_CLOSED:
        emit_moved(socket);
        break;
    }
}

/* --- The watcher --- */

void socket_init_watcher(struct prong_socket *socket)
{
    ev_init(&socket->io, on_event);
    socket->io.fd = -1;
}

static int wanted_events(const struct prong_socket *socket)
{
    int events = 0;

    if (!socket->started || !socket_is_connected(socket))
        return 0;
    if ((!socket->paused || server_lingers(socket)) && !socket->peer_ended)
        events |= EV_READ;
    if ((socket->queue != NULL || socket->wants_writable) && socket->corked == 0)
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

    if (hangup_is_wanted(socket))
        socket_defer(socket); /* the watch begins when it is still wanted then */
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
