/* SPDX-License-Identifier: MIT
 *
 * Arrivals: where connections that came from another worker, and do nothing yet, go on in the ring
 * of their server's messages.
 */
#ifndef PRONGD_ARRIVALS_H
#define PRONGD_ARRIVALS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct prong_socket;

struct arrival {
    const struct prong_socket *socket;
    uint64_t position;
};

/* All zero: none.  They start in the order in which they came, so the first is looked at first. */
struct arrivals {
    struct arrival *list;
    size_t first; /* those before it have started */
    size_t count;
    size_t room;
};

/* 0 or -ENOMEM. */
int arrivals_add(struct arrivals *arrivals, const struct prong_socket *socket, uint64_t position);

/* Where it goes on.  False: it never arrived. */
bool arrivals_find(const struct arrivals *arrivals, const struct prong_socket *socket,
                   uint64_t *position);

/* Takes it out.  False: it never arrived. */
bool arrivals_take(struct arrivals *arrivals, const struct prong_socket *socket,
                   uint64_t *position);

void arrivals_clear(struct arrivals *arrivals);

#endif
