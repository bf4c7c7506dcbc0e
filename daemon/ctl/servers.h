/* SPDX-License-Identifier: MIT
 *
 * `prongctl servers`: a line for each server, and one for each of its upstreams.
 */
#ifndef PRONGCTL_SERVERS_H
#define PRONGCTL_SERVERS_H

#include <jansson.h>

struct call;

/* Gives the exit status. */
int servers_run(struct call *call);

/* Adds to a worker or a server what it does in a second, by what it was `seconds` ago. */
void servers_add_rates(json_t *object, const json_t *before, double seconds);

/* Gives the servers of a status, an object each, with the length of their accept queues and, when
 * there was an earlier status `seconds` ago (NULL: there was none), their rates. */
json_t *servers_describe(const json_t *status, const json_t *before, double seconds);

#endif
