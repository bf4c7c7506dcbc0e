/* SPDX-License-Identifier: MIT
 *
 * When to trim the heap.
 */
#include "memory.h"

#include <malloc.h>
#include <stdbool.h>
#include <string.h>

/* Below this peak there is nothing worth the walk through the heap. */
#define WORTH_IT 1000

/* A crowd leaves over a while; one walk is enough for all of it. */
#define SETTLE_S 1.0

static bool has_fallen(const struct memory *memory)
{
    return memory->peak >= WORTH_IT && memory->now <= memory->peak / 2;
}

static void on_settled(struct ev_loop *loop, ev_timer *timer, int revents)
{
    struct memory *memory = timer->data;

    (void)loop;
    (void)revents;
    if (!has_fallen(memory))
        return;
    (void)malloc_trim(0);
    memory->peak = memory->now;
}

void memory_start(struct memory *memory, struct ev_loop *loop)
{
    memset(memory, 0, sizeof(*memory));
    memory->loop = loop;
    ev_timer_init(&memory->timer, on_settled, SETTLE_S, 0.);
    memory->timer.data = memory;
}

void memory_note(struct memory *memory, uint64_t connections)
{
    memory->now = connections;
    if (connections > memory->peak)
        memory->peak = connections;
    else if (has_fallen(memory) && !ev_is_active(&memory->timer)) {
        ev_timer_set(&memory->timer, SETTLE_S, 0.);
        ev_timer_start(memory->loop, &memory->timer);
    }
}

void memory_stop(struct memory *memory)
{
    ev_timer_stop(memory->loop, &memory->timer);
}
