/* SPDX-License-Identifier: MIT
 *
 * The history: what the workers of generations that are gone counted, by the name of the server.
 *
 * So that no sum falls when a reload has ended.  A server keeps its history even while the
 * configuration does not name it.
 */
#ifndef PRONGD_HISTORY_H
#define PRONGD_HISTORY_H

#include <jansson.h>

#include "totals.h"

struct generation;
struct history_entry;
struct scoreboard;

/* All zero: no history. */
struct history {
    struct history_entry *first;
};

/* Adds what the generation's workers counted, who have all ended, before it is freed.  When memory
 * is short it is forgotten. */
void history_add(struct history *history, const struct generation *generation,
                 const struct scoreboard *scoreboard);

/* What is known of a server of this name; all 0: nothing. */
struct totals history_find(const struct history *history, const char *name);

/* What the handlers of a server of this name counted (tally.h); borrowed.  NULL: nothing. */
const json_t *history_tally(const struct history *history, const char *name);

/* Gives it as JSON, for the next program; NULL when memory is short. */
json_t *history_json(const struct history *history);

/* What history_json() gave, on top of what is there.  NULL, or anything else: nothing. */
void history_read(struct history *history, const json_t *object);

void history_clear(struct history *history);

#endif
