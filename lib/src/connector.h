/* SPDX-License-Identifier: MIT
 *
 * Connecting: a name, its addresses, and attempts that race each other.
 */
#ifndef PRONG_CONNECTOR_H
#define PRONG_CONNECTOR_H

#include <prong/connect.h>

#include <stdbool.h>
#include <stdint.h>

struct connector;

/* For one connect of a socket, with its options of now.  The addresses stand in the socket's
 * `attempts`, or a name in its `host`, which is looked up first.  NULL with errno ENOMEM. */
struct connector *connector_new(struct prong_socket *socket, uint16_t port,
                                const struct prong_connect_options *options);

/* Called from the loop, once the call that made it has returned (R40).  Ends with a connected
 * socket, or with socket_fail(); the connector is freed then.  A second call does nothing. */
void connector_begin(struct connector *connector);

/* Is it about a unix socket? */
bool connector_is_local(const struct connector *connector);

/* Ends the attempts and the lookup without a callback.  Accepts NULL. */
void connector_free(struct connector *connector);

#endif
