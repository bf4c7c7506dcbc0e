/* SPDX-License-Identifier: MIT
 *
 * A gate, on a scoreboard that the test writes: that of slot 0, beside three others.
 */
#ifndef GATE_FIXTURE_H
#define GATE_FIXTURE_H

#include "net_fixture.h"

#include <stdbool.h>
#include <stdint.h>

#include "gate.h"
#include "scoreboard.h"

#define SLOTS 4

struct bench {
    struct scoreboard_worker workers[SLOTS];
    struct scoreboard_server cells[SLOTS];
    int nudge_fds[SLOTS];
    struct net *net;
    struct gate *gate;
    struct ev_prepare others; /* their loops turn with ours */
};

extern struct bench *bench;

uint64_t now_ms(void);

/* The loops of the other workers turn with ours. */
void let_the_others_turn(struct net *net);

/* They accepted so many each, just now. */
void let_the_others_accept(unsigned count);

/* Four ready workers with these connections. */
void start_with(struct net *net, enum gate_metric metric, const uint64_t connections[SLOTS]);
void start(struct net *net, const uint64_t connections[SLOTS]);

bool is_closed(void);

/* cmocka's set-up and tear-down; the state is a struct net. */
int gate_setup(void **state);
int gate_teardown(void **state);

#endif
