/* SPDX-License-Identifier: MIT
 *
 * Deadlines: `first_byte_timeout` and `lifetime` of the connections of a server.
 *
 * Nobody has a timer of its own for them: all are looked at once a second, where one of the
 * options is set.  Both count from when the client was let in, also over moves.
 */
#ifndef PRONGD_DEADLINE_H
#define PRONGD_DEADLINE_H

struct service;

/* Closes those whose time is over.  To be called every second. */
void deadline_check(struct service *service);

#endif
