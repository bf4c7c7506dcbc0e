/* SPDX-License-Identifier: MIT
 *
 * Inside the worker: what its life and its orders share.
 */
#ifndef PRONGD_WORKER_INTERNAL_H
#define PRONGD_WORKER_INTERNAL_H

#include <ev.h>
#include <stdbool.h>
#include <stddef.h>

#include "ipc.h"
#include "memory.h"
#include "pressure.h"
#include "tap.h"
#include "walk.h"

struct exchange;
struct exchange_events;
struct inheritance;
struct post;
struct prong_loop;
struct scoreboard_worker;
struct service;

/*  SERVING → LEAVING → DRAINING → STOPPING       SERVING → DRAINING, any → STOPPING */
enum worker_state {
    WORKER_SERVING,
    WORKER_LEAVING,  /* accepts nobody, gives its connections to other workers */
    WORKER_DRAINING, /* accepts nobody, ends with the last connection */
    WORKER_STOPPING  /* has destroyed every connection */
};

struct worker {
    struct inheritance *inheritance;
    enum worker_state state;
    struct ev_loop *ev;
    struct prong_loop *loop;
    struct ipc *channel;
    struct post *post;
    struct service *services;   /* one for each server of the configuration */
    struct farewell *farewells; /* one for each service */
    size_t service_count;
    bool is_replaced; /* told to leave, not to end with the service */
    size_t open;      /* services that are not closed yet */
    struct scoreboard_worker *cell;
    struct exchange *exchange;
    struct walks walks; /* over its connections */
    struct taps taps;   /* of some of them */
    struct memory memory;
    struct pressure pressure;
    ev_signal term;
    ev_io nudge; /* another worker says that we may be wanted */
    ev_prepare turn;
    ev_timer pulse;        /* an idle loop turns, too: its heartbeat is watched */
    uint64_t pulse_due_us; /* CLOCK_MONOTONIC */
};

/* Those that can move go to other workers; what is left then drains. */
void worker_leave(struct worker *worker);

/* Accepts nobody, and ends with the last connection. */
void worker_drain(struct worker *worker);

/* Closes every connection, and ends. */
void worker_stop(struct worker *worker);

/* What is done when connections were given. */
extern const struct exchange_events worker_exchange_events;

/* What the master says over the channel; `user` is the worker. */
extern const struct ipc_events worker_channel_events;

#endif
