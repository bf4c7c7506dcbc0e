/* SPDX-License-Identifier: MIT
 *
 * Lookups: the addresses of a name, without blocking the loop and without a connection.
 *
 * For programs that keep addresses over many connections and ask again from time to time.  Who
 * only wants to connect calls prong_socket_connect() (connect.h), which looks names up itself.
 */
#ifndef PRONG_LOOKUP_API_H
#define PRONG_LOOKUP_API_H

#include <prong/address.h>
#include <prong/api.h>
#include <stddef.h>
#include <stdint.h>

PRONG_BEGIN

struct prong_lookup;
struct prong_loop;

/* `error` < 0 and no address (PRONG_ENOTFOUND, PRONG_ERESOLVE, -ENOMEM), or 0 and at least one, in
 * the resolver's order.  They die with the call, and so does the lookup. */
typedef void prong_on_lookup(void *user, int error, const struct prong_address *addresses,
                             size_t count);

/* Asks c-ares, which honours /etc/hosts, /etc/resolv.conf and /etc/nsswitch.conf, about one family
 * (AF_INET, AF_INET6) or both (AF_UNSPEC); `port` goes into the addresses.  One on_lookup follows,
 * never from inside this call, unless it is canceled.  NULL with errno ENOMEM. */
PRONG_API struct prong_lookup *prong_lookup_start(struct prong_loop *loop, const char *host,
                                                  uint16_t port, int family,
                                                  prong_on_lookup *on_lookup, void *user);

/* For how many seconds the answer holds by the name server's word; 0: it did not say, as of names
 * in /etc/hosts.  Only inside on_lookup. */
PRONG_API uint32_t prong_lookup_ttl_s(const struct prong_lookup *lookup);

/* No on_lookup follows.  Accepts NULL; not from inside on_lookup itself. */
PRONG_API void prong_lookup_cancel(struct prong_lookup *lookup);

PRONG_END

#endif
