/* SPDX-License-Identifier: MIT
 *
 * A look at the heartbeats, and at keepers, once a second.
 */
#include "hang.h"

#include <ev.h>
#include <inttypes.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "clock.h"
#include "config.h"
#include "generation.h"
#include "keepers.h"
#include "log.h"
#include "master_internal.h"
#include "process_stat.h"
#include "scoreboard.h"
#include "slot.h"

#define PERIOD_S 1.0

/* A look that comes later than this says nothing, nor do those that follow for as long: the machine
 * or the master stood still, and the workers with it. */
#define LATE_MS 3000

struct hang {
    struct master *master;
    ev_timer timer;
    uint64_t last_look_ms;
    uint64_t trust_ms; /* from when on a heartbeat tells something */
};

static void abort_worker(struct slot *slot, uint64_t silent_ms)
{
    struct process_stat stat = {.state = '?'};
    uint64_t last = atomic_load_explicit(&slot->cell->callback_connection, memory_order_relaxed);
    uint32_t callback = atomic_load_explicit(&slot->cell->callback, memory_order_relaxed);
    uint64_t turns = atomic_load_explicit(&slot->cell->turns, memory_order_relaxed);

    (void)process_stat_read(slot->pid, &stat);
    log_error("worker hangs and is aborted slot=%u generation=%" PRIu64 " pid=%d silent_ms=%" PRIu64
              " process_state=%c turns=%" PRIu64 " callback=%s last_connection=%" PRIu64,
              slot->index, slot->generation->number, (int)slot->pid, silent_ms, stat.state, turns,
              scoreboard_callback_name((enum scoreboard_callback)callback), last);
    slot_abort(slot);
}

static void look_at(struct slot *slot, uint64_t timeout_ms)
{
    uint64_t silent_ms = slot_silent_ms(slot);

    if ((slot->state == SLOT_READY || slot->state == SLOT_DRAINING) && silent_ms > timeout_ms)
        abort_worker(slot, silent_ms);
}

static void on_look(struct ev_loop *loop, ev_timer *timer, int revents)
{
    struct hang *hang = timer->data;
    const struct generation *current = generation_list_current(&hang->master->generations);
    uint64_t timeout_ms = current != NULL ? current->config->daemon.worker_timeout_ms : 0;
    uint64_t now = clock_ms();

    (void)loop;
    (void)revents;
    if (now > hang->last_look_ms + LATE_MS)
        hang->trust_ms = now + LATE_MS;
    hang->last_look_ms = now;
    if (timeout_ms == 0 || now < hang->trust_ms)
        return;
    for (struct generation *generation = hang->master->generations.first; generation != NULL;
         generation = generation->next) {
        for (unsigned i = 0; i < generation->slot_count; i++)
            look_at(&generation->slots[i], timeout_ms);
    }
    keepers_look(hang->master->keepers, timeout_ms);
}

struct hang *hang_new(struct master *master)
{
    struct hang *hang = calloc(1, sizeof(*hang));

    if (hang == NULL)
        return NULL;
    hang->master = master;
    ev_timer_init(&hang->timer, on_look, PERIOD_S, PERIOD_S);
    hang->timer.data = hang;
    return hang;
}

void hang_start(struct hang *hang)
{
    hang->last_look_ms = clock_ms();
    ev_timer_start(hang->master->loop, &hang->timer);
}

void hang_free(struct hang *hang)
{
    if (hang == NULL)
        return;
    ev_timer_stop(hang->master->loop, &hang->timer);
    free(hang);
}
