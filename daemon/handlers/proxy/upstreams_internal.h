/* SPDX-License-Identifier: MIT
 *
 * Inside struct upstreams: what choosing, names and checks share.
 */
#ifndef PRONGD_UPSTREAMS_INTERNAL_H
#define PRONGD_UPSTREAMS_INTERNAL_H

#include <stddef.h>
#include <stdint.h>

#include "balance.h"
#include "upstreams.h"

struct prong_address;
struct prong_timer;
struct proxy_config;
struct upstream_item;
struct upstream_name;

struct upstreams {
    struct prongd_service *service;
    const struct proxy_config *config;
    struct balance balance;
    struct upstream_item *items;
    struct upstream_name *names; /* of the items without an address */
    struct upstream *first;      /* all of them, also those that are retired */
    struct upstream **end;
    size_t count;
    struct upstream **candidates; /* room for all */
    uint32_t last_number;
    struct prong_timer *look; /* after places of other workers, while clients wait for one */
    void (*on_change)(void *user);
    void *user;
};

/* One more for this item, used; the one that is there already, where it is.  NULL with errno. */
struct upstream *upstreams_add(struct upstreams *upstreams, const struct upstream_item *item,
                               const struct prong_address *address);

/* Nobody is sent there any more; it is gone with its last place. */
void upstreams_retire(struct upstreams *upstreams, struct upstream *upstream);

/* The answer of upstreams_choose() may be another one. */
void upstreams_changed(const struct upstreams *upstreams);

/* CLOCK_MONOTONIC */
uint64_t upstreams_now_ms(void);

#endif
