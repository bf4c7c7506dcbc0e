/* SPDX-License-Identifier: MIT
 *
 * Timers: one callback after a while, or every so often.
 */
#ifndef PRONG_TIMER_H
#define PRONG_TIMER_H

#include <prong/api.h>
#include <stdbool.h>
#include <stdint.h>

PRONG_BEGIN

struct prong_loop;
struct prong_timer;

/* May start, stop or free the timer. */
typedef void prong_on_timer(struct prong_timer *timer, void *user);

/* A stopped timer.  NULL with errno ENOMEM. */
PRONG_API struct prong_timer *prong_timer_new(struct prong_loop *loop, prong_on_timer *on_timer,
                                              void *user);

/* Fires after `after_ms`, then every `repeat_ms` (0: once).  A running timer starts anew.
 * A repeating timer that is late fires once, not once for each time it missed. */
PRONG_API void prong_timer_start(struct prong_timer *timer, uint64_t after_ms, uint64_t repeat_ms);

/* Harmless on a stopped timer; no callback follows. */
PRONG_API void prong_timer_stop(struct prong_timer *timer);

/* Started, and neither stopped nor fired for the last time. */
PRONG_API bool prong_timer_is_active(const struct prong_timer *timer);

/* Whether a running timer keeps ev_run() from returning; it does until unref (R114). */
PRONG_API void prong_timer_ref(struct prong_timer *timer);
PRONG_API void prong_timer_unref(struct prong_timer *timer);

/* Accepts NULL; also from its own callback. */
PRONG_API void prong_timer_free(struct prong_timer *timer);

PRONG_END

#endif
