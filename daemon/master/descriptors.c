/* SPDX-License-Identifier: MIT
 *
 * RLIMIT_NOFILE against max_connections.
 */
#include "descriptors.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/resource.h>

#include "config.h"
#include "log.h"

/* What a process has beside its connections, without listening handles and other workers. */
#define OTHER_DESCRIPTORS 64

/* A single worker may have all connections; 0: nothing is said about them. */
static uint64_t needed(const struct config *config)
{
    uint64_t connections = 0, listeners = 0;

    for (size_t i = 0; i < config->server_count; i++) {
        connections += config->servers[i]->max_connections;
        listeners +=
            config->servers[i]->address_count *
            (config->servers[i]->accept == CONFIG_ACCEPT_REUSEPORT ? config_workers(config) : 1U);
    }
    if (connections == 0)
        return 0;
    return connections + listeners + 2 * (uint64_t)config_workers(config) + OTHER_DESCRIPTORS;
}

static void raise_to(uint64_t wanted)
{
    struct rlimit limit, higher = {.rlim_cur = wanted, .rlim_max = wanted};

    if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
        return;
    if (wanted > limit.rlim_max && setrlimit(RLIMIT_NOFILE, &higher) == 0)
        return;
    limit.rlim_cur = limit.rlim_max;
    (void)setrlimit(RLIMIT_NOFILE, &limit);
}

int descriptors_raise(const struct config *config, char *problem, size_t size)
{
    uint64_t wanted = config_descriptors(config), least = needed(config);
    struct rlimit limit;

    raise_to(wanted > least ? wanted : least);
    if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
        return 0;
    if (wanted > limit.rlim_max) {
        snprintf(
            problem, size,
            "%s: [prongd] rlimit_nofile: %llu descriptors are wanted, and the system allows %llu",
            config->file, (unsigned long long)wanted, (unsigned long long)limit.rlim_max);
        return -EPERM;
    }
    if (wanted == 0)
        wanted = limit.rlim_cur;
    if (wanted < least)
        log_warning("too few descriptors for max_connections: raise the limit (ulimit -n, "
                    "LimitNOFILE=) or lower max_connections allowed=%llu needed=%llu",
                    (unsigned long long)wanted, (unsigned long long)least);
    return 0;
}
