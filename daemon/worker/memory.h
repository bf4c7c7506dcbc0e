/* SPDX-License-Identifier: MIT
 *
 * Gives memory back to the system after many connections have gone.
 *
 * free() alone keeps the pages for a next crowd that may never come.  Costs nothing while the
 * number of connections stays what it is: the timer runs only after a fall.
 */
#ifndef PRONGD_MEMORY_H
#define PRONGD_MEMORY_H

#include <ev.h>
#include <stdint.h>

struct memory {
    struct ev_loop *loop;
    ev_timer timer;
    uint64_t peak; /* the most connections since memory was last given back */
    uint64_t now;
};

void memory_start(struct memory *memory, struct ev_loop *loop);

/* So many connections there are now; call it every turn. */
void memory_note(struct memory *memory, uint64_t connections);

void memory_stop(struct memory *memory);

#endif
