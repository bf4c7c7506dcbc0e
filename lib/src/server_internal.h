/* SPDX-License-Identifier: MIT
 *
 * Inside struct prong_server: listening.c opens and closes, server_watch.c watches, server.c
 * accepts, connections.c keeps what was accepted.
 *
 *     IDLE → RESOLVING → LISTENING → IDLE       close() leads back to IDLE from both
 *     IDLE, RESOLVING → FAILED → IDLE           on_error is owed while FAILED
 */
#ifndef PRONG_SERVER_INTERNAL_H
#define PRONG_SERVER_INTERNAL_H

#include <prong/server.h>

#include "exclusive.h"
#include "handle_file.h"
#include "loop_internal.h"
#include "socket_internal.h"

#include <ev.h>
#include <stdbool.h>
#include <stddef.h>

struct prong_lookup;

struct visit;

enum server_state { SERVER_IDLE, SERVER_RESOLVING, SERVER_LISTENING, SERVER_FAILED };

struct prong_server {
    struct ev_io io;          /* the listening handle.  Fed to itself for deferred work */
    struct ev_timer back_off; /* runs while descriptors or memory are short */
    struct prong_loop *loop;
    struct prong_server *next; /* of the loop's */
    const struct prong_server_events *events;
    void *user;
    struct prong_server_options options;
    struct prong_server_counters counters;
    struct prong_socket *first; /* its connections, until their on_close was called */
    struct visit *visits;       /* of running prong_server_each_connection()s and of cursors */
    size_t connections;
    enum server_state state;
    unsigned holds; /* one of the user until free, one of each running dispatch or visit */
    struct prong_lookup *lookup;
    char *host; /* while RESOLVING, or FAILED over it */
    struct prong_listen_options listen_options;
    struct prong_address address;
    struct handle_file file;
    struct prong_error_info failure; /* what on_error is owed */
    struct exclusive exclusive;
    unsigned to_take; /* connections to accept now, paused or not */
    bool paused;
    bool unref;
    bool referenced; /* it keeps the loop alive right now */
    bool freed;
    bool is_specific; /* it listens on one address: that is every connection's local one */
    bool deferred;
    bool due_listening;
    bool due_close;
    bool closing; /* close() was called: on_close is owed once it is empty */
};

/* --- server.c: events, accepting --- */

void server_on_event(struct ev_loop *ev, struct ev_io *io, int revents);

/* Has the loop look at what is due, soon, but not inside this call. */
void server_defer(struct prong_server *server);

/* --- server_watch.c --- */

/* Makes the watchers. */
void server_init_watchers(struct prong_server *server);

bool server_wants_to_accept(const struct prong_server *server);

/* Watches the handle exactly while the server wants to accept. */
void server_update_watcher(struct prong_server *server);

/* Descriptors or memory are short: leaves those who wait to the kernel for a moment. */
void server_back_off(struct prong_server *server);

/* When it listens no more: the handle may be closed then. */
void server_stop_watching(struct prong_server *server);

/* --- listening.c --- */

/* The only place that changes a state. */
void server_enter(struct prong_server *server, enum server_state state);

/* One hold less; frees at the last. */
void server_release(struct prong_server *server);

/* on_close follows when close() was called and the last connection is gone. */
void server_close_when_empty(struct prong_server *server);

/* --- connections.c --- */

/* The socket belongs to the server from now on, and counts. */
void server_adopt(struct prong_server *server, struct prong_socket *socket);

/* It counts no more; `closed` is false for a detached one (R30, R144). */
void server_discount(struct prong_server *server, bool closed);

/* It leaves the server for good, after its on_close. */
void server_forget(struct prong_server *server, struct prong_socket *socket, bool closed);

/* All of them live on without a server. */
void server_abandon_all(struct prong_server *server);

/* FIN is sent and nobody cares for what the peer says, but it is waited for its end. */
bool server_lingers(const struct prong_socket *socket);

/* So many bytes more, or less, wait to be sent on this socket. */
static inline void socket_queue_more(const struct prong_socket *socket, size_t size)
{
    loop_of(socket)->bytes_queued += size;
    if (socket->server != NULL)
        socket->server->counters.bytes_queued += size;
}

static inline void socket_queue_less(const struct prong_socket *socket, size_t size)
{
    loop_of(socket)->bytes_queued -= size;
    if (socket->server != NULL)
        socket->server->counters.bytes_queued -= size;
}

#endif
