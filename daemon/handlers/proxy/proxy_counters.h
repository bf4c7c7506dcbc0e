/* SPDX-License-Identifier: MIT
 *
 * What the proxy counts: one row each.
 */
#ifndef PRONGD_PROXY_COUNTERS_H
#define PRONGD_PROXY_COUNTERS_H

#include <prongd/handler.h>

/* In the order of the rows. */
enum proxy_count {
    PROXY_COUNT_FAILURES, /* attempts */
    PROXY_COUNT_DOWN,     /* upstreams */
    PROXY_COUNT_UNSERVED, /* clients */
    PROXY_COUNTS
};

extern const struct prongd_counter proxy_counters[];

#endif
