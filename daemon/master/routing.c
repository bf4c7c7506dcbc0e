/* SPDX-License-Identifier: MIT
 *
 * Telling the kernel.
 */
#include "routing.h"

#include <errno.h>
#include <stdlib.h>

#include "generation.h"
#include "listeners.h"
#include "log.h"
#include "reuseport.h"
#include "slot.h"

size_t routing_group_end(const struct generation *generation, size_t first)
{
    size_t end = first + 1;

    while (end < generation->listener_count && generation->listeners[end].listener->nth > 0)
        end++;
    return end;
}

/* --- Who is chosen --- */

static bool is_ready(const struct generation *generation, unsigned slot)
{
    return generation->slots[slot].state == SLOT_READY;
}

/* Those of workers that are ready, or whose owner may be in any state. */
static unsigned choose(const struct generation *generation, size_t first, bool ready_only,
                       unsigned *chosen)
{
    unsigned count = 0;

    for (size_t i = first; i < routing_group_end(generation, first); i++) {
        unsigned owner = generation_owner(generation, &generation->listeners[i]);

        if (owner == INHERITED_BY_ALL ||
            (owner != INHERITED_BY_NOBODY && (!ready_only || is_ready(generation, owner))))
            chosen[count++] = generation->listeners[i].listener->nth;
    }
    return count;
}

static int route(const struct generation *generation, size_t first)
{
    size_t size = routing_group_end(generation, first) - first;
    unsigned *chosen = calloc(size, sizeof(*chosen));
    unsigned count;
    int error;

    if (chosen == NULL)
        return -ENOMEM;
    count = choose(generation, first, true, chosen);
    if (count == 0)
        count = choose(generation, first, false, chosen);
    error = reuseport_choose(generation->listeners[first].listener->fd, chosen, count);
    free(chosen);
    return error;
}

void routing_follow(const struct generation *generation)
{
    if (!generation->accepts || generation->state != GENERATION_SERVING)
        return;
    for (size_t first = 0; first < generation->listener_count;
         first = routing_group_end(generation, first)) {
        int error = 0;

        if (routing_group_end(generation, first) > first + 1)
            error = route(generation, first);
        if (error < 0) /* everybody's queue is looked after, whoever is chosen */
            log_code(LOG_LEVEL_WARNING, error, "the kernel leads clients to workers as before");
    }
}

/* --- A generation begins --- */

/* One that was on its way out stays: the reference of those who closed it is not needed. */
static void settle(const struct generation *generation, const struct generation_listener *entry)
{
    struct listener *listener = entry->listener;
    enum listener_state state = generation_owner(generation, entry) != INHERITED_BY_NOBODY
                                    ? LISTENER_SERVING
                                    : LISTENER_RETIRED;

    if (listener->state == LISTENER_CLOSING)
        listeners_release(generation->registry, listener);
    if (listener->state != state)
        listener_enter(listener, state);
}

void routing_begin(const struct generation *generation)
{
    for (size_t i = 0; i < generation->listener_count; i++)
        settle(generation, &generation->listeners[i]);
    routing_follow(generation);
}
