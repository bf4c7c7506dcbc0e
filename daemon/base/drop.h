/* SPDX-License-Identifier: MIT
 *
 * Why a client is not let in: one row for each reason.
 *
 * Log, scoreboard, status and metrics know a reason by its row; a new one needs a row here and the
 * place that gives it (worker/admission.c).
 */
#ifndef PRONGD_DROP_H
#define PRONGD_DROP_H

#include <stddef.h>

/* In the order in which they are asked. */
enum drop_reason {
    DROP_DESCRIPTORS,     /* the worker has none left */
    DROP_MEMORY,          /* nor memory */
    DROP_PROXY_HEADER,    /* a trusted proxy did not say for whom it connects */
    DROP_DRAINED,         /* `prongctl drain` */
    DROP_LIST,            /* `allow` and `deny` */
    DROP_RATE,            /* max_rate_per_address */
    DROP_ADDRESS,         /* max_connections_per_address */
    DROP_TABLE,           /* the table of addresses is full */
    DROP_MAX_CONNECTIONS, /* max_connections */
    DROP_REASONS,
    DROP_NONE = DROP_REASONS
};

/* "max_connections" …: what stands in status, metrics and log. */
const char *drop_reason_name(enum drop_reason reason);

#endif
