/* SPDX-License-Identifier: MIT
 *
 * Upkeep: what the master looks after once a second while the service runs.
 *
 * Workers that reached a limit are replaced, one at a time: they give their connections to the
 * others, and the new one gets its share.  With `rebalance = yes` connections are evened out when
 * they have been uneven for some seconds.
 */
#ifndef PRONGD_UPKEEP_H
#define PRONGD_UPKEEP_H

struct master;
struct upkeep;

/* NULL with errno ENOMEM. */
struct upkeep *upkeep_new(struct master *master);

void upkeep_start(struct upkeep *upkeep);

/* Replaces the worker of a slot of the current generation.  0, or -ENOENT when no ready worker is
 * in it. */
int upkeep_recycle(struct upkeep *upkeep, unsigned slot);

/* Accepts NULL. */
void upkeep_free(struct upkeep *upkeep);

#endif
