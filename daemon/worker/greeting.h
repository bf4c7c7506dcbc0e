/* SPDX-License-Identifier: MIT
 *
 * The greeting: what a trusted proxy says about its client before anything else, a header of the
 * PROXY protocol.
 *
 * Until it is there the connection is nobody's: the handler does not know it, and it counts for no
 * limit but that of descriptors.  From then on it is the client's, whose address all that follows
 * sees: lists, limits, logs, and the handler.
 */
#ifndef PRONGD_GREETING_H
#define PRONGD_GREETING_H

#include <stdbool.h>

struct prong_socket;
struct service;

/* Has the one who connected to greet first? */
bool greeting_is_due(const struct service *service, const struct prong_socket *socket);

/* Waits for the header; then the client is admitted, or refused, and goes to the handler. */
void greeting_await(struct service *service, struct prong_socket *socket);

/* Refuses those who took too long.  To be called every second. */
void greeting_check(struct service *service);

#endif
