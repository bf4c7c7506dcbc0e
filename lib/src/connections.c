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

#include <assert.h>

/* One running prong_server_each_connection(): they nest, and any of their sockets may vanish. */
struct visit {
    struct visit *outer;
    struct prong_socket *next;
};

void prong_server_each_connection(struct prong_server *server,
                                  bool (*visit)(struct prong_socket *socket, void *user),
                                  void *user)
{
    struct visit place = {.outer = server->visits, .next = server->first};
    bool go_on = true;

    server->holds++;
    server->visits = &place;
    while (go_on && place.next != NULL && !server->freed) {
        struct prong_socket *socket = place.next;

        place.next = socket->next;
        if (socket->state < PRONG_SOCKET_CLOSING)
            go_on = visit(socket, user);
    }
    server->visits = place.outer;
    server_release(server);
}

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
