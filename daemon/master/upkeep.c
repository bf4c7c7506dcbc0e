/* SPDX-License-Identifier: MIT
 *
 * Recycling, rebalancing, and handles that are left over.
 */
#include "upkeep.h"

#include <errno.h>
#include <ev.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "clock.h"
#include "config.h"
#include "generation.h"
#include "log.h"
#include "master_internal.h"
#include "pairing.h"
#include "rebalance.h"
#include "retirement.h"
#include "scoreboard.h"
#include "slot.h"

#define PERIOD_S 1.0

/* Uneven: the heaviest worker has this much more than the mean, for so many looks in a row. */
#define UNEVEN_RATIO 1.10
#define UNEVEN_LOOKS 5

/* Connections that move in one look: rebalancing must not be felt. */
#define MOVES_PER_LOOK 1000

struct upkeep {
    struct master *master;
    ev_timer timer;
    unsigned uneven_looks;
    bool has_recycled; /* the new worker is owed its share */
};

/* --- Limits of a worker --- */

static uint64_t served(const struct slot *slot)
{
    const struct generation *generation = slot->generation;
    uint64_t sum = 0;

    for (unsigned server = 0; server < generation->config->server_count; server++) {
        const struct scoreboard_server *cell =
            scoreboard_server(generation->scoreboard, generation->number, slot->index, server);

        if (cell != NULL)
            sum += atomic_load_explicit(&cell->accepted, memory_order_relaxed);
    }
    return sum - slot->served_before;
}

/* 0 when it cannot be told. */
static uint64_t resident_bytes(pid_t pid)
{
    char path[64], line[256] = "", *resident;
    uint64_t pages;
    FILE *file;

    snprintf(path, sizeof(path), "/proc/%d/statm", (int)pid);
    file = fopen(path, "re");
    if (file == NULL)
        return 0;
    if (fgets(line, sizeof(line), file) == NULL)
        line[0] = '\0';
    fclose(file);
    (void)strtoull(line, &resident, 10); /* the first number is the whole address space */
    pages = strtoull(resident, NULL, 10);
    return pages * (uint64_t)sysconf(_SC_PAGESIZE);
}

/* A tenth more at most, another for each worker, so that they do not go together. */
static uint64_t allowed_age_ms(const struct slot *slot, uint64_t limit_ms)
{
    return limit_ms + limit_ms / 10 * ((unsigned)slot->pid * 2654435761U % 1000) / 1000;
}

/* NULL: none.  Otherwise the option that it exceeds. */
static const char *exceeded_limit(const struct slot *slot)
{
    const struct config_daemon *limits = &slot->generation->config->daemon;
    uint64_t age_ms =
        clock_ms() - atomic_load_explicit(&slot->cell->started_ms, memory_order_relaxed);

    if (limits->worker_max_connections_served > 0 &&
        served(slot) >= limits->worker_max_connections_served)
        return "worker_max_connections_served";
    if (limits->worker_max_memory_bytes > 0 &&
        resident_bytes(slot->pid) > limits->worker_max_memory_bytes)
        return "worker_max_memory";
    if (limits->worker_max_age_ms > 0 && age_ms > allowed_age_ms(slot, limits->worker_max_age_ms))
        return "worker_max_age";
    return NULL;
}

/* --- Recycling --- */

static bool all_ready(const struct generation *generation)
{
    for (unsigned i = 0; i < generation->slot_count; i++) {
        if (generation->slots[i].state != SLOT_READY)
            return false;
    }
    return true;
}

static void recycle(struct upkeep *upkeep, struct slot *slot, const char *why)
{
    struct generation *generation = slot->generation;

    log_notice("worker recycled slot=%u pid=%d reason=%s", slot->index, (int)slot->pid, why);
    if (generation->slot_count == 1) {
        reload_request(upkeep->master->reload, NULL, false);
        return;
    }
    for (unsigned i = 0; i < generation->slot_count; i++) {
        if (i != slot->index && generation->slots[i].state == SLOT_READY)
            (void)pairing_connect(slot, &generation->slots[i]);
    }
    slot->served_before += served(slot);
    slot_leave(slot, generation->config->daemon.shutdown_timeout_ms);
    upkeep->has_recycled = true;
}

int upkeep_recycle(struct upkeep *upkeep, unsigned slot)
{
    struct generation *generation = generation_list_current(&upkeep->master->generations);

    if (generation == NULL || slot >= generation->slot_count ||
        generation->slots[slot].state != SLOT_READY)
        return -ENOENT;
    recycle(upkeep, &generation->slots[slot], "command");
    return 0;
}

static void look_at_limits(struct upkeep *upkeep, struct generation *generation)
{
    for (unsigned i = 0; i < generation->slot_count; i++) {
        const char *limit = exceeded_limit(&generation->slots[i]);

        if (limit == NULL)
            continue;
        recycle(upkeep, &generation->slots[i], limit);
        return; /* one at a time */
    }
}

/* --- Rebalancing --- */

static void look_at_spread(struct upkeep *upkeep, struct generation *generation)
{
    const struct scoreboard *scoreboard = upkeep->master->scoreboard;
    struct spread spread = rebalance_spread(generation, scoreboard);
    bool is_uneven = spread.max_to_mean > UNEVEN_RATIO &&
                     spread.most * spread.workers > spread.connections + 4 * spread.workers;

    upkeep->uneven_looks = is_uneven ? upkeep->uneven_looks + 1 : 0;
    if (upkeep->has_recycled) {
        upkeep->has_recycled = rebalance_now(generation, scoreboard, MOVES_PER_LOOK, false) > 0;
    } else if (generation->config->daemon.rebalance && upkeep->uneven_looks >= UNEVEN_LOOKS) {
        rebalance_now(generation, scoreboard, MOVES_PER_LOOK, true);
    }
}

/* --- Life --- */

static void on_look(struct ev_loop *loop, ev_timer *timer, int revents)
{
    struct upkeep *upkeep = timer->data;
    struct generation *generation = generation_list_current(&upkeep->master->generations);

    (void)loop;
    (void)revents;
    if (upkeep->master->state != MASTER_RUNNING || generation == NULL || !generation->accepts)
        return;
    retirement_look(upkeep->master, generation);
    if (!all_ready(generation))
        return;
    look_at_limits(upkeep, generation);
    if (all_ready(generation))
        look_at_spread(upkeep, generation);
}

struct upkeep *upkeep_new(struct master *master)
{
    struct upkeep *upkeep = calloc(1, sizeof(*upkeep));

    if (upkeep == NULL)
        return NULL;
    upkeep->master = master;
    ev_timer_init(&upkeep->timer, on_look, PERIOD_S, PERIOD_S);
    upkeep->timer.data = upkeep;
    return upkeep;
}

void upkeep_start(struct upkeep *upkeep)
{
    ev_timer_start(upkeep->master->loop, &upkeep->timer);
}

void upkeep_free(struct upkeep *upkeep)
{
    if (upkeep == NULL)
        return;
    ev_timer_stop(upkeep->master->loop, &upkeep->timer);
    free(upkeep);
}
