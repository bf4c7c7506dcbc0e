/* SPDX-License-Identifier: MIT
 *
 * Connecting: a name, its addresses, and attempts that race each other.
 */
#ifndef PRONG_CONNECTOR_H
#define PRONG_CONNECTOR_H

struct connector;

/* Ends the attempts and the lookup without a callback.  Accepts NULL. */
void connector_free(struct connector *connector);

#endif
