/* SPDX-License-Identifier: MIT
 *
 * Balance: which of several upstreams the next connection gets.
 */
#ifndef PRONGD_BALANCE_H
#define PRONGD_BALANCE_H

#include <stddef.h>
#include <stdint.h>

#include "proxy_options.h"

struct prong_address;
struct upstream;

struct balance {
    enum proxy_balance kind;
    uint64_t random; /* the state of a generator; not 0 */
};

void balance_init(struct balance *balance, enum proxy_balance kind);

/* The place in `upstreams` of one of them, of which there is at least one, for a client with this
 * address, which has family 0 or AF_UNIX when it has none. */
size_t balance_pick(struct balance *balance, struct upstream *const *upstreams, size_t count,
                    const struct prong_address *client);

#endif
