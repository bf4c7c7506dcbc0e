/* SPDX-License-Identifier: MIT
 *
 * The gate: may this worker take one more connection of this server?
 *
 * The kernel feeds the workers that share a handle unevenly: the first one that sleeps wins.  So
 * after each accept a worker compares itself with the mean of all workers of its generation, on the
 * scoreboard, and stops watching the handle while it is above.  Decided *after* the accept and
 * never between wake-up and accept: a worker that was woken and declines would leave the connection
 * to nobody.
 *
 *     OPEN ──(above the mean, after an accept)──> CLOSED
 *     CLOSED ──(no longer above: after a close, a nudge, a look every 5 ms)──> OPEN
 *
 * A closed gate still looks after those who wait: when somebody does and the others do not come, it
 * takes them all the same.  And every gate looks into the queue every 50 ms, for a connection whose
 * wake-up went to a worker that was stopped or killed before it could accept.
 *
 * This file holds the policy and nothing else; lib/src/server.c accepts, lib/src/exclusive.c talks
 * to the kernel.
 */
#ifndef PRONGD_GATE_H
#define PRONGD_GATE_H

#include <stdbool.h>
#include <stddef.h>

#include "burden.h"

struct ev_loop;
struct gate;
struct prong_server;
struct scoreboard_server;
struct scoreboard_worker;

/* Where the gate stands.  Everything is borrowed for its life. */
struct gate_place {
    struct ev_loop *ev;
    struct scoreboard_server *cells;   /* of this server, one for each slot */
    struct scoreboard_worker *workers; /* one for each slot */
    const int *nudge_fds;              /* an eventfd for each slot, or NULL */
    unsigned slots;
    unsigned slot; /* its own */
    enum gate_metric metric;
};

/* An open gate.  NULL with errno. */
struct gate *gate_new(const struct gate_place *place);

/* Watches a listening handle of the server from now on (EPOLLEXCLUSIVE, where it is to be had).
 * Borrows it until gate_free().  0 or -ENOMEM. */
int gate_adopt(struct gate *gate, struct prong_server *handle);

/* A connection was accepted, and counts on the scoreboard already. */
void gate_accepted(struct gate *gate);

/* A connection is gone, or another worker says that we may be wanted. */
void gate_reconsider(struct gate *gate);

/* Watches nothing while it is held, whatever it decides: nobody may be accepted. */
void gate_hold(struct gate *gate, bool held);

/* Accepts who waits now, if it is open, without being told of any by the kernel. */
void gate_take(struct gate *gate);

/* Nothing is accepted and nothing watched any more.  For a worker that drains. */
void gate_stop(struct gate *gate);

/* Is every handle watched with EPOLLEXCLUSIVE? */
bool gate_is_exclusive(const struct gate *gate);

/* Accepts NULL.  Before the handles are freed. */
void gate_free(struct gate *gate);

#endif
