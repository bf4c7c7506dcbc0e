/* SPDX-License-Identifier: MIT
 *
 * A policy: which addresses a server lets in, by its `allow` and `deny`.
 *
 * And who may speak for others: the trusted proxies of `proxy_protocol_from`.
 *
 * Whoever stands on `deny` is not wanted; where `allow` has rules, neither is who does not stand
 * there.  A rule for IPv4 holds for the same address written as IPv6 (::ffff:192.0.2.1), too.
 * Clients of a unix socket have no address, and are always wanted.
 */
#ifndef PRONGD_POLICY_H
#define PRONGD_POLICY_H

#include <stdbool.h>

struct config_server;
struct prong_address;
struct prong_block_list;

struct policy {
    struct prong_block_list *allow;   /* NULL: everybody */
    struct prong_block_list *deny;    /* NULL: nobody */
    struct prong_block_list *proxies; /* NULL: nobody, but for the next */
    bool trusts_unix;
};

/* 0 or -ENOMEM; to be cleared in both cases.  The rules were checked with the configuration. */
int policy_init(struct policy *policy, const struct config_server *config);

bool policy_wants(const struct policy *policy, const struct prong_address *client);

/* Does this one speak for somebody else, with a header of the PROXY protocol? */
bool policy_is_proxy(const struct policy *policy, const struct prong_address *peer);

/* Harmless on one that is all zero. */
void policy_clear(struct policy *policy);

#endif
