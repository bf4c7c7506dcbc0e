/* SPDX-License-Identifier: MIT
 *
 * The inventory: the items of a server's handler, as its workers know them, as JSON.
 *
 * Workers write the table (base/items.h), so nothing in it is believed: texts are cut, numbers kept
 * in their bounds.
 */
#ifndef PRONGD_INVENTORY_H
#define PRONGD_INVENTORY_H

#include <jansson.h>

struct config_server;
struct scoreboard;

/* Gives a list, an object for each item that a worker has: {"kind": "upstream", "name": …,
 * "origin": …, "state": "up", "is_well": true, …}, and its figures by their names.  NULL when
 * memory is short. */
json_t *inventory_describe(const struct scoreboard *board, const struct config_server *server);

/* Adds a sample for each figure of these items, which are the server's, that is a number:
 * {"server": …, "item_kind": …, "item": …, "figure": …, "value": …, "kind": "sum" or "level"}.
 * Nothing of upstreams: they have metrics of their own. */
void inventory_add_samples(json_t *samples, const json_t *items,
                           const struct config_server *server);

#endif
