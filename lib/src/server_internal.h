/* SPDX-License-Identifier: MIT
 *
 * Inside struct prong_server: server.c accepts, listening.c opens and closes.
 *
 *     IDLE → RESOLVING → LISTENING → IDLE       close() leads back to IDLE from everywhere
 */
#ifndef PRONG_SERVER_INTERNAL_H
#define PRONG_SERVER_INTERNAL_H

#include <prong/server.h>

#include "exclusive.h"
#include "handle.h"
#include "loop_internal.h"

#include <ev.h>
#include <stdbool.h>
#include <stddef.h>

struct prong_lookup;

enum server_state { SERVER_IDLE, SERVER_RESOLVING, SERVER_LISTENING };

struct prong_server {
    struct ev_io io;          /* the listening handle.  Fed to itself for deferred work */
    struct ev_timer back_off; /* runs while descriptors or memory are short */
    struct prong_loop *loop;
    const struct prong_server_events *events;
    void *user;
    struct prong_server_options options;
    struct prong_server_counters counters;
    struct prong_socket *first;   /* its connections, until their on_close was called */
    struct prong_socket *visited; /* the next one of prong_server_each_connection() */
    size_t connections;
    enum server_state state;
    unsigned holds; /* one of the user until free, one of each running dispatch */
    struct prong_lookup *lookup;
    char *host;
    struct prong_listen_options listen_options;
    struct prong_address address;
    struct handle_file file;
    struct prong_error_info failure; /* what on_error is owed */
    struct exclusive exclusive;
    unsigned to_take; /* connections to accept now, paused or not */
    bool paused;
    bool unref;
    bool freed;
    bool specific; /* it listens on one address: that is every connection's local one */
    bool deferred;
    bool due_listening;
    bool due_close;
    bool closing; /* close() was called: on_close is owed once it is empty */
};

/* --- server.c: events, accepting, connections --- */

/* Has the loop look at what is due, soon, but not inside this call. */
void server_defer(struct prong_server *server);

/* Watches the handle exactly while it listens, is not paused and is not backing off. */
void server_update_watcher(struct prong_server *server);

/* Before the handle is closed. */
void server_stop_watcher(struct prong_server *server);

void server_stop_back_off(struct prong_server *server);

/* Makes the watchers. */
void server_init_watchers(struct prong_server *server);

/* One hold less; frees at the last. */
void server_release(struct prong_server *server);

/* on_close follows when close() was called and the last connection is gone. */
void server_close_when_empty(struct prong_server *server);

/* The socket belongs to the server from now on, and counts. */
void server_adopt(struct prong_server *server, struct prong_socket *socket);

/* It counts no more; `closed` is false for a detached one (R30, R144). */
void server_discount(struct prong_server *server, bool closed);

/* It leaves the server for good, after its on_close. */
void server_forget(struct prong_server *server, struct prong_socket *socket, bool closed);

#endif
