/* SPDX-License-Identifier: MIT
 *
 * Shutting, opening, telling the next.
 */
#include "turnstile.h"

#include <ev.h>
#include <prong/loop.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

#include "accepting.h"
#include "config.h"
#include "quota.h"
#include "scoreboard.h"
#include "service.h"

#define LOOK_S 0.05

enum turnstile_state { TURNSTILE_OPEN, TURNSTILE_SHUT };

struct turnstile {
    struct service *service;
    struct scoreboard_server *cell; /* its own */
    enum turnstile_state state;
    bool owes; /* there may be a place that others do not know of */
    struct ev_timer look;
};

bool turnstile_is_wanted(const struct config_server *config)
{
    return config->excess == CONFIG_EXCESS_WAIT && config->max_connections > 0 && !config->shadow;
}

/* Shown before the places are counted once more: whoever gives one away after that sees it. */
static void enter(struct turnstile *turnstile, enum turnstile_state state)
{
    struct ev_loop *ev = prong_loop_ev(turnstile->service->loop);

    turnstile->state = state;
    turnstile->owes = true;
    atomic_store(&turnstile->cell->is_full, state == TURNSTILE_SHUT);
    accepting_hold(turnstile->service, state == TURNSTILE_SHUT);
    /* Also when it opens at the end of a turn, another turn follows, with an end of its own. */
    ev_timer_stop(ev, &turnstile->look);
    ev_timer_set(&turnstile->look, state == TURNSTILE_SHUT ? LOOK_S : 0.,
                 state == TURNSTILE_SHUT ? LOOK_S : 0.);
    ev_timer_start(ev, &turnstile->look);
}

bool turnstile_may_pass(struct turnstile *turnstile)
{
    _Atomic uint64_t *was_full = &turnstile->cell->was_full;

    if (turnstile->state == TURNSTILE_SHUT)
        return false;
    /* One who cannot be counted is told so by admission.c. */
    if (quota_reserve(turnstile->service) != DROP_MAX_CONNECTIONS)
        return true;
    atomic_store_explicit(was_full, atomic_load_explicit(was_full, memory_order_relaxed) + 1,
                          memory_order_relaxed);
    enter(turnstile, TURNSTILE_SHUT);
    return false;
}

/* --- Places --- */

void turnstile_offer(struct turnstile *turnstile)
{
    turnstile->owes = true;
}

/* Who waits is taken in this turn: at its end it is known whether a place is left. */
void turnstile_look(struct turnstile *turnstile)
{
    if (turnstile->state == TURNSTILE_OPEN || !quota_has_room(turnstile->service))
        return;
    enter(turnstile, TURNSTILE_OPEN);
    accepting_take(turnstile->service);
}

static bool is_shut(const struct service *service, unsigned slot)
{
    return atomic_load(&service->cells[slot].is_full) != 0 &&
           atomic_load_explicit(&service->workers[slot].state, memory_order_relaxed) == SLOT_READY;
}

/* False: no other worker is shut. */
static bool tell_next(const struct service *service)
{
    uint64_t one = 1;

    for (unsigned i = 1; i < service->slots; i++) {
        unsigned slot = (service->slot + i) % service->slots;

        if (!is_shut(service, slot))
            continue;
        /* A counter that is full is as good as one that was written. */
        (void)!write(service->nudge_fds[slot], &one, sizeof(one));
        return true;
    }
    return false;
}

void turnstile_settle(struct turnstile *turnstile)
{
    if (!quota_give_reserved(turnstile->service) && !turnstile->owes)
        return;
    turnstile->owes = false;
    if (quota_has_room(turnstile->service) && !tell_next(turnstile->service))
        turnstile_look(turnstile);
}

static void on_look(struct ev_loop *ev, struct ev_timer *timer, int revents)
{
    (void)ev;
    (void)revents;
    turnstile_look(timer->data);
}

/* --- Life --- */

struct turnstile *turnstile_new(struct service *service)
{
    struct turnstile *turnstile = calloc(1, sizeof(*turnstile));

    if (turnstile == NULL)
        return NULL;
    turnstile->service = service;
    turnstile->cell = &service->cells[service->slot];
    ev_timer_init(&turnstile->look, on_look, 0., 0.);
    turnstile->look.data = turnstile;
    return turnstile;
}

/* Others look for themselves. */
void turnstile_free(struct turnstile *turnstile)
{
    if (turnstile == NULL)
        return;
    (void)quota_give_reserved(turnstile->service);
    atomic_store(&turnstile->cell->is_full, 0);
    ev_timer_stop(prong_loop_ev(turnstile->service->loop), &turnstile->look);
    free(turnstile);
}
