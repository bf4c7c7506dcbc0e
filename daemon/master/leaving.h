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

/* Empty when zeroed. */
struct leaving {
    struct leaver *first;
};

/* `generation` leaves from now on, for its successor. */
void leaving_add(struct leaving *leaving, const struct generation *generation, uint64_t successor,
                 double now);

/* A worker of it has given connections away. */
void leaving_gave(struct leaving *leaving, const struct generation *generation, uint32_t moved,
                  uint32_t kept);

/* It is gone: says so in the log and forgets it.  Gives the answer for those who waited; NULL: it
 * was not leaving. */
json_t *leaving_end(struct leaving *leaving, const struct generation *generation, double now);

/* Forgets all. */
void leaving_clear(struct leaving *leaving);

#endif
