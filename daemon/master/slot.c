/* SPDX-License-Identifier: MIT
 *
 * The states of a slot, how long it rests, and what its worker is told.
 */
#include "slot.h"

#include <assert.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>

#include "clock.h"
#include "generation.h"
#include "ipc.h"
#include "log.h"
#include "message.h"
#include "routing.h"
#include "supervisor.h"

/* A worker that lives this long after it was ready has proved itself. */
#define PROVED_AFTER_S 5.0

/* Between early deaths, while there are few; and when there were too many. */
#define SHORTEST_REST_S   0.1
#define LONGEST_BACKOFF_S 5.0
#define LONG_REST_S       60.0

/* How long a worker has to close its connections and end when it is told to. */
#define STOP_TIMEOUT_S 2.0

/* A core file may be large. */
#define ABORT_TIMEOUT_S 10.0

#define TO(state) (1U << (state))

static const unsigned allowed[] = {
    [SLOT_EMPTY] = TO(SLOT_STARTING),
    [SLOT_STARTING] = TO(SLOT_READY) | TO(SLOT_STOPPING) | TO(SLOT_EMPTY) | TO(SLOT_RESTING),
    [SLOT_READY] = TO(SLOT_DRAINING) | TO(SLOT_STOPPING) | TO(SLOT_EMPTY) | TO(SLOT_RESTING),
    [SLOT_DRAINING] = TO(SLOT_STOPPING) | TO(SLOT_EMPTY),
    [SLOT_STOPPING] = TO(SLOT_EMPTY),
    [SLOT_RESTING] = TO(SLOT_STARTING) | TO(SLOT_EMPTY),
};

void slot_init(struct slot *slot, struct generation *generation, unsigned index,
               struct scoreboard_worker *cell)
{
    memset(slot, 0, sizeof(*slot));
    slot->generation = generation;
    slot->index = index;
    slot->cell = cell;
}

bool slot_may_enter(enum slot_state from, enum slot_state to)
{
    return (allowed[from] & TO(to)) != 0;
}

void slot_enter(struct slot *slot, enum slot_state state)
{
    bool comes_or_goes = slot->state == SLOT_READY || state == SLOT_READY;

    assert(slot_may_enter(slot->state, state));
    log_debug("slot changes slot=%u generation=%llu from=%s to=%s", slot->index,
              (unsigned long long)slot->generation->number, slot_state_name(slot->state),
              slot_state_name(state));
    slot->state = state;
    slot->since = clock_s();
    atomic_store_explicit(&slot->cell->state, state, memory_order_relaxed);
    ev_timer_stop(slot->supervisor->loop, &slot->timer);
    if (comes_or_goes)
        routing_follow(slot->generation);
}

void slot_enter_for(struct slot *slot, enum slot_state state, double limit_s)
{
    slot_enter(slot, state);
    slot->until = slot->since + limit_s;
    ev_timer_set(&slot->timer, limit_s, 0.);
    ev_timer_start(slot->supervisor->loop, &slot->timer);
}

bool slot_is_occupied(const struct slot *slot)
{
    return slot->pid != 0;
}

double slot_rest_s(unsigned early_deaths, uint64_t max_respawns)
{
    double rest_s = SHORTEST_REST_S;

    if (early_deaths == 0)
        return 0;
    if (early_deaths > max_respawns)
        return LONG_REST_S;
    while (--early_deaths > 0 && rest_s < LONGEST_BACKOFF_S)
        rest_s *= 2;
    return rest_s < LONGEST_BACKOFF_S ? rest_s : LONGEST_BACKOFF_S;
}

bool slot_is_last(const struct slot *slot)
{
    const struct generation *generation = slot->generation;

    for (unsigned i = 0; i < generation->slot_count; i++) {
        const struct slot *other = &generation->slots[i];

        if (other != slot && (other->state == SLOT_READY || other->state == SLOT_STARTING))
            return false;
    }
    return true;
}

bool slot_died_early(const struct slot *slot, double now)
{
    if (slot->state == SLOT_STARTING)
        return true;
    return slot->state == SLOT_READY && now - slot->ready_at < PROVED_AFTER_S;
}

/* --- Orders --- */

/* A worker whose channel does not take an order gets a signal.  Most often it has closed the
 * channel because it is ending: so TERM, and the limit of the state sees to it that it does. */
static void order(struct slot *slot, enum message message, int signal)
{
    if (slot->ipc != NULL && ipc_send(slot->ipc, message, NULL, 0, NULL, 0) >= 0)
        return;
    kill(slot->pid, signal);
}

void slot_stop(struct slot *slot)
{
    if (slot->state == SLOT_EMPTY || slot->state == SLOT_STOPPING)
        return;
    if (!slot_is_occupied(slot)) { /* it rests, or its worker could not be started */
        slot_enter(slot, SLOT_EMPTY);
        return;
    }
    order(slot, MESSAGE_STOP, SIGTERM);
    slot_enter_for(slot, SLOT_STOPPING, STOP_TIMEOUT_S);
}

void slot_abort(struct slot *slot)
{
    kill(slot->pid, SIGABRT);
    slot_enter_for(slot, SLOT_STOPPING, ABORT_TIMEOUT_S);
}

uint64_t slot_silent_ms(const struct slot *slot)
{
    uint64_t beat = atomic_load_explicit(&slot->cell->heartbeat_ms, memory_order_relaxed);
    uint64_t now = clock_ms();

    return beat != 0 && now > beat ? now - beat : 0;
}

static void end_serving(struct slot *slot, enum message message, uint64_t timeout_ms)
{
    if (slot->state == SLOT_DRAINING)
        return;
    if (slot->state != SLOT_READY) {
        slot_stop(slot);
        return;
    }
    order(slot, message, SIGTERM);
    slot_enter_for(slot, SLOT_DRAINING, (double)timeout_ms / 1000);
}

void slot_drain(struct slot *slot, uint64_t timeout_ms)
{
    end_serving(slot, MESSAGE_DRAIN, timeout_ms);
}

void slot_leave(struct slot *slot, uint64_t timeout_ms)
{
    end_serving(slot, MESSAGE_LEAVE, timeout_ms);
}

void slot_limit_draining(struct slot *slot, uint64_t timeout_ms)
{
    struct ev_loop *loop;
    double left;

    if (slot->state != SLOT_DRAINING)
        return;
    loop = slot->supervisor->loop;
    left = slot->since + (double)timeout_ms / 1000 - clock_s();
    ev_timer_stop(loop, &slot->timer);
    ev_timer_set(&slot->timer, left > 0 ? left : 0., 0.);
    ev_timer_start(loop, &slot->timer);
}

void slot_give(struct slot *slot, uint32_t count, bool spares)
{
    const struct message_give give = {.count = count, .spares = spares};

    if (slot->state == SLOT_READY && slot->ipc != NULL)
        (void)ipc_send(slot->ipc, MESSAGE_GIVE, &give, sizeof(give), NULL, 0);
}

void slot_accept(struct slot *slot)
{
    if (slot->state == SLOT_READY)
        order(slot, MESSAGE_ACCEPT, SIGKILL);
}
