/* SPDX-License-Identifier: MIT
 *
 * The connections of a server: a list, and a count.
 *
 * The count ends with destroy(); the list goes on until the socket's on_close, so that a freed
 * server reaches every socket that points at it.
 */
#include <prong/server.h>

#include "server_internal.h"
#include "socket_internal.h"
#include "write_queue.h"

#include <assert.h>
#include <stdlib.h>

/* A place in the list.  Those of running calls nest, cursors end in any order, and any of their
 * sockets may vanish. */
struct visit {
    struct visit *outer;
    struct prong_socket *next;
};

struct prong_server_cursor {
    struct visit place;
    struct prong_server *server;
};

/* --- Visiting --- */

static void begin_visit(struct prong_server *server, struct visit *place)
{
    *place = (struct visit){.outer = server->visits, .next = server->first};
    server->holds++;
    server->visits = place;
}

static void end_visit(struct prong_server *server, struct visit *place)
{
    struct visit **link = &server->visits;

    while (*link != place)
        link = &(*link)->outer;
    *link = place->outer;
    server_release(server);
}

/* The next one that does not close already. */
static struct prong_socket *go_on(const struct prong_server *server, struct visit *place)
{
    struct prong_socket *socket = NULL;

    do {
        if (server->freed)
            return NULL;
        socket = place->next;
        if (socket != NULL)
            place->next = socket->next;
    } while (socket != NULL && socket->state >= PRONG_SOCKET_CLOSING);
    return socket;
}

void prong_server_each_connection(struct prong_server *server,
                                  bool (*visit)(struct prong_socket *socket, void *user),
                                  void *user)
{
    struct prong_socket *socket;
    struct visit place;

    begin_visit(server, &place);
    do {
        socket = go_on(server, &place);
    } while (socket != NULL && visit(socket, user));
    end_visit(server, &place);
}

struct prong_server_cursor *prong_server_cursor_new(struct prong_server *server)
{
    struct prong_server_cursor *cursor = malloc(sizeof(*cursor));

    if (cursor == NULL)
        return NULL;
    cursor->server = server;
    begin_visit(server, &cursor->place);
    return cursor;
}

struct prong_socket *prong_server_cursor_next(struct prong_server_cursor *cursor)
{
    return go_on(cursor->server, &cursor->place);
}

void prong_server_cursor_free(struct prong_server_cursor *cursor)
{
    if (cursor == NULL)
        return;
    end_visit(cursor->server, &cursor->place);
    free(cursor);
}

/* --- The list --- */

static bool destroy_one(struct prong_socket *socket, void *user)
{
    (void)user;
    prong_socket_destroy(socket, 0);
    return true;
}

void prong_server_close_all(struct prong_server *server)
{
    prong_server_each_connection(server, destroy_one, NULL);
}

void server_adopt(struct prong_server *server, struct prong_socket *socket)
{
    socket->server = server;
    socket->next = server->first;
    if (server->first != NULL)
        server->first->previous = socket;
    server->first = socket;
    server->connections++;
    server->counters.bytes_queued += write_queue_bytes(socket->queue);
}

bool server_lingers(const struct prong_socket *socket)
{
    return socket->destroy_soon && socket->finished && !socket->peer_ended &&
           !socket->allow_half_open && socket->server != NULL && socket->server->options.lingers;
}

void server_discount(struct prong_server *server, bool closed)
{
    assert(server->connections > 0);
    server->connections--;
    if (closed)
        server->counters.closed++;
    else
        server->counters.detached++;
    server_close_when_empty(server);
}

static void unlink_socket(struct prong_server *server, struct prong_socket *socket)
{
    for (struct visit *visit = server->visits; visit != NULL; visit = visit->outer) {
        if (visit->next == socket)
            visit->next = socket->next;
    }
    if (socket->previous != NULL)
        socket->previous->next = socket->next;
    else
        server->first = socket->next;
    if (socket->next != NULL)
        socket->next->previous = socket->previous;
    socket->previous = socket->next = NULL;
}

void server_forget(struct prong_server *server, struct prong_socket *socket, bool closed)
{
    unlink_socket(server, socket);
    if (closed && server->events->on_connection_close != NULL)
        server->events->on_connection_close(server, socket);
    socket->server = NULL;
}

void server_abandon_all(struct prong_server *server)
{
    struct prong_socket *next;

    for (struct prong_socket *socket = server->first; socket != NULL; socket = next) {
        next = socket->next;
        socket->server = NULL;
        socket->previous = socket->next = NULL;
    }
    server->first = NULL;
}

size_t prong_server_connections(const struct prong_server *server)
{
    return server->connections;
}
