/* SPDX-License-Identifier: MIT
 *
 * The pulse of a child that says nothing by itself: it is asked once in a while, and whatever it
 * says is an answer.
 *
 * Times are clock_ms().
 */
#ifndef PRONGD_PULSE_H
#define PRONGD_PULSE_H

#include <stdbool.h>
#include <stdint.h>

/*  HEARD → ASKED → SILENT        ASKED, SILENT → HEARD */
enum pulse_state {
    PULSE_HEARD,
    PULSE_ASKED,
    PULSE_SILENT /* it has not answered in time: it hangs, or was stopped */
};

struct pulse {
    enum pulse_state state;
    uint64_t heard_ms; /* the last time */
    uint64_t asked_ms;
};

/* It has begun. */
void pulse_start(struct pulse *pulse, uint64_t now_ms);

/* It has said something.  True: it had been silent. */
bool pulse_hear(struct pulse *pulse, uint64_t now_ms);

/* Is it to be asked?  Half of the timeout after it said something; then it counts as asked. */
bool pulse_ask(struct pulse *pulse, uint64_t now_ms, uint64_t timeout_ms);

/* Has it now said nothing for `timeout_ms`, nor for half of it since it was asked?  True once,
 * until it is heard again. */
bool pulse_falls_silent(struct pulse *pulse, uint64_t now_ms, uint64_t timeout_ms);

/* For how long it has said nothing, where it is SILENT; 0 otherwise. */
uint64_t pulse_silent_ms(const struct pulse *pulse, uint64_t now_ms);

#endif
