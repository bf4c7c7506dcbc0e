/* SPDX-License-Identifier: MIT
 *
 * The names of the reasons.
 */
#include "drop.h"

static const char *const names[] = {
    [DROP_DESCRIPTORS] = "descriptors",
    [DROP_MEMORY] = "memory",
    [DROP_PROXY_HEADER] = "proxy_header",
    [DROP_DRAINED] = "drained",
    [DROP_LIST] = "list",
    [DROP_RATE] = "rate_per_address",
    [DROP_ADDRESS] = "per_address",
    [DROP_TABLE] = "address_table_full",
    [DROP_MAX_CONNECTIONS] = "max_connections",
};

const char *drop_reason_name(enum drop_reason reason)
{
    return reason < DROP_REASONS ? names[reason] : "none";
}
