/* SPDX-License-Identifier: MIT
 *
 * Progress as JSON.
 */
#include "progress.h"

#include "census.h"
#include "generation.h"
#include "slot.h"

json_t *progress_check(void)
{
    return json_pack("{s:s}", "state", "checking");
}

json_t *progress_start(const struct generation *generation)
{
    int ready = 0;

    for (unsigned i = 0; i < generation->slot_count; i++)
        ready += generation->slots[i].state == SLOT_READY;
    return json_pack("{s:s, s:I, s:i, s:i}", "state", "starting", "generation",
                     (json_int_t)generation->number, "ready", ready, "workers",
                     (int)generation->slot_count);
}

json_t *progress_trial(const struct generation *generation, double left_s)
{
    return json_pack("{s:s, s:I, s:I}", "state", "canary", "generation",
                     (json_int_t)generation->number, "seconds",
                     (json_int_t)(left_s > 0 ? left_s : 0));
}

json_t *progress_leaving(const struct generation *generation)
{
    return json_pack("{s:s, s:I, s:i, s:I}", "state", "leaving", "generation",
                     (json_int_t)generation->number, "workers", (int)generation_workers(generation),
                     "connections", (json_int_t)census_generation(generation));
}

json_t *progress_stopping(const struct generation_list *generations)
{
    uint64_t connections = 0;
    unsigned workers = 0;

    for (const struct generation *generation = generations->first; generation != NULL;
         generation = generation->next) {
        workers += generation_workers(generation);
        connections += census_generation(generation);
    }
    return json_pack("{s:s, s:i, s:I}", "state", "stopping", "workers", (int)workers, "connections",
                     (json_int_t)connections);
}
