/* SPDX-License-Identifier: MIT
 *
 * A tally: what the handler of a server counts, by its name and that of the counter.
 *
 * Code changes over reloads, and with it the places of its counters: a sum that outlives a
 * generation is kept under "HANDLER.COUNTER".
 */
#ifndef PRONGD_TALLY_H
#define PRONGD_TALLY_H

#include <jansson.h>
#include <prongd/handler.h>
#include <stddef.h>

struct scoreboard_server;

/* The tally is a JSON object.  When memory is short it says less. */

/* Adds what one worker counted, whose code was that of `handler`; a cell that is NULL: nothing. */
void tally_add_cell(json_t *tally, const struct prongd_handler *handler,
                    const struct scoreboard_server *cell);

/* Adds another tally; anything that is no number counts nothing. */
void tally_add(json_t *tally, const json_t *more);

/* The sum for a counter of this handler; 0: nobody has counted. */
json_int_t tally_find(const json_t *tally, const struct prongd_handler *handler, size_t counter);

#endif
