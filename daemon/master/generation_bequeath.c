/* SPDX-License-Identifier: MIT
 *
 * What a generation leaves to a worker: in the child, right after the fork.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "commons.h"
#include "generation.h"
#include "listeners.h"

int generation_bequeath(struct generation *generation, unsigned slot,
                        struct inheritance *inheritance)
{
    memset(inheritance, 0, sizeof(*inheritance));
    inheritance->listeners =
        calloc(generation->listener_count + 1, sizeof(*inheritance->listeners));
    inheritance->commons = commons_bequeath(generation->commons, generation->config);
    if (inheritance->listeners == NULL || inheritance->commons == NULL)
        return -ENOMEM;
    for (size_t i = 0; i < generation->listener_count; i++) {
        const struct generation_listener *entry = &generation->listeners[i];

        inheritance->listeners[i] = (struct inherited_listener){
            entry->server, generation_owner(generation, entry), entry->listener->fd};
        entry->listener->fd = -1;
    }
    inheritance->listener_count = generation->listener_count;
    inheritance->nudge_fds = generation->nudge_fds;
    generation->nudge_fds = NULL;
    inheritance->access_fds = generation->access_fds;
    generation->access_fds = NULL;
    inheritance->keeper_fds = generation->keeper_fds;
    generation->keeper_fds = NULL;
    inheritance->config = generation->config;
    generation->config = NULL;
    inheritance->scoreboard = generation->scoreboard;
    inheritance->generation = generation->number;
    inheritance->slot = slot;
    inheritance->slots = generation->slot_count;
    inheritance->changes_identity = generation->changes_identity;
    inheritance->identity = generation->identity;
    return 0;
}
