/* SPDX-License-Identifier: MIT
 *
 * The exchange: which connections this worker gives away, to whom, and which it takes.
 *
 * The master makes the socket pairs and says what is wanted; handoff.c moves the bytes.  A few
 * batches leave with each turn of the loop, so that no client waits for the whole move.
 */
#ifndef PRONGD_EXCHANGE_H
#define PRONGD_EXCHANGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "message.h"

struct ev_loop;
struct exchange;
struct prong_loop;
struct scoreboard;
struct service;

struct exchange_result {
    uint32_t moved;
    uint32_t departed; /* of those: to a worker of another generation */
    uint32_t kept;     /* they end here: no such server there, or the handler cannot move them */
};

struct exchange_events {
    /* Everything that can move has moved; nothing is under way. */
    void (*on_done)(const struct exchange_result *result, void *user);
};

struct exchange_place {
    struct ev_loop *ev;
    struct prong_loop *loop;
    struct scoreboard *scoreboard;
    struct service *services;
    size_t service_count;
    uint64_t generation; /* of this worker */
    uint32_t slot;
    uint64_t handoff_timeout_ms; /* how long a handler may ask to wait for a message's end */
};

/* Borrows everything.  NULL with errno. */
struct exchange *exchange_new(const struct exchange_place *place,
                              const struct exchange_events *events, void *user);

/* One end of a pair.  Takes `fd` in every case; `peer` is checked.  0 or a negative code. */
int exchange_add_giver(struct exchange *exchange, int fd, const struct message_peer *peer,
                       size_t size);
int exchange_add_taker(struct exchange *exchange, int fd, const struct message_peer *peer,
                       size_t size);

/* Gives `count` connections away, or all with SIZE_MAX.  on_done follows, from the loop. */
void exchange_give(struct exchange *exchange, size_t count);

/* Gives some away: idle ones first, and with `spares` none that moved lately, so that perhaps fewer
 * go.  While some are being given, it says how many it is still to be. */
void exchange_give_some(struct exchange *exchange, size_t count, bool spares);

/* Is it giving, and on_done still to come? */
bool exchange_is_giving(const struct exchange *exchange);

/* The service ends: what cannot be given at once stays here.  on_done follows. */
void exchange_hurry(struct exchange *exchange);

/* Ends what is under way, without on_done: every connection of this worker is about to be closed.
 * What was sent and not answered is the other worker's if it lives. */
void exchange_stop(struct exchange *exchange);

/* Closes the channels that bring connections: what is not answered yet stays with its giver. */
void exchange_stop_taking(struct exchange *exchange);

/* Accepts NULL.  Nothing may be under way, or the process is about to end. */
void exchange_free(struct exchange *exchange);

#endif
