/* SPDX-License-Identifier: MIT
 *
 * How a service accepts: which of its handles this worker watches, and who decides about that.
 *
 * A handle for all workers is the gate's (gate.h), or with `accept = shared` watched plainly; of
 * those of single workers (`accept = reuseport`) its own is watched plainly, the others are the
 * warden's (warden.h).  Where clients wait for a place, the turnstile (turnstile.h) holds all of
 * them while there is none.
 */
#ifndef PRONGD_ACCEPTING_H
#define PRONGD_ACCEPTING_H

#include <stdbool.h>
#include <stdint.h>

struct service;

/* Accepts from now on.  A service does not accept before. */
void accepting_begin(struct service *service);

/* Another worker says so: its load has changed, or there may be a place. */
void accepting_reconsider(struct service *service);

/* A connection of ours is gone. */
void accepting_note_end(struct service *service);

/* Before each accept. */
bool accepting_may_accept(struct service *service);

/* At the end of each turn of the loop. */
void accepting_settle(struct service *service);

/* For the turnstile: nothing is watched while it is held. */
void accepting_hold(struct service *service, bool held);

/* For the turnstile: accepts who waits now, as the gate allows. */
void accepting_take(struct service *service);

/* Accepts nobody, but stays open for connections that come back from a handoff. */
void accepting_end(struct service *service);

/* Closes the handle with this inode number, if it is nobody's and here. */
void accepting_close_handle(struct service *service, uint64_t inode);

#endif
