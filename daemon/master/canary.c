/* SPDX-License-Identifier: MIT
 *
 * Comparing the canary with the others, once a second.
 */
#include "canary.h"

#include <inttypes.h>
#include <stdatomic.h>
#include <stdio.h>

#include "clock.h"
#include "config.h"
#include "generation.h"
#include "scoreboard.h"
#include "slot.h"

#define LOOK_S 1.0
#define LATE_S 3.0

/* A loop turns at least once a second. */
#define SILENT_MS 5000

/* Fewer errors than this are an accident, and so is a rate that is not both twice as high and
 * higher by a twentieth. */
#define LEAST_FAILED 5
#define HIGHER_TIMES 2.0
#define HIGHER_BY    0.05

static double rate(struct canary_sample sample)
{
    return sample.closed > 0 ? (double)sample.failed / (double)sample.closed : 0;
}

bool canary_is_worse(struct canary_sample canary, struct canary_sample others)
{
    return canary.failed >= LEAST_FAILED && rate(canary) > HIGHER_TIMES * rate(others) &&
           rate(canary) > rate(others) + HIGHER_BY;
}

/* --- Counting --- */

static void add_generation(struct canary_sample *sample, const struct generation *generation)
{
    for (unsigned server = 0; server < generation->config->server_count; server++) {
        const struct scoreboard_server *cells =
            scoreboard_server(generation->scoreboard, generation->number, 0, server);

        for (unsigned slot = 0; cells != NULL && slot < generation->slot_count; slot++) {
            sample->closed += atomic_load_explicit(&cells[slot].closed, memory_order_relaxed);
            sample->failed += atomic_load_explicit(&cells[slot].failed, memory_order_relaxed);
        }
    }
}

static struct canary_sample count(const struct generation *generation)
{
    struct canary_sample sample = {0};

    if (generation != NULL)
        add_generation(&sample, generation);
    return sample;
}

static struct canary_sample since(struct canary_sample now, struct canary_sample before)
{
    return (struct canary_sample){now.closed - before.closed, now.failed - before.failed};
}

/* --- Looking --- */

static void tell_worse(struct canary *canary, struct canary_sample own, struct canary_sample others)
{
    char why[256];

    snprintf(why, sizeof(why),
             "the first new worker did worse than the old ones: %" PRIu64 " of its %" PRIu64
             " connections failed, %" PRIu64 " of %" PRIu64 " of theirs",
             own.failed, own.closed, others.failed, others.closed);
    canary->events->on_worse(why, canary->user);
}

/* A look that comes late says nothing: the machine or the master stood still, and workers with it.
 */
static bool hangs(struct canary *canary)
{
    double last = canary->looked_at;

    canary->looked_at = clock_s();
    return canary->looked_at < last + LATE_S &&
           slot_silent_ms(&canary->generation->slots[0]) > SILENT_MS;
}

static void on_look(struct ev_loop *loop, ev_timer *timer, int revents)
{
    struct canary *canary = timer->data;
    struct canary_sample own = count(canary->generation);
    struct canary_sample others =
        since(count(generation_list_current(canary->generations)), canary->before);

    (void)revents;
    if (hangs(canary)) {
        canary_stop(canary, loop);
        canary->events->on_worse("the first new worker hangs", canary->user);
    } else if (canary_is_worse(own, others)) {
        canary_stop(canary, loop);
        tell_worse(canary, own, others);
    } else if (clock_s() >= canary->until) {
        canary_stop(canary, loop);
        canary->events->on_passed(canary->user);
    }
}

void canary_init(struct canary *canary, const struct generation_list *generations,
                 const struct canary_events *events, void *user)
{
    *canary = (struct canary){.generations = generations, .events = events, .user = user};
    ev_init(&canary->look, on_look);
    canary->look.data = canary;
}

void canary_start(struct canary *canary, struct ev_loop *loop, const struct generation *generation,
                  uint64_t duration_ms)
{
    double duration_s = (double)duration_ms / 1000;
    double look_s = duration_s < LOOK_S ? duration_s : LOOK_S;

    canary->generation = generation;
    canary->before = count(generation_list_current(canary->generations));
    canary->looked_at = clock_s();
    canary->until = clock_s() + duration_s;
    ev_timer_set(&canary->look, look_s, look_s);
    ev_timer_start(loop, &canary->look);
}

void canary_stop(struct canary *canary, struct ev_loop *loop)
{
    ev_timer_stop(loop, &canary->look);
    canary->generation = NULL;
}
