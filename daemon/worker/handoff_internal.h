/* SPDX-License-Identifier: MIT
 *
 * Inside the handoff: what its two kinds of ends share.
 *
 * handoff.c is what both have in common, giver.c and taker.c are what they have not.
 */
#ifndef PRONGD_HANDOFF_INTERNAL_H
#define PRONGD_HANDOFF_INTERNAL_H

#include <ev.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "handoff.h"
#include "handoff_wire.h"

/* Connections under way at once: enough to keep the taker busy, few enough to be short. */
#define HANDOFF_WINDOW (4 * HANDOFF_BATCH)

/* A batch that the giver has sent, or will send; it keeps the copies. */
struct sent_batch {
    struct sent_batch *next;
    bool is_sent;
    struct wire_batch wire;
};

/* A batch that the taker has read and not answered yet. */
struct taken_batch {
    struct taken_batch *next;
    struct wire_answer answer;
    void *connections[HANDOFF_BATCH];
};

struct giver {
    uint32_t sequence;
    size_t room;                   /* of the taker, by its last answer */
    size_t pending;                /* records without an answer */
    size_t pending_fds;            /* their descriptors */
    struct sent_batch *collecting; /* until it is full or flushed */
    struct sent_batch *sent;       /* the oldest first */
};

struct taker {
    struct taken_batch *taken; /* the oldest first */
    size_t told;               /* the room that the giver knows of */
    bool is_short;             /* descriptors were lost: there was less room than it thought */
    ev_timer tell;             /* runs while that is little */
};

struct handoff {
    struct ev_loop *ev;
    struct ev_io io;
    bool is_giver;
    unsigned peer;
    const struct handoff_events *events;
    void *user;
    size_t holds; /* running dispatches */
    bool freed;
    bool is_closed; /* nothing can be sent any more */
    struct giver giver;
    struct taker taker;
};

/* How it ends.  A connection must never be had by both. */
enum handoff_ending {
    /* The other end is closed.  It took what it had answered; what it had not is ours again.  What
     * it had sent is ours, too, answered or not. */
    HANDOFF_GONE,

    /* It is open, but we cannot go on: it knows nothing of what we have not said.  What it was sent
     * is its own; what it sent and has no answer for stays there. */
    HANDOFF_BROKEN
};

void handoff_watch(struct handoff *handoff, bool for_writing);

/* Sends what waits; receives one message: 1, 0 when the other end is gone, -EAGAIN, -ECONNRESET
 * (read on), or another negative code: broken; settles what is under way at the end. */
void giver_send(struct handoff *handoff);
int giver_receive(struct handoff *handoff);
void giver_settle(struct handoff *handoff, enum handoff_ending ending);

void taker_start(struct handoff *handoff);
void taker_send(struct handoff *handoff);
int taker_receive(struct handoff *handoff);
void taker_settle(struct handoff *handoff, enum handoff_ending ending);

#endif
