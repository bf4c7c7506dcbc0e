/* SPDX-License-Identifier: MIT
 *
 * One upstream: an address, how it is, and how many connections it has.
 */
#ifndef PRONGD_UPSTREAM_H
#define PRONGD_UPSTREAM_H

#include <prong/address.h>
#include <stdbool.h>
#include <stdint.h>

#include "upstreams.h"

struct proxy_config;
struct upstream_item;

/*  UP → DOWN → TRIAL → UP
 *              TRIAL → DOWN
 *  any → FAILED → UP
 *  any → RETIRED → UP
 */
enum upstream_state {
    UPSTREAM_UP,
    UPSTREAM_DOWN,   /* too many attempts failed: left alone until `down_until_ms` */
    UPSTREAM_TRIAL,  /* that time is over, and one client tries it */
    UPSTREAM_FAILED, /* the checks say so */
    UPSTREAM_RETIRED /* its name has other addresses now: freed with its last place */
};

struct upstream {
    struct upstream *next;
    struct upstreams *owner;
    const struct upstream_item *item; /* what the configuration says about it; borrowed */
    struct prong_address address;
    uint64_t hash;   /* of the address: the same in every worker */
    uint32_t number; /* another one for each that ever was */
    enum upstream_state state;
    uint32_t places;
    struct prongd_limit *limit;   /* counts over all workers; NULL: nobody needs it */
    uint32_t counted;             /* places of this worker that are counted there */
    struct upstream_check *check; /* NULL: there are no checks, or it is retired */
    int64_t turn;                 /* what it has saved up for its next turn: round robin */

    /* Failed attempts since `first_fail_ms`; both of CLOCK_MONOTONIC. */
    uint64_t fails;
    uint64_t first_fail_ms;
    uint64_t down_until_ms;
};

/* Without a place.  Borrows the item.  NULL with errno ENOMEM. */
struct upstream *upstream_new(struct upstreams *owner, const struct upstream_item *item,
                              const struct prong_address *address, uint32_t number);

/* Gives back its memory; nobody has a place. */
void upstream_free(struct upstream *upstream);

/* From now on its places are counted over all workers.  0 or -ENOMEM. */
int upstream_count_all(struct upstream *upstream, struct prongd_service *service);

/* A place, unless it is full over all workers. */
bool upstream_take_place(struct upstream *upstream);

/* A place in any case, and without a word to the other workers when these cannot count it. */
void upstream_add_place(struct upstream *upstream);

/* Gives it back; `counts` false: the worker that it goes to counts it. */
void upstream_give_place(struct upstream *upstream, bool counts);

/* What it has now: over all workers, where these are counted. */
uint64_t upstream_connections(const struct upstream *upstream);

/* The only place that changes the state. */
void upstream_enter(struct upstream *upstream, enum upstream_state state);

/* May a client be sent there now?  One that is down may be when its time is over. */
bool upstream_is_usable(const struct upstream *upstream, uint64_t now_ms);

/* … or when there is nobody else? */
bool upstream_is_possible(const struct upstream *upstream);

/* A client is sent there: of one that is down, to see how it is. */
void upstream_use(struct upstream *upstream, uint64_t now_ms);

/* What an attempt says about its health. */
void upstream_note_success(struct upstream *upstream);
void upstream_note_failure(struct upstream *upstream, const struct proxy_config *config,
                           uint64_t now_ms);

/* What several checks in a row say. */
void upstream_note_check(struct upstream *upstream, bool succeeded);

/* The one client that tried it did not see it through. */
void upstream_note_nothing(struct upstream *upstream);

#endif
