/* SPDX-License-Identifier: MIT
 *
 * What an access log tells of a connection beyond what is known anyway: which workers it left, when
 * it began to the millisecond, and who ended it.
 *
 * It stands behind the handler's state, of servers that have an access log only, and travels in the
 * record of a move.
 */
#ifndef PRONGD_TRAIL_H
#define PRONGD_TRAIL_H

#include <stdint.h>

/* So many moves are known, the last ones. */
#define TRAIL_STEPS 4

struct trail_step {
    uint32_t generation; /* of the worker that it left */
    uint32_t slot;
    uint32_t at_ds; /* as opened_ds in struct connection */
};

struct trail {
    uint64_t opened_ms; /* CLOCK_MONOTONIC; 0: not known */
    uint32_t end;       /* enum access_end: what is noted until now */
    uint32_t step_count;
    struct trail_step steps[TRAIL_STEPS]; /* the oldest first */
};

/* One more; the oldest is forgotten. */
void trail_add(struct trail *trail, const struct trail_step *step);

#endif
