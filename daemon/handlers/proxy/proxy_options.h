/* SPDX-License-Identifier: MIT
 *
 * The options of a server whose handler is the proxy: one row each.
 */
#ifndef PRONGD_PROXY_OPTIONS_H
#define PRONGD_PROXY_OPTIONS_H

#include <prongd/option.h>
#include <stddef.h>
#include <stdint.h>

/* In the order of the choices of `balance`. */
enum proxy_balance {
    PROXY_ROUND_ROBIN,
    PROXY_LEAST_CONNECTIONS,
    PROXY_HASH_SOURCE,
    PROXY_RANDOM_TWO
};

/* In the order of the choices of `send_proxy`: the version, or none. */
enum proxy_send { PROXY_SEND_NONE, PROXY_SEND_V1, PROXY_SEND_V2 };

struct proxy_config {
    struct prongd_list upstream;
    int balance; /* enum proxy_balance */
    uint64_t connect_timeout_ms;
    uint64_t try_timeout_ms;
    char *connect_from;                /* NULL: any address */
    char *upstream_congestion_control; /* NULL: the system's */
    uint64_t max_fails;
    uint64_t fail_timeout_ms;
    uint64_t check_interval_ms; /* 0: there are no checks */
    uint64_t check_rise;
    uint64_t check_fall;
    uint64_t resolve_interval_ms; /* 0: as the name server says */
    int send_proxy;               /* enum proxy_send */
};

#define PROXY_OPTION_COUNT 13

extern const struct prongd_option proxy_options[];

#endif
