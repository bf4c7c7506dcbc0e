/* SPDX-License-Identifier: MIT
 *
 * `prongctl diff`: what a reload would do, and to whom.
 *
 * The configuration is loaded in a child first (rehearsal.h); meanwhile the client waits here.
 */
#ifndef PRONGD_DIFF_H
#define PRONGD_DIFF_H

#include <jansson.h>

struct control_client;
struct diff;
struct master;

/* The client is answered later, from the loop. */
void diff_begin(struct master *master, struct control_client *client);

/* Forgets all that are under way; with `answer` (taken) their clients are told, NULL: without a
 * word, and the children are left alone. */
void diff_clear(struct master *master, json_t *answer);

#endif
