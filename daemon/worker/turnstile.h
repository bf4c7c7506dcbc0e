/* SPDX-License-Identifier: MIT
 *
 * The turnstile: with `excess = wait` nobody is accepted for whom there is no place.
 *
 * A place is reserved before each accept (quota.h).  Where max_connections allows none, the worker
 * watches nothing any more, and who comes waits in the kernel's queue.
 *
 *     OPEN ──(no place for the next one)──> SHUT
 *     SHUT ──(a place is free: told by another worker, or seen in a look every 50 ms)──> OPEN
 *
 * Whoever has a place to give tells the next worker behind it that is shut, and that one the next,
 * as long as there is a place left: so that queues of single workers have their turns.  The looks
 * are for places that nobody gives away: of a dead worker, or of an older generation.
 */
#ifndef PRONGD_TURNSTILE_H
#define PRONGD_TURNSTILE_H

#include <stdbool.h>

struct config_server;
struct service;
struct turnstile;

/* Do clients wait for a place? */
bool turnstile_is_wanted(const struct config_server *config);

/* Open.  Borrows the service, which accepts.  NULL with errno. */
struct turnstile *turnstile_new(struct service *service);

/* Before each accept: is there a place for one more?  It is kept until turnstile_settle(). */
bool turnstile_may_pass(struct turnstile *turnstile);

/* A connection of ours is gone. */
void turnstile_offer(struct turnstile *turnstile);

/* There may be a place. */
void turnstile_look(struct turnstile *turnstile);

/* At the end of each turn: gives back a place that was not used, and tells the next worker. */
void turnstile_settle(struct turnstile *turnstile);

/* Accepts NULL.  Gives back what it has. */
void turnstile_free(struct turnstile *turnstile);

#endif
