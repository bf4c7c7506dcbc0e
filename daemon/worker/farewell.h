/* SPDX-License-Identifier: MIT
 *
 * A farewell: closes the connections of a service one after the other (on_reload = close).
 *
 * Spread over close_spread, so that not all clients come back at the same moment.
 */
#ifndef PRONGD_FAREWELL_H
#define PRONGD_FAREWELL_H

#include <ev.h>
#include <stdint.h>

struct service;

struct farewell {
    struct service *service;
    struct ev_loop *ev;
    ev_timer timer;
    uint64_t each_tick; /* connections that are closed with each */
    uint64_t this_tick; /* still to be closed with this one */
};

/* Begins, when the service's configuration says so; otherwise nothing happens.  Borrows both. */
void farewell_start(struct farewell *farewell, struct ev_loop *ev, struct service *service);

/* Harmless on one that never began, and on zeroed bytes. */
void farewell_stop(struct farewell *farewell);

#endif
