/* SPDX-License-Identifier: MIT
 *
 * Sums over the cells of a generation.
 */
#include "census.h"

#include <stdatomic.h>
#include <stddef.h>

#include "config.h"
#include "generation.h"
#include "scoreboard.h"

uint64_t census_server(const struct generation *generation, unsigned server)
{
    uint64_t count = 0;

    for (unsigned slot = 0; slot < generation->slot_count; slot++) {
        const struct scoreboard_server *cell =
            scoreboard_server(generation->scoreboard, generation->number, slot, server);

        if (cell != NULL)
            count += atomic_load_explicit(&cell->connections, memory_order_relaxed);
    }
    return count;
}

uint64_t census_generation(const struct generation *generation)
{
    uint64_t count = 0;

    for (unsigned server = 0; server < generation->config->server_count; server++)
        count += census_server(generation, server);
    return count;
}
