/* SPDX-License-Identifier: MIT
 *
 * Routing: which of the listening handles of one address get the new clients of a generation.
 *
 * With `accept = reuseport` those whose slots have a worker that is ready, and all that have a slot
 * when there is none; otherwise the first.  The rest are retired: retirement.h.
 */
#ifndef PRONGD_ROUTING_H
#define PRONGD_ROUTING_H

#include <stddef.h>

struct generation;

/* The handles of one address stand side by side; the first one behind those that begin at
 * `first`. */
size_t routing_group_end(const struct generation *generation, size_t first);

/* The generation accepts from now on. */
void routing_begin(const struct generation *generation);

/* A worker came, or went.  Harmless for a generation that does not accept. */
void routing_follow(const struct generation *generation);

#endif
