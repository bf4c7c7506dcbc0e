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

struct proxy_config {
    struct prongd_list upstream;
    int balance; /* enum proxy_balance */
    uint64_t connect_timeout_ms;
    uint64_t try_timeout_ms;
    char *connect_from; /* NULL: any address */
    uint64_t max_fails;
    uint64_t fail_timeout_ms;
};

#define PROXY_OPTION_COUNT 7

extern const struct prongd_option proxy_options[];

#endif
