/* SPDX-License-Identifier: MIT
 *
 * A burden: what one worker carries of one server, and what that weighs beside the others.
 *
 * Three things, all on the scoreboard: the connections that it has, those that it accepted lately
 * (a count that halves every 250 ms: it evens out bursts, and forgets), and its load.  By the
 * metric `connections` the first two weigh; by `load` all three, so that of two workers with the
 * same load the one with fewer connections is the lighter, and a burst does not go to one worker
 * before its load shows.
 */
#ifndef PRONGD_BURDEN_H
#define PRONGD_BURDEN_H

#include <stdint.h>

struct scoreboard_server;

/* In the order of the option's choices. */
enum gate_metric { GATE_METRIC_CONNECTIONS, GATE_METRIC_LOAD };

/* Of one worker, or the sum of several. */
struct burden {
    unsigned workers;
    uint64_t connections;
    uint64_t recent; /* accepted lately, in 1/256 */
    uint64_t load;   /* CPU time and loop lag, in permille */
};

/* What a cell says at this moment (CLOCK_MONOTONIC). */
struct burden burden_of(const struct scoreboard_server *cell, uint64_t now_ms);

void burden_add(struct burden *sum, const struct burden *one);

/* What `one` weighs, in connections or in permille, when `all` is the sum of those that count. */
double burden_weight(const struct burden *one, const struct burden *all, enum gate_metric metric);

/* How far above the mean a worker may be. */
double burden_slack(enum gate_metric metric);

/* One connection more was accepted, by the worker whose cell it is. */
void burden_note_accepted(struct scoreboard_server *cell, uint64_t now_ms);

/* Measures the load of this process; all zero at first. */
struct load_meter {
    uint64_t cpu_ns;      /* at the last reading */
    uint64_t measured_ns; /* when that was */
};

/* Reads it into the cell; to be called every `period_ms`: what is late is lag. */
void load_meter_read(struct load_meter *meter, struct scoreboard_server *cell, unsigned period_ms);

#endif
