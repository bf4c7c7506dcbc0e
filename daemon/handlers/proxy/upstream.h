/* SPDX-License-Identifier: MIT
 *
 * One upstream: an address, how it is, and how many connections it has.
 */
#ifndef PRONGD_UPSTREAM_H
#define PRONGD_UPSTREAM_H

#include <prong/address.h>
#include <stdbool.h>
#include <stdint.h>

#include "health.h"
#include "upstreams.h"

struct prongd_item;
struct prongd_limit;
struct upstream_item;

/*  USED ⇄ RETIRED */
enum upstream_state {
    UPSTREAM_USED,
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
    uint32_t counted;             /* places that are counted over all workers */
    struct prongd_limit *limit;   /* counts them */
    struct prongd_item *shared;   /* what all workers know of it */
    struct health health;         /* a part of that */
    struct upstream_check *check; /* NULL: there are no checks, or it is retired */
    int64_t turn;                 /* what it has saved up for its next turn: round robin */
};

/* Without a place, used.  Borrows the item.  NULL with errno ENOMEM. */
struct upstream *upstream_new(struct upstreams *owner, const struct upstream_item *item,
                              const struct prong_address *address, uint32_t number);

/* Gives back its memory; nobody has a place. */
void upstream_free(struct upstream *upstream);

/* A place, unless it is full over all workers. */
bool upstream_take_place(struct upstream *upstream);

/* A place in any case, and without a word to the other workers when these cannot count it. */
void upstream_add_place(struct upstream *upstream);

/* Gives it back; `counts` false: the worker that it goes to counts it. */
void upstream_give_place(struct upstream *upstream, bool counts);

/* What it has now, over all workers. */
uint64_t upstream_connections(const struct upstream *upstream);

/* The only place that changes the state. */
void upstream_enter(struct upstream *upstream, enum upstream_state state);

/* The configuration says this about it now; borrows the item. */
void upstream_set_item(struct upstream *upstream, const struct upstream_item *item);

/* May it be chosen at all? */
bool upstream_is_possible(const struct upstream *upstream, uint64_t now_ms);

#endif
