/* SPDX-License-Identifier: MIT
 *
 * Rebalancing: evens out connections that are there already.
 *
 * The gate evens out what arrives.  Long-lived connections stay where they are, and a worker that
 * was replaced, or one whose clients have left, would stay light: so the heavy ones give what they
 * have above the mean to those below it.
 */
#ifndef PRONGD_REBALANCE_H
#define PRONGD_REBALANCE_H

#include <stdbool.h>
#include <stdint.h>

struct generation;
struct scoreboard;

/* The spread of connections over the ready workers of a generation. */
struct spread {
    unsigned workers;
    uint64_t connections;
    uint64_t most;
    double max_to_mean; /* 1: even; 0: no connections */
    double jain;        /* (Σx)² / nΣx²: 1 is even, 1/n is one for all */
};

struct spread rebalance_spread(const struct generation *generation,
                               const struct scoreboard *scoreboard);

/* Of the connections of one server. */
struct spread rebalance_server_spread(const struct generation *generation,
                                      const struct scoreboard *scoreboard, unsigned server);

/* Has the heavy workers give connections away now, idle ones first, no more than `limit` in all;
 * with `spares` none that moved in the last minute.  How many were asked for; 0: it is even. */
uint64_t rebalance_now(struct generation *generation, const struct scoreboard *scoreboard,
                       uint64_t limit, bool spares);

#endif
