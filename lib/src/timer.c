/* SPDX-License-Identifier: MIT
 *
 * Timers on libev's heap.
 */
#include <prong/timer.h>

#include "loop_internal.h"

#include <stdlib.h>

struct prong_timer {
    struct ev_timer watcher;
    struct prong_loop *loop;
    prong_on_timer *on_timer;
    void *user;
    bool unref;
};

static void on_expired(struct ev_loop *ev, struct ev_timer *watcher, int revents)
{
    struct prong_timer *timer = watcher->data;

    (void)revents;
    /* libev has stopped a one-shot timer and counts it no more: take the reference back. */
    if (timer->unref && !ev_is_active(watcher))
        ev_ref(ev);
    timer->on_timer(timer, timer->user);
}

struct prong_timer *prong_timer_new(struct prong_loop *loop, prong_on_timer *on_timer, void *user)
{
    struct prong_timer *timer = calloc(1, sizeof(*timer));

    if (timer == NULL)
        return NULL;
    timer->loop = loop;
    timer->on_timer = on_timer;
    timer->user = user;
    ev_init(&timer->watcher, on_expired);
    timer->watcher.data = timer;
    loop->objects++;
    return timer;
}

void prong_timer_start(struct prong_timer *timer, uint64_t after_ms, uint64_t repeat_ms)
{
    prong_timer_stop(timer);
    /* libev counts from the time at which its turn began: a long callback must not shorten us. */
    ev_now_update(timer->loop->ev);
    ev_timer_set(&timer->watcher, (double)after_ms / 1e3, (double)repeat_ms / 1e3);
    ev_timer_start(timer->loop->ev, &timer->watcher);
    if (timer->unref)
        ev_unref(timer->loop->ev);
}

void prong_timer_stop(struct prong_timer *timer)
{
    if (ev_is_active(&timer->watcher) && timer->unref)
        ev_ref(timer->loop->ev);
    ev_timer_stop(timer->loop->ev, &timer->watcher);
}

bool prong_timer_is_active(const struct prong_timer *timer)
{
    return ev_is_active(&timer->watcher);
}

void prong_timer_ref(struct prong_timer *timer)
{
    if (timer->unref && ev_is_active(&timer->watcher))
        ev_ref(timer->loop->ev);
    timer->unref = false;
}

void prong_timer_unref(struct prong_timer *timer)
{
    if (!timer->unref && ev_is_active(&timer->watcher))
        ev_unref(timer->loop->ev);
    timer->unref = true;
}

void prong_timer_free(struct prong_timer *timer)
{
    if (timer == NULL)
        return;
    prong_timer_stop(timer);
    timer->loop->objects--;
    free(timer);
}
