/* SPDX-License-Identifier: MIT
 *
 * The canary: the first worker of a new generation serves beside the old ones for a while.  Only
 * when it has done no worse does the reload go on.
 *
 * It has done worse when it dies (which is the supervisor's news), when its loop stands still, or
 * when so many more of its connections ended with an error that it is no accident: those that the
 * system reported, and those that the handler gave up with a code.
 */
#ifndef PRONGD_CANARY_H
#define PRONGD_CANARY_H

#include <ev.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct generation;
struct generation_list;

/* Connections that have ended, and how many of them with an error. */
struct canary_sample {
    uint64_t closed;
    uint64_t failed;
};

/* Is the canary's rate of errors so much higher that it is no accident? */
bool canary_is_worse(struct canary_sample canary, struct canary_sample others);

struct canary_events {
    /* Its time is over, and nothing was wrong. */
    void (*on_passed)(void *user);

    /* It hangs, or its error rate rose: `why`, as the end of a sentence. */
    void (*on_worse)(const char *why, void *user);
};

struct canary {
    const struct generation *generation; /* NULL: there is none */
    const struct generation_list *generations;
    struct canary_sample before; /* of the others */
    double until;                /* clock_s() */
    double looked_at;
    ev_timer look;
    const struct canary_events *events;
    void *user;
};

void canary_init(struct canary *canary, const struct generation_list *generations,
                 const struct canary_events *events, void *user);

/* The generation's only worker serves now.  Borrows it until an event, or canary_stop(). */
void canary_start(struct canary *canary, struct ev_loop *loop, const struct generation *generation,
                  uint64_t duration_ms);

/* Harmless when there is none. */
void canary_stop(struct canary *canary, struct ev_loop *loop);

#endif
