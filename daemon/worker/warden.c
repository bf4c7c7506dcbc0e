/* SPDX-License-Identifier: MIT
 *
 * Who comes, and whose queues are mine.
 */
#include "warden.h"

#include <errno.h>
#include <ev.h>
#include <poll.h>
#include <prong/server.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "scoreboard.h"

#define PERIOD_S 0.05

struct ward {
    struct prong_server *handle;
    unsigned owner; /* a slot, or none of them */
    unsigned number;
    bool is_watched;
};

struct warden {
    struct warden_place place;
    struct ward *wards;
    size_t count;
    bool is_held;
    uint64_t *turns; /* of each slot's loop, at the last look */
    struct ev_timer look;
};

/* --- Who comes --- */

static bool is_ready(const struct warden *warden, unsigned slot)
{
    return atomic_load_explicit(&warden->place.workers[slot].state, memory_order_relaxed) ==
           SLOT_READY;
}

static uint64_t turns_of(const struct warden *warden, unsigned slot)
{
    return atomic_load_explicit(&warden->place.workers[slot].turns, memory_order_relaxed);
}

static bool comes(const struct warden *warden, unsigned slot)
{
    return slot == warden->place.slot ||
           (is_ready(warden, slot) && turns_of(warden, slot) != warden->turns[slot]);
}

static void remember_turns(struct warden *warden)
{
    for (unsigned slot = 0; slot < warden->place.slots; slot++)
        warden->turns[slot] = turns_of(warden, slot);
}

/* --- Whose it is --- */

static bool has_owner(const struct warden *warden, const struct ward *ward)
{
    return ward->owner < warden->place.slots;
}

static bool is_nearest(const struct warden *warden, const struct ward *ward)
{
    unsigned slots = warden->place.slots;
    unsigned slot = (has_owner(warden, ward) ? ward->owner : ward->number) % slots;

    do {
        slot = (slot + slots - 1) % slots;
    } while (!comes(warden, slot));
    return slot == warden->place.slot;
}

static bool somebody_waits(const struct ward *ward)
{
    struct pollfd queue = {.fd = prong_server_fd(ward->handle), .events = POLLIN};

    return poll(&queue, 1, 0) > 0;
}

/* One that is ready but slow is not disturbed while nobody waits for it. */
static bool is_deserted(const struct warden *warden, const struct ward *ward)
{
    if (!has_owner(warden, ward))
        return true;
    if (comes(warden, ward->owner))
        return false;
    return !is_ready(warden, ward->owner) || ward->is_watched || somebody_waits(ward);
}

/* --- Looking --- */

static void watch(struct warden *warden, struct ward *ward)
{
    _Atomic uint64_t *relieved = &warden->place.cell->queues_relieved;

    ward->is_watched = true;
    if (!warden->is_held)
        prong_server_resume(ward->handle);
    if (has_owner(warden, ward))
        atomic_store_explicit(relieved, atomic_load_explicit(relieved, memory_order_relaxed) + 1,
                              memory_order_relaxed);
}

static void leave_alone(struct ward *ward)
{
    ward->is_watched = false;
    prong_server_pause(ward->handle);
}

static void look(struct warden *warden)
{
    for (size_t i = 0; i < warden->count; i++) {
        struct ward *ward = &warden->wards[i];
        bool is_mine = is_deserted(warden, ward) && is_nearest(warden, ward);

        if (is_mine && !ward->is_watched)
            watch(warden, ward);
        else if (!is_mine && ward->is_watched)
            leave_alone(ward);
    }
    remember_turns(warden);
}

static void on_look(struct ev_loop *ev, struct ev_timer *timer, int revents)
{
    (void)ev;
    (void)revents;
    look(timer->data);
}

/* --- Life --- */

struct warden *warden_new(const struct warden_place *place)
{
    struct warden *warden = calloc(1, sizeof(*warden));

    if (warden == NULL)
        return NULL;
    warden->turns = calloc(place->slots, sizeof(*warden->turns));
    if (warden->turns == NULL) {
        free(warden);
        return NULL;
    }
    warden->place = *place;
    ev_timer_init(&warden->look, on_look, PERIOD_S, PERIOD_S);
    warden->look.data = warden;
    return warden;
}

int warden_adopt(struct warden *warden, struct prong_server *handle, unsigned owner,
                 unsigned number)
{
    struct ward *wards = realloc(warden->wards, (warden->count + 1) * sizeof(*wards));

    if (wards == NULL)
        return -ENOMEM;
    warden->wards = wards;
    warden->wards[warden->count++] = (struct ward){handle, owner, number, false};
    return 0;
}

void warden_start(struct warden *warden)
{
    look(warden);
    ev_timer_start(warden->place.ev, &warden->look);
}

void warden_hold(struct warden *warden, bool held)
{
    warden->is_held = held;
    for (size_t i = 0; i < warden->count; i++) {
        if (warden->wards[i].is_watched && !held)
            prong_server_resume(warden->wards[i].handle);
        else
            prong_server_pause(warden->wards[i].handle);
    }
}

void warden_forget(struct warden *warden, const struct prong_server *handle)
{
    size_t i = 0;

    while (i < warden->count && warden->wards[i].handle != handle)
        i++;
    if (i < warden->count)
        warden->wards[i] = warden->wards[--warden->count];
}

void warden_free(struct warden *warden)
{
    if (warden == NULL)
        return;
    ev_timer_stop(warden->place.ev, &warden->look);
    free(warden->turns);
    free(warden->wards);
    free(warden);
}
