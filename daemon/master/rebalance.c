/* SPDX-License-Identifier: MIT
 *
 * Who gives how much to whom.
 */
#include "rebalance.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

#include "config.h"
#include "generation.h"
#include "log.h"
#include "pairing.h"
#include "scoreboard.h"
#include "slot.h"

/* A run of a generation's servers. */
struct range {
    unsigned first, end;
};

static struct range all_servers(const struct generation *generation)
{
    return (struct range){0, (unsigned)generation->config->server_count};
}

static uint64_t connections_in(const struct generation *generation,
                               const struct scoreboard *scoreboard, unsigned slot,
                               struct range servers)
{
    uint64_t sum = 0;

    for (unsigned server = servers.first; server < servers.end; server++) {
        const struct scoreboard_server *cell =
            scoreboard_server(scoreboard, generation->number, slot, server);

        if (cell != NULL)
            sum += atomic_load_explicit(&cell->connections, memory_order_relaxed);
    }
    return sum;
}

static uint64_t connections_of(const struct generation *generation,
                               const struct scoreboard *scoreboard, unsigned slot)
{
    return connections_in(generation, scoreboard, slot, all_servers(generation));
}

static bool counts(const struct generation *generation, unsigned slot)
{
    return generation->slots[slot].state == SLOT_READY;
}

static struct spread spread_in(const struct generation *generation,
                               const struct scoreboard *scoreboard, struct range servers)
{
    struct spread spread = {.jain = 1};
    double squares = 0;

    for (unsigned i = 0; i < generation->slot_count; i++) {
        uint64_t connections;

        if (!counts(generation, i))
            continue;
        connections = connections_in(generation, scoreboard, i, servers);
        spread.workers++;
        spread.connections += connections;
        squares += (double)connections * (double)connections;
        if (connections > spread.most)
            spread.most = connections;
    }
    if (spread.connections == 0)
        return spread;
    spread.max_to_mean = (double)spread.most * spread.workers / (double)spread.connections;
    spread.jain = (double)spread.connections * (double)spread.connections /
                  ((double)spread.workers * squares);
    return spread;
}

struct spread rebalance_spread(const struct generation *generation,
                               const struct scoreboard *scoreboard)
{
    return spread_in(generation, scoreboard, all_servers(generation));
}

struct spread rebalance_server_spread(const struct generation *generation,
                                      const struct scoreboard *scoreboard, unsigned server)
{
    return spread_in(generation, scoreboard, (struct range){server, server + 1});
}

/* Pairs a heavy worker with all that are below the mean; the exchange picks the lightest. */
static unsigned pair(struct generation *generation, const struct scoreboard *scoreboard,
                     unsigned giver, uint64_t mean)
{
    unsigned pairs = 0;

    for (unsigned i = 0; i < generation->slot_count; i++) {
        if (i == giver || !counts(generation, i) ||
            connections_of(generation, scoreboard, i) >= mean)
            continue;
        pairs += pairing_connect(&generation->slots[giver], &generation->slots[i]) == 0;
    }
    return pairs;
}

uint64_t rebalance_now(struct generation *generation, const struct scoreboard *scoreboard,
                       uint64_t limit, bool spares)
{
    struct spread spread = rebalance_spread(generation, scoreboard);
    uint64_t mean, asked = 0;

    if (spread.workers < 2)
        return 0;
    mean = (spread.connections + spread.workers - 1) / spread.workers;
    for (unsigned i = 0; i < generation->slot_count && asked < limit; i++) {
        uint64_t own = counts(generation, i) ? connections_of(generation, scoreboard, i) : 0;
        uint64_t excess = own > mean ? own - mean : 0;

        if (excess > limit - asked)
            excess = limit - asked;
        if (excess > UINT32_MAX)
            excess = UINT32_MAX;
        if (excess == 0 || pair(generation, scoreboard, i, mean) == 0)
            continue;
        slot_give(&generation->slots[i], (uint32_t)excess, spares);
        asked += excess;
    }
    if (asked > 0)
        log_notice("rebalancing generation=%llu connections=%llu max_to_mean=%.3f",
                   (unsigned long long)generation->number, (unsigned long long)asked,
                   spread.max_to_mean);
    return asked;
}
