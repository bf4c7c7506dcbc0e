/* SPDX-License-Identifier: MIT
 *
 * A walk over every connection of a worker, a slice with each turn of the loop: with a hundred
 * thousand of them no client waits for it.
 */
#ifndef PRONGD_WALK_H
#define PRONGD_WALK_H

#include <stdbool.h>
#include <stddef.h>

struct ev_loop;
struct prong_socket;
struct service;
struct walk;

struct walk_events {
    /* One connection, which it may close; `server`: its service's index.  False: that is enough. */
    bool (*visit)(struct prong_socket *socket, size_t server, void *user);

    /* A slice is over: what it collected may be put away.  May be NULL. */
    void (*on_slice)(void *user);

    /* Everybody was visited (true), or the worker ends before that.  Once; frees `user`. */
    void (*on_end)(bool is_whole, void *user);
};

/* All walks of a worker.  Zeroed, and the first three set; borrowed. */
struct walks {
    struct ev_loop *ev;
    struct service *services;
    size_t service_count;
    struct walk *first;
};

/* Begins with the next turn of the loop.  0, or -ENOMEM: nothing is called, `user` stays yours. */
int walk_start(struct walks *walks, const struct walk_events *events, void *user);

/* Ends all of them. */
void walk_stop_all(struct walks *walks);

#endif
