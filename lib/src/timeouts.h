/* SPDX-License-Identifier: MIT
 *
 * Idle times of many objects on one ev_timer.
 *
 * All timeouts of one duration stand in one list, which is sorted by appending.  The lists stand
 * in a heap by their first deadline and in a tree by their duration, so that starting, stopping
 * and expiring cost O(log n) in the number of *durations*, and nothing in the number of objects.
 */
#ifndef PRONG_TIMEOUTS_H
#define PRONG_TIMEOUTS_H

#include <ev.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct timeout_list;

struct timeout {
    struct timeout *previous, *next;
    struct timeout_list *list;                   /* NULL: not running */
    ev_tstamp deadline;                          /* CLOCK_MONOTONIC, seconds */
    void (*on_expired)(struct timeout *timeout); /* it is stopped already; anything is allowed */
    void *owner;
};

struct timeouts {
    struct ev_loop *ev;
    struct ev_timer timer;
    ev_tstamp armed_for;        /* the deadline for which the timer was started */
    void *tree;                 /* tsearch(3), by duration */
    struct timeout_list **heap; /* by the first deadline */
    size_t count, capacity;
};

void timeouts_init(struct timeouts *timeouts, struct ev_loop *ev);

/* No timeout may be running. */
void timeouts_clear(struct timeouts *timeouts);

/* Starts anew when it runs.  0 or -ENOMEM: then it does not run. */
int timeout_start(struct timeouts *timeouts, struct timeout *timeout, uint32_t after_ms);

/* The same duration from now on; the cheap way that every read and write takes. */
void timeout_restart(struct timeouts *timeouts, struct timeout *timeout);

void timeout_stop(struct timeouts *timeouts, struct timeout *timeout);

/* Milliseconds until it expires, at least 1; 0 when it does not run. */
uint32_t timeout_left_ms(const struct timeout *timeout);

/* The duration of a running timeout. */
uint32_t timeout_duration_ms(const struct timeout *timeout);

#endif
