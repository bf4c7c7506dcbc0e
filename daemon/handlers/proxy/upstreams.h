/* SPDX-License-Identifier: MIT
 *
 * The upstreams of one server in one worker: which of them a connection gets, and what becomes of
 * them.
 *
 * Choosing takes a place at the upstream.  Whoever holds one says what becomes of it, in this order
 * and each at most once:
 *
 *     upstreams_choose() → upstream_connected() → upstream_closed()
 *                        → upstream_failed()                           then choose again
 *                        → upstream_canceled()
 *
 * An upstream lives as long as somebody has a place there, also when its name has another address
 * by now, and until upstreams_free() at the latest: every place is given back before.
 */
#ifndef PRONGD_UPSTREAMS_H
#define PRONGD_UPSTREAMS_H

#include <stdbool.h>
#include <stdint.h>

struct prong_address;
struct prong_socket;
struct prongd_limit;
struct prongd_service;
struct upstream;
struct upstreams;

/* Those that were tried for one client, and when; all zero at first. */
#define UPSTREAM_TRIES 16

struct upstream_tries {
    uint64_t moments_ms[UPSTREAM_TRIES];
    uint32_t numbers[UPSTREAM_TRIES];
    uint32_t count;
};

/* Of a server whose configuration the rows of proxy_options.h filled.  Borrows the service.  NULL
 * with errno. */
struct upstreams *upstreams_new(struct prongd_service *service);

/* Accepts NULL.  Nobody may have a place any more. */
void upstreams_free(struct upstreams *upstreams);

/* The one for this client, which is none of those in `tries`, unless it was down since and is up
 * again: a client may wait long for a place at another one.  Notes it there and takes a place.
 * NULL with errno: EAGAIN: there may be one soon, on_change tells; EHOSTUNREACH: all that there are
 * were tried, or are full or down. */
struct upstream *upstreams_choose(struct upstreams *upstreams, struct prong_socket *client,
                                  struct upstream_tries *tries);

/* Calls `on_change` whenever upstreams_choose() may have another answer, from the loop: a name has
 * an address, one is up again, a place is free.  For clients that wait. */
void upstreams_watch(struct upstreams *upstreams, void (*on_change)(void *user), void *user);

/* The items with this address or name get no new connections from now on, or get them again.  0, or
 * -ENOENT: there is none. */
int upstreams_drain(struct upstreams *upstreams, const char *item, bool drained);

/* A place for a connection that came from another worker, or back: at the upstream with this
 * address, also where it is full, down, or not written in the configuration any more.  NULL with
 * errno ENOMEM. */
struct upstream *upstreams_adopt(struct upstreams *upstreams, const struct prong_address *address);

/* Which one it is, for upstreams_find(): never 0. */
uint32_t upstream_number(const struct upstream *upstream);

/* NULL: it is gone. */
const struct upstream *upstreams_find(const struct upstreams *upstreams, uint32_t number);

/* What a place there was counted with; NULL: nothing.  The handler's `limit`. */
struct prongd_limit *upstream_limit(const struct upstream *upstream);

/* Where it is: TCP or unix. */
const struct prong_address *upstream_address(const struct upstream *upstream);

/* The attempt succeeded, and took so long; the place is kept. */
void upstream_connected(struct upstream *upstream, uint64_t connect_us);

/* The attempt failed with this negative code: gives the place back. */
void upstream_failed(struct upstream *upstream, int error);

/* The attempt was given up for another reason, the client's: gives the place back. */
void upstream_canceled(struct upstream *upstream);

/* The connection is over: gives the place back. */
void upstream_closed(struct upstream *upstream);

/* The connection went to another worker, where upstreams_adopt() takes a place for it: gives this
 * one back.  The handler's on_leave. */
void upstream_left(struct upstream *upstream);

#endif
