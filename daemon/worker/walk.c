/* SPDX-License-Identifier: MIT
 *
 * From server to server, from connection to connection.
 */
#include "walk.h"

#include <errno.h>
#include <ev.h>
#include <prong/server.h>
#include <stdlib.h>

#include "service.h"

/* Connections for each turn: well below a millisecond. */
#define SLICE 256

struct walk {
    struct walk *next;
    struct walks *walks;
    const struct walk_events *events;
    void *user;
    struct prong_server_cursor *cursor; /* NULL: the next address is to be begun */
    size_t service, server;             /* where the cursor is, or is to be */
    ev_timer turn;
};

static void unlink_walk(struct walk *walk)
{
    struct walk **link = &walk->walks->first;

    while (*link != walk)
        link = &(*link)->next;
    *link = walk->next;
}

/* It is in the list no more. */
static void finish(struct walk *walk, bool is_whole)
{
    ev_timer_stop(walk->walks->ev, &walk->turn);
    prong_server_cursor_free(walk->cursor);
    walk->events->on_end(is_whole, walk->user);
    free(walk);
}

/* Puts the cursor to the next address.  1; 0: there is none left; -ENOMEM. */
static int advance(struct walk *walk)
{
    const struct walks *walks = walk->walks;

    while (walk->service < walks->service_count &&
           walk->server == walks->services[walk->service].server_count) {
        walk->service++;
        walk->server = 0;
    }
    if (walk->service == walks->service_count)
        return 0;
    walk->cursor = prong_server_cursor_new(walks->services[walk->service].servers[walk->server]);
    return walk->cursor != NULL ? 1 : -ENOMEM;
}

/* The next connection; NULL: `*end` says that there is none, or no memory to get at it. */
static struct prong_socket *step(struct walk *walk, int *end)
{
    struct prong_socket *socket = NULL;

    *end = 1;
    while (socket == NULL) {
        if (walk->cursor == NULL)
            *end = advance(walk);
        if (*end <= 0)
            return NULL;
        socket = prong_server_cursor_next(walk->cursor);
        if (socket == NULL) {
            prong_server_cursor_free(walk->cursor);
            walk->cursor = NULL;
            walk->server++;
        }
    }
    return socket;
}

static void on_turn(struct ev_loop *ev, ev_timer *timer, int revents)
{
    struct walk *walk = timer->data;
    int end = 1;

    (void)revents;
    for (unsigned i = 0; i < SLICE && end > 0; i++) {
        struct prong_socket *socket = step(walk, &end);

        if (socket != NULL && !walk->events->visit(socket, walk->service, walk->user))
            end = 0;
    }
    if (walk->events->on_slice != NULL)
        walk->events->on_slice(walk->user);
    if (end > 0) {
        ev_timer_start(ev, timer);
        return;
    }
    unlink_walk(walk);
    finish(walk, end == 0);
}

int walk_start(struct walks *walks, const struct walk_events *events, void *user)
{
    struct walk *walk = calloc(1, sizeof(*walk));

    if (walk == NULL)
        return -ENOMEM;
    walk->walks = walks;
    walk->events = events;
    walk->user = user;
    walk->next = walks->first;
    walks->first = walk;
    ev_timer_init(&walk->turn, on_turn, 0., 0.);
    walk->turn.data = walk;
    ev_timer_start(walks->ev, &walk->turn);
    return 0;
}

void walk_stop_all(struct walks *walks)
{
    struct walk *walk;

    while ((walk = walks->first) != NULL) {
        walks->first = walk->next;
        finish(walk, false);
    }
}
