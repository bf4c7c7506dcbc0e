/* SPDX-License-Identifier: MIT
 *
 * Retirement: listening handles that are left over after a change to fewer workers, or to another
 * way to accept (routing.h).
 *
 * A handle that is closed takes those along who wait in its queue.  So one stays until nobody can
 * enter the queue any more and nobody is in it; workers empty it meanwhile (worker/warden.h).
 */
#ifndef PRONGD_RETIREMENT_H
#define PRONGD_RETIREMENT_H

struct generation;
struct master;

/* Once a second: closes what can be closed.  `current`: the generation that accepts. */
void retirement_look(struct master *master, struct generation *current);

#endif
