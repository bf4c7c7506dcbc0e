/* SPDX-License-Identifier: MIT
 *
 * Commands about single connections: the master knows none, it asks its workers, and
 * its keepers for those of programs.
 */
#ifndef PRONGD_CONNECTIONS_H
#define PRONGD_CONNECTIONS_H

#include <jansson.h>

struct control_client;

/* {"ok": true, "rosters": [{"generation", "slot", "pid"}, {"keeper": true, "pid"}, …], "missing":
 * […]} with a descriptor for each roster (base/roster.h), in their order.  `user` is the master, as
 * below. */
void connections_list(struct control_client *client, const json_t *arguments, void *user);

/* {"ok": true, "closed": N, "not_found": [ID, …]}. */
void connections_close(struct control_client *client, const json_t *arguments, void *user);

#endif
