/* SPDX-License-Identifier: MIT
 *
 * A question for the addresses of a name, and the way of its answer through the loop.
 */
#ifndef PRONG_LOOKUP_H
#define PRONG_LOOKUP_H

#include <prong/connect.h>
#include <prong/lookup.h>

#include <ev.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct prong_loop;
struct resolver;

/* `error` < 0 and no address (PRONG_ENOTFOUND, PRONG_ERESOLVE, -ENOMEM …), or 0 and at least one,
 * in the resolver's order.  They die with the call.  The lookup is over. */
typedef void on_lookup_done(void *user, int error, const struct prong_address *addresses,
                            size_t count);

/* Lives until it was answered *and* the answer was passed on, or it was cancelled. */
struct prong_lookup {
    struct prong_loop *loop;
    struct resolver *resolver; /* that was asked; NULL: the user's */
    prong_resolve *resolve;    /* the user's, still to be asked; else NULL */
    void *resolve_user;
    struct ev_timer next;    /* never started, only fed: question and answer come from the loop */
    on_lookup_done *on_done; /* NULL: cancelled */
    void *user;
    char *host;
    int family;
    uint16_t port;
    bool answered;
    uint32_t ttl_s; /* 0: not known */
    int error;
    struct prong_address *addresses;
    size_t count;
};

/* A question about one family (AF_INET, AF_INET6) or both (AF_UNSPEC); `port` goes into the
 * addresses.  NULL with errno ENOMEM. */
struct prong_lookup *lookup_new(struct prong_loop *loop, const char *host, uint16_t port,
                                int family, on_lookup_done *on_done, void *user);

/* Asks the user's resolver, or the library's when it is NULL.  Never answers before it has
 * returned.  The lookup may be gone then: the user's may have cancelled it. */
void lookup_ask(struct prong_lookup *lookup, prong_resolve *resolve, void *resolve_user);

/* The same for who is called by the user: the user's resolver is asked from the loop. */
void lookup_ask_later(struct prong_lookup *lookup, prong_resolve *resolve, void *resolve_user);

/* No answer follows.  Accepts NULL; not from the answer itself. */
void lookup_cancel(struct prong_lookup *lookup);

/* The only family of which this machine has an address other than loopback, or AF_UNSPEC: what
 * getaddrinfo(3) does with AI_ADDRCONFIG (R41). */
int lookup_configured_family(void);

#endif
