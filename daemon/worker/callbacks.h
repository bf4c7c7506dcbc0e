/* SPDX-License-Identifier: MIT
 *
 * The handler's callbacks, and what the worker adds to them.
 *
 * Before each the scoreboard gets a note of which it is and for which connection: when the loop
 * does not come back, the master can say where it went.  Two stores; no system call.
 */
#ifndef PRONGD_CALLBACKS_H
#define PRONGD_CALLBACKS_H

#include "scoreboard.h"

struct prong_socket;
struct prong_socket_events;
struct service;

/* Events for the sockets of this service: those that its handler has, and what `timeout`
 * means for one that does not say it itself.  Sockets that end with an error are counted; with an
 * access log it is seen who ends first, and with `linger` how long nobody does. */
void callbacks_wrap(struct prong_socket_events *events, const struct service *service);

/* One of the handler's is about to be called for the service as a whole. */
void callbacks_note_service(const struct service *service, enum scoreboard_callback callback);

/* One of the handler's is about to be called for this socket. */
void callbacks_note(struct prong_socket *socket, enum scoreboard_callback callback);

#endif
