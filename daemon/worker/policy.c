/* SPDX-License-Identifier: MIT
 *
 * Lists of the library.
 */
#include "policy.h"

#include <errno.h>
#include <prong/address.h>
#include <prong/block_list.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>

#include "config.h"

static bool is_unix(const char *rule)
{
    return strcmp(rule, "unix") == 0;
}

static int fill(struct prong_block_list **list, const struct prongd_list *rules)
{
    int error = 0;

    if (rules->count == 0)
        return 0;
    *list = prong_block_list_new();
    if (*list == NULL)
        return -ENOMEM;
    for (size_t i = 0; i < rules->count && error == 0; i++) {
        if (!is_unix(rules->items[i]))
            error = prong_block_list_add_cidr(*list, rules->items[i]);
    }
    return error;
}

int policy_init(struct policy *policy, const struct config_server *config)
{
    int error = fill(&policy->deny, &config->deny);

    if (error == 0)
        error = fill(&policy->allow, &config->allow);
    if (error == 0)
        error = fill(&policy->proxies, &config->proxy_protocol_from);
    for (size_t i = 0; i < config->proxy_protocol_from.count; i++) {
        if (is_unix(config->proxy_protocol_from.items[i]))
            policy->trusts_unix = true;
    }
    return error;
}

bool policy_wants(const struct policy *policy, const struct prong_address *client)
{
    if (client->family != AF_INET && client->family != AF_INET6)
        return true;
    if (policy->deny != NULL && prong_block_list_check(policy->deny, client))
        return false;
    return policy->allow == NULL || prong_block_list_check(policy->allow, client);
}

bool policy_is_proxy(const struct policy *policy, const struct prong_address *peer)
{
    if (peer->family == AF_UNIX)
        return policy->trusts_unix;
    return policy->proxies != NULL && prong_block_list_check(policy->proxies, peer);
}

void policy_clear(struct policy *policy)
{
    prong_block_list_free(policy->deny);
    prong_block_list_free(policy->allow);
    prong_block_list_free(policy->proxies);
    *policy = (struct policy){0};
}
