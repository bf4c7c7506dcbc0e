/* SPDX-License-Identifier: MIT
 *
 * The inside of a keeper, shared by keeper.c and the nouns that follow.
 */
#ifndef PRONGD_KEEPER_INTERNAL_H
#define PRONGD_KEEPER_INTERNAL_H

#include <ev.h>
#include <stdbool.h>

#include "access_end.h"
#include "allowance.h"
#include "ipc.h"
#include "job.h"
#include "message.h"
#include "runs.h"

struct access_log;
struct environment;
struct keeping;
struct listing;
struct run;

/*  TAKING → FINISHING → ENDING        TAKING → ENDING */
enum keeper_state {
    KEEPER_TAKING,
    KEEPER_FINISHING, /* only what waits already */
    KEEPER_ENDING     /* with the last program */
};

struct keeper {
    enum keeper_state state;
    struct keeping *keeping;
    struct ev_loop *loop;
    struct ipc *channel; /* NULL: the master is gone */
    ev_io work;
    ev_signal child;
    ev_timer burial; /* more children have ended than are buried in one turn */
    ev_timer retry;
    ev_timer report;
    ev_timer termination;
    struct allowance allowance;
    struct access_log *access_log; /* NULL: there is none */
    struct environment *environment;
    struct runs runs;
    struct run *remnants; /* of which more than the program was left */
    struct message_programs programs;
    struct job held; /* there is no room for its program yet, and nothing is taken before it */
    bool holds;
    bool is_short;            /* of descriptors, which was logged */
    struct listing *listings; /* that are being written */
};

/* The only place that changes the state. */
void keeper_enter(struct keeper *keeper, enum keeper_state state);

/* Ends the loop when nothing is left to do. */
void keeper_conclude(struct keeper *keeper);

/* Tells the master what it runs. */
void keeper_report(struct keeper *keeper);

/* The same soon: something has changed. */
void keeper_report_soon(struct keeper *keeper);

/* Answers a question of the master with MESSAGE_TOLD; borrows the descriptor (-1: none). */
void keeper_tell(struct keeper *keeper, const struct message_told *told, size_t size, int fd);

/* --- jobs.c --- */

/* Takes what waits; unless it is about to end, others have their turn after a while. */
void jobs_take(struct keeper *keeper);

/* There may be room for the one that is held: it goes first, then others. */
void jobs_try_again(struct keeper *keeper);

/* The one that is held, if it is this connection, gets no program.  False: it is another. */
bool jobs_drop_held(struct keeper *keeper, uint64_t connection, enum access_end end);

void jobs_start(struct keeper *keeper);

/* --- children.c --- */

void children_start(struct keeper *keeper);

/* --- orders.c --- */

void orders_init(struct keeper *keeper);

extern const struct ipc_events keeper_channel_events;

#endif
