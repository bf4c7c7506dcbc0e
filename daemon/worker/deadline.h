/* SPDX-License-Identifier: MIT
 *
 * Deadlines: `first_byte_timeout`, `lifetime` and `write_timeout` of the connections of a server.
 *
 * Nobody has a timer of its own for them: all are looked at once a second, where one of the
 * options is set.  The first two count from when the client was let in, all of them also over
 * moves.
 */
#ifndef PRONGD_DEADLINE_H
#define PRONGD_DEADLINE_H

struct prong_socket;
struct service;

/* Closes those whose time is over.  To be called every second. */
void deadline_check(struct service *service);

/* The same for one that has come from another worker: were it moved on before the next look, it
 * would never be looked at. */
void deadline_check_arrival(struct service *service, struct prong_socket *socket);

#endif
