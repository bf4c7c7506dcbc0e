/* SPDX-License-Identifier: MIT
 *
 * Addresses that are wanted twice.
 */
#include "conflict.h"

#include "listen_item.h"
#include "options.h"
#include "origin.h"

/* An address and its server. */
struct claim {
    const struct config_server *server;
    size_t index;
};

static bool clash(const struct claim *left, const struct claim *right)
{
    return listen_items_clash(&left->server->addresses[left->index], left->server->ipv6_only,
                              &right->server->addresses[right->index], right->server->ipv6_only);
}

static void complain(const struct config *config, const struct claim *claim,
                     const struct claim *earlier, struct problems *problems)
{
    const struct prongd_option *row = option_find(&server_options, "listen");
    const struct place first = origin_place(config, earlier->server, row, earlier->index);
    const char *item = claim->server->listen.items[claim->index];
    char section[64];
    const struct problem_site site = {origin_place(config, claim->server, row, claim->index),
                                      section, row->name};

    snprintf(section, sizeof(section), "server %s", claim->server->name);
    problems_add(problems, &site,
                 "\"%s\" is taken by \"%s\" of server %s in %s:%u: an address has one server", item,
                 earlier->server->listen.items[earlier->index], earlier->server->name, first.file,
                 first.line);
}

/* The first claim before `claim` that it clashes with. */
static bool find_earlier(const struct config *config, const struct claim *claim,
                         struct claim *earlier)
{
    for (size_t i = 0; i < config->server_count; i++) {
        const struct config_server *server = config->servers[i];

        for (size_t j = 0; j < server->address_count; j++) {
            *earlier = (struct claim){server, j};
            if (server == claim->server && j == claim->index)
                return false;
            if (clash(claim, earlier))
                return true;
        }
    }
    return false;
}

void conflict_check(const struct config *config, struct problems *problems)
{
    struct claim earlier;

    for (size_t i = 0; i < config->server_count; i++) {
        for (size_t j = 0; j < config->servers[i]->address_count; j++) {
            const struct claim claim = {config->servers[i], j};

            if (find_earlier(config, &claim, &earlier))
                complain(config, &claim, &earlier, problems);
        }
    }
}
