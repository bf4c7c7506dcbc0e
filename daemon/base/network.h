/* SPDX-License-Identifier: MIT
 *
 * The network of a client: what counts as one address for a limit.
 */
#ifndef PRONGD_NETWORK_H
#define PRONGD_NETWORK_H

#include <stdbool.h>
#include <stdint.h>

struct prong_address;
struct share_key;

/* Sets `high` and `low` of the key: the first bits of the address, IPv4 at its mapped place in the
 * IPv6 space.  False: a client without an IP address has no network. */
bool network_set(struct share_key *key, const struct prong_address *client, unsigned prefix_v4,
                 unsigned prefix_v6);

#endif
