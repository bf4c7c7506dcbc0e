/* SPDX-License-Identifier: MIT
 *
 * Asked, heard, silent.
 */
#include "pulse.h"

#include <assert.h>

/* The only place that changes the state. */
static void enter(struct pulse *pulse, enum pulse_state state)
{
    assert(state == PULSE_HEARD || state == pulse->state + 1);
    pulse->state = state;
}

void pulse_start(struct pulse *pulse, uint64_t now_ms)
{
    *pulse = (struct pulse){.state = PULSE_HEARD, .heard_ms = now_ms};
}

bool pulse_hear(struct pulse *pulse, uint64_t now_ms)
{
    bool was_silent = pulse->state == PULSE_SILENT;

    enter(pulse, PULSE_HEARD);
    pulse->heard_ms = now_ms;
    return was_silent;
}

bool pulse_ask(struct pulse *pulse, uint64_t now_ms, uint64_t timeout_ms)
{
    if (pulse->state != PULSE_HEARD || now_ms < pulse->heard_ms + timeout_ms / 2)
        return false;
    enter(pulse, PULSE_ASKED);
    pulse->asked_ms = now_ms;
    return true;
}

bool pulse_falls_silent(struct pulse *pulse, uint64_t now_ms, uint64_t timeout_ms)
{
    if (pulse->state != PULSE_ASKED || now_ms < pulse->heard_ms + timeout_ms ||
        now_ms < pulse->asked_ms + timeout_ms / 2)
        return false;
    enter(pulse, PULSE_SILENT);
    return true;
}

uint64_t pulse_silent_ms(const struct pulse *pulse, uint64_t now_ms)
{
    return pulse->state == PULSE_SILENT ? now_ms - pulse->heard_ms : 0;
}
