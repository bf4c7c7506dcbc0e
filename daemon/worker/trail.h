/* SPDX-License-Identifier: MIT
 *
 * What some options want to know of a connection and others need not pay for: which workers it
 * left, when it began to the millisecond, who ended it, and since when one of its sides takes
 * nothing.
 *
 * It stands behind the handler's state, of servers with such an option only, and travels in the
 * record of a move.
 */
#ifndef PRONGD_TRAIL_H
#define PRONGD_TRAIL_H

#include <stddef.h>
#include <stdint.h>

#include "unsent.h"

struct prong_socket;
struct service;

/* So many moves are known, the last ones. */
#define TRAIL_STEPS 4

struct trail_step {
    uint32_t generation; /* of the worker that it left */
    uint32_t slot;
    uint32_t at_ds; /* as opened_ds in struct connection */
};

struct trail {
    uint64_t opened_ms;                /* CLOCK_MONOTONIC; 0: not known */
    uint64_t stalled_at[UNSENT_SIDES]; /* bytes that were taken when it was seen to take nothing */
    uint32_t stalled_ds[UNSENT_SIDES]; /* and since when, as opened_ds; 0: it takes what is sent */
    uint8_t end;                       /* enum access_end: what is noted until now */
    uint8_t step_count;
    uint8_t is_held; /* the worker paused it, not its handler (pressure.h) */
    uint8_t reserved[5];
    struct trail_step steps[TRAIL_STEPS]; /* the oldest first */
};

/* Bytes that each connection of the service has behind the handler's state. */
size_t trail_extra_bytes(const struct service *service);

/* NULL: the service's connections have none. */
struct trail *trail_of(const struct service *service, struct prong_socket *socket);

/* One more; the oldest is forgotten. */
void trail_add(struct trail *trail, const struct trail_step *step);

#endif
