/* SPDX-License-Identifier: MIT
 *
 * Addresses that are wanted twice.
 */
#include "conflict.h"

#include "listen_item.h"
#include "options.h"
#include "origin.h"

/* An address and who listens there: a server, or the observer. */
struct claim {
    const struct config_server *server;
    size_t index;
};

/* What the file says of a claim. */
struct origin {
    struct place place;
    const char *item;
    char section[64];
    const char *option;
};

static struct origin find_origin(const struct config *config, const struct claim *claim)
{
    bool is_metrics = claim->server == config->metrics;
    const struct prongd_option *row = is_metrics ? option_find(&daemon_options, "metrics_listen")
                                                 : option_find(&server_options, "listen");
    const struct prongd_list *items =
        is_metrics ? &config->daemon.metrics_listen : &claim->server->listen;
    const void *base = is_metrics ? (const void *)&config->daemon : claim->server;
    struct origin origin = {.place = origin_place(config, base, row, claim->index),
                            .item = items->items[claim->index],
                            .option = row->name};

    if (is_metrics)
        snprintf(origin.section, sizeof(origin.section), "prongd");
    else
        snprintf(origin.section, sizeof(origin.section), "server %s", claim->server->name);
    return origin;
}

static bool clash(const struct claim *left, const struct claim *right)
{
    return listen_items_clash(&left->server->addresses[left->index], left->server->ipv6_only,
                              &right->server->addresses[right->index], right->server->ipv6_only);
}

static void complain(const struct config *config, const struct claim *claim,
                     const struct claim *earlier, struct problems *problems)
{
    const struct origin second = find_origin(config, claim), first = find_origin(config, earlier);
    const struct problem_site site = {second.place, second.section, second.option};

    problems_add(problems, &site,
                 "\"%s\" is taken by \"%s\" of %s in %s:%u: an address has one server", second.item,
                 first.item, first.section, first.place.file, first.place.line);
}

/* The servers, and behind the last one the observer; NULL where there is none. */
static const struct config_server *holder(const struct config *config, size_t number)
{
    return number < config->server_count ? config->servers[number] : config->metrics;
}

/* The first claim before `claim` that it clashes with. */
static bool find_earlier(const struct config *config, const struct claim *claim,
                         struct claim *earlier)
{
    for (size_t i = 0; i <= config->server_count; i++) {
        const struct config_server *server = holder(config, i);

        for (size_t j = 0; server != NULL && j < server->address_count; j++) {
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

    for (size_t i = 0; i <= config->server_count; i++) {
        const struct config_server *server = holder(config, i);

        for (size_t j = 0; server != NULL && j < server->address_count; j++) {
            const struct claim claim = {server, j};

            if (find_earlier(config, &claim, &earlier))
                complain(config, &claim, &earlier, problems);
        }
    }
}
