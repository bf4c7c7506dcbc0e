/* SPDX-License-Identifier: MIT
 *
 * The rows.
 */
#include "proxy_counters.h"

#include <assert.h>

const struct prongd_counter proxy_counters[] = {
    [PROXY_COUNT_FAILURES] = {"upstream_failures",
                              "Attempts to connect to an upstream that failed."},
    [PROXY_COUNT_DOWN] = {"upstream_downs", "How often an upstream was found to be down."},
    [PROXY_COUNT_UNSERVED] = {"clients_unserved",
                              "Clients that were closed because no upstream could be had."},
};

static_assert(sizeof(proxy_counters) / sizeof(proxy_counters[0]) == PROXY_COUNTS, "a row for each");
