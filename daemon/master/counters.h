/* SPDX-License-Identifier: MIT
 *
 * What has happened to the service: counted by the master, carried from program to program.
 */
#ifndef PRONGD_COUNTERS_H
#define PRONGD_COUNTERS_H

#include <jansson.h>
#include <stdint.h>

/* Sums since the service started. */
struct counters {
    uint64_t reloads;         /* that were committed */
    uint64_t reloads_refused; /* the old generation served on */
    uint64_t upgrades;        /* programs that took over */
    uint64_t worker_starts;
    uint64_t worker_deaths; /* nobody had told them to end */
    uint64_t moved;         /* connections that went to another worker */
    uint64_t drained;       /* connections that could not, when their worker left */
};

/* Gives {"reloads": …}; NULL when memory is short. */
json_t *counters_json(const struct counters *counters);

/* What counters_json() gave; a member that is missing or strange is 0. */
void counters_read(struct counters *counters, const json_t *object);

#endif
