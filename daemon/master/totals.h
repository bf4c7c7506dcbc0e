/* SPDX-License-Identifier: MIT
 *
 * Totals: what workers count for a server on the scoreboard, added up.
 */
#ifndef PRONGD_TOTALS_H
#define PRONGD_TOTALS_H

#include <jansson.h>
#include <stdint.h>

#include "access_end.h"
#include "drop.h"

struct scoreboard_server;

/* Named as in the cell. */
struct totals {
    uint64_t connections; /* a gauge; the rest are sums */
    uint64_t accepted;
    uint64_t closed;
    uint64_t dropped;
    uint64_t failed;
    uint64_t shadowed;
    uint64_t expelled;
    uint64_t access_lost;
    uint64_t cuts[ACCESS_CUTS];
    uint64_t drops[DROP_REASONS];
    uint64_t bytes_read;
    uint64_t bytes_written;
    uint64_t gate_closed;
    uint64_t gate_forced;
    uint64_t gate_nudges;
    uint64_t queues_relieved;
    uint64_t was_full;
};

/* Adds a cell; NULL: nothing. */
void totals_add_cell(struct totals *totals, const struct scoreboard_server *cell);

void totals_add(struct totals *totals, const struct totals *more);

/* Gives {"connections": …, "accepted": …, …}; NULL when memory is short. */
json_t *totals_json(const struct totals *totals);

/* What totals_json() gave; a member that is missing or strange is 0. */
void totals_read(struct totals *totals, const json_t *object);

#endif
