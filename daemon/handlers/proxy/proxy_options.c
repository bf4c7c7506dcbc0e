/* SPDX-License-Identifier: MIT
 *
 * The rows, and what their values must be.
 */
#include "proxy_options.h"

#include <assert.h>
#include <errno.h>
#include <prong/address.h>
#include <prong/congestion.h>
#include <stdio.h>

#include "upstream_item.h"

#define ITEMS(array) (sizeof(array) / sizeof((array)[0]))

#define MINUTE (60 * UINT64_C(1000))
#define HOUR   (60 * MINUTE)

static const char *const balance_choices[] = {"round_robin", "least_connections", "hash_source",
                                              "random_two", NULL};

static const char *const send_choices[] = {"none", "v1", "v2", NULL};

static int check_connect_from(const char *value, char *problem, size_t size)
{
    struct prong_address address;

    if (prong_address_from_ip(&address, value, 0) == 0)
        return 0;
    snprintf(problem, size, "\"%s\" is not an IP address of this machine: write 192.0.2.1 or ::1",
             value);
    return -EINVAL;
}

static int check_congestion_control(const char *value, char *problem, size_t size)
{
    int error = prong_congestion_check(value);

    if (error != -ENOENT && error != -EPERM)
        return 0;
    snprintf(problem, size, "this %s no congestion control \"%s\": net.ipv4.tcp_%s says which",
             error == -ENOENT ? "kernel has" : "user may have", value,
             error == -ENOENT ? "available_congestion_control" : "allowed_congestion_control");
    return -EINVAL;
}

const struct prongd_option proxy_options[] = {
    {PRONGD_LIST(struct proxy_config, upstream), .name = "upstream",
     .example = "10.0.0.1:80 weight=2, 10.0.0.2:80, unix:/run/spare.sock backup",
     .check = upstream_item_check,
     .help = "Where connections are relayed to: HOST:PORT, [IPV6]:PORT, unix:/PATH or unix:@NAME, "
             "each with weight=N for N times the share, max_connections=N over all workers, or "
             "backup for one that is used when no other can be."},
    {PRONGD_CHOICE(struct proxy_config, balance), .name = "balance", .fallback = "round_robin",
     .choices = balance_choices,
     .help = "Which upstream a connection gets: each in turn by its weight, the one with the "
             "fewest connections over all workers, always the same one for a client's address, or "
             "the less busy one of two that are drawn at random."},
    {PRONGD_DURATION(struct proxy_config, connect_timeout_ms), .name = "connect_timeout",
     .fallback = "10s", .least = 1, .most = HOUR,
     .help = "How long a client waits until an upstream is connected, all attempts together."},
    {PRONGD_DURATION(struct proxy_config, try_timeout_ms), .name = "try_timeout", .fallback = "3s",
     .least = 1, .most = HOUR,
     .help = "How long the attempt to connect to one upstream may take before the next one is "
             "tried."},
    {PRONGD_TEXT(struct proxy_config, connect_from), .name = "connect_from", .example = "192.0.2.1",
     .check = check_connect_from,
     .help = "The IP address of this machine from which upstreams are connected: the kernel's "
             "choice, unless one is written."},
    {PRONGD_TEXT(struct proxy_config, upstream_congestion_control),
     .name = "upstream_congestion_control", .example = "cubic", .check = check_congestion_control,
     .help = "How the kernel decides how much it sends to upstreams when, as congestion_control "
             "does for clients: where the system has one for long ways, as bbr, the short way to "
             "an upstream is cheaper with reno or cubic."},
    {PRONGD_COUNT(struct proxy_config, max_fails), .name = "max_fails", .fallback = "1",
     .most = 1000000,
     .help = "After how many failed attempts of all workers within fail_timeout an upstream is not "
             "used for that time; 0 never takes one out."},
    {PRONGD_DURATION(struct proxy_config, fail_timeout_ms), .name = "fail_timeout",
     .fallback = "10s", .least = 1, .most = HOUR,
     .help = "How long failed attempts are remembered, and how long an upstream with too many of "
             "them is left alone; then one client tries it again."},
    {PRONGD_DURATION(struct proxy_config, check_interval_ms), .name = "check_interval",
     .fallback = "0", .most = HOUR,
     .help = "How often one of the workers tries to connect to every upstream, for all to know "
             "without a client whether it is there; 0 leaves it to the clients."},
    {PRONGD_COUNT(struct proxy_config, check_rise), .name = "check_rise", .fallback = "2",
     .least = 1, .most = 1000,
     .help = "After how many checks in a row that succeed an upstream is used again."},
    {PRONGD_COUNT(struct proxy_config, check_fall), .name = "check_fall", .fallback = "3",
     .least = 1, .most = 1000,
     .help = "After how many checks in a row that fail an upstream is used no more."},
    {PRONGD_DURATION(struct proxy_config, resolve_interval_ms), .name = "resolve_interval",
     .fallback = "0", .most = 24 * HOUR,
     .help = "How often the names of upstreams are looked up again; 0 does so when the time is "
             "over for which the name server gave its answer, and every minute where it gave none: "
             "a lookup that fails changes nothing."},
    {PRONGD_CHOICE(struct proxy_config, send_proxy), .name = "send_proxy", .fallback = "none",
     .choices = send_choices,
     .help = "Whether upstreams are told who the client is, by a header of the PROXY protocol in "
             "this version before its first byte: they must expect it."},
};

static_assert(ITEMS(proxy_options) == PROXY_OPTION_COUNT, "the handler says how many");
