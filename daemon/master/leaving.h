/* SPDX-License-Identifier: MIT
 *
 * Generations that leave after a reload, and what became of their connections.
 */
#ifndef PRONGD_LEAVING_H
#define PRONGD_LEAVING_H

#include <ev.h>
#include <jansson.h>
#include <stdint.h>

struct generation;
struct leaver;
struct message_gave;

/* Empty when zeroed. */
struct leaving {
    struct leaver *first;
};

/* `generation` leaves from now on, for its successor. */
void leaving_add(struct leaving *leaving, const struct generation *generation, uint64_t successor,
                 double now);

/* A worker of it has given connections away.  Counted are those that left the generation: one that
 * went to a neighbour, of a worker that is recycled or to even out the load, moves once more. */
void leaving_gave(struct leaving *leaving, const struct generation *generation,
                  const struct message_gave *gave);

/* It is gone: says so in the log and forgets it.  Gives the answer for those who waited; NULL: it
 * was not leaving. */
json_t *leaving_end(struct leaving *leaving, const struct generation *generation, double now);

/* Forgets all. */
void leaving_clear(struct leaving *leaving);

#endif
