/* SPDX-License-Identifier: MIT
 *
 * A slot: one worker's place in a generation.
 *
 * It remembers what its workers did: who lives in it, what it was told, how often it died early.
 * Processes are started and reaped by supervisor.c.
 */
#ifndef PRONGD_SLOT_H
#define PRONGD_SLOT_H

#include <ev.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "scoreboard.h"

struct generation;
struct ipc;
struct supervisor;

struct slot {
    struct supervisor *supervisor; /* NULL until it is started */
    struct generation *generation;
    struct scoreboard_worker *cell;
    unsigned index;
    enum slot_state state;
    pid_t pid;              /* 0: nobody */
    struct ipc *ipc;        /* NULL: nobody, or its channel is closed already */
    ev_timer timer;         /* how long it may stay in its state */
    double since;           /* clock_s(): it is in its state */
    double until;           /* and may be, when that has a limit */
    double ready_at;        /* clock_s() */
    unsigned early_deaths;  /* in a row */
    uint64_t served_before; /* connections accepted by the workers before this one */
};

/* An empty slot.  Borrows all of them. */
void slot_init(struct slot *slot, struct generation *generation, unsigned index,
               struct scoreboard_worker *cell);

/* Is the move in the diagram?
 *
 *     EMPTY → STARTING → READY → DRAINING → STOPPING → EMPTY
 *
 * A worker may die in any state, which leaves the slot EMPTY, or RESTING when that happened too
 * early too often; STOPPING may also follow STARTING and READY directly.
 *     RESTING → STARTING | EMPTY
 */
bool slot_may_enter(enum slot_state from, enum slot_state to);

/* The only way to change the state: asserts that the move is allowed, logs it and shows it on the
 * scoreboard.  Into a state that may last, or one that may last for `limit_s`. */
void slot_enter(struct slot *slot, enum slot_state state);
void slot_enter_for(struct slot *slot, enum slot_state state, double limit_s);

/* A process lives in it. */
bool slot_is_occupied(const struct slot *slot);

/* How long a slot rests after this many early deaths in a row: 0, 0.1 s, 0.2 s, 0.4 s … 5 s, and a
 * minute after more than `max_respawns`. */
double slot_rest_s(unsigned early_deaths, uint64_t max_respawns);

/* Does no other slot of the generation have a worker that serves, or starts? */
bool slot_is_last(const struct slot *slot);

/* Did its worker, which died now, die early: before it was ready, or within 5 s of it? */
bool slot_died_early(const struct slot *slot, double now);

/* For how long its worker's loop has not turned; 0 when it never did. */
uint64_t slot_silent_ms(const struct slot *slot);

/* Its worker accepts nobody from now on, and ends with its last connection; after `timeout_ms` it
 * is to be stopped.  One that does not serve yet is stopped.  A rest is over, without a worker. */
void slot_drain(struct slot *slot, uint64_t timeout_ms);

/* The same, but what can move goes to the workers that it was paired with. */
void slot_leave(struct slot *slot, uint64_t timeout_ms);

/* If it drains, it may do so for `timeout_ms`, counted from the beginning. */
void slot_limit_draining(struct slot *slot, uint64_t timeout_ms);

/* Its worker, which is ready, gives so many connections to those it was paired with, idle ones
 * first; with `spares` none that moved lately. */
void slot_give(struct slot *slot, uint32_t count, bool spares);

/* Its worker, which is ready, accepts from now on. */
void slot_accept(struct slot *slot);

/* Its worker hangs: it gets SIGABRT, and a while to write its core file before it is killed. */
void slot_abort(struct slot *slot);

/* Its worker ends now; after a moment it is to be killed. */
void slot_stop(struct slot *slot);

#endif
