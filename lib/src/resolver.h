/* SPDX-License-Identifier: MIT
 *
 * Names to addresses without blocking the loop: c-ares driven by libev.
 *
 * Honours /etc/hosts, /etc/resolv.conf and /etc/nsswitch.conf.
 */
#ifndef PRONG_RESOLVER_H
#define PRONG_RESOLVER_H

#include <prong/address.h>

#include <stddef.h>

struct prong_loop;
struct resolver;
struct lookup;

/* `error` < 0 and no address (PRONG_ENOTFOUND, PRONG_ERESOLVE, -ENOMEM), or 0 and at least one, in
 * the resolver's order.  They die with the call.  The lookup is over. */
typedef void on_lookup_done(void *user, int error, const struct prong_address *addresses,
                            size_t count);

/* Looks up `host` in one family (AF_INET, AF_INET6) or both (AF_UNSPEC); `port` goes into the
 * addresses.  Never answers before it has returned.  NULL with errno. */
struct lookup *lookup_start(struct prong_loop *loop, const char *host, uint16_t port, int family,
                            on_lookup_done *on_done, void *user);

/* No answer follows.  Accepts NULL; not from the answer itself. */
void lookup_cancel(struct lookup *lookup);

/* Accepts NULL.  No lookup may be under way. */
void resolver_free(struct resolver *resolver);

#endif
