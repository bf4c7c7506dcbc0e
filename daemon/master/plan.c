/* SPDX-License-Identifier: MIT
 *
 * The differences that an operator thinks in: addresses, servers and their connections, options.
 */
#include "plan.h"

#include <prong/address.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "census.h"
#include "compare.h"
#include "config.h"
#include "generation.h"
#include "listeners.h"
#include "master_internal.h"

/* --- Listeners --- */

/* Would this configuration go on with the handle? */
static bool wants_address(const struct listeners *listeners, const struct config_server *server,
                          size_t index, const struct listener *wanted)
{
    const struct listener *listener;
    unsigned nth = 0;

    do {
        listener = listeners_find(listeners, server, index, nth++);
    } while (listener != NULL && listener != wanted);
    return listener != NULL;
}

static bool wants(const struct listeners *listeners, const struct config *config,
                  const struct listener *wanted)
{
    for (size_t i = 0; i < config->server_count; i++) {
        for (size_t j = 0; j < config->servers[i]->address_count; j++) {
            if (wants_address(listeners, config->servers[i], j, wanted))
                return true;
        }
    }
    return false;
}

static void add_listener(json_t *list, const char *address, const char *server, const char *change)
{
    json_array_append_new(
        list, json_pack("{s:s, s:s, s:s}", "address", address, "server", server, "change", change));
}

static void add_closed(json_t *list, const struct master *master, const struct generation *current,
                       const struct config *config)
{
    char address[PRONG_ADDRESS_TEXT_SIZE];

    for (size_t i = 0; i < current->listener_count; i++) {
        const struct generation_listener *entry = &current->listeners[i];

        if (wants(master->listeners, config, entry->listener))
            continue;
        prong_address_format(&entry->listener->address, address, sizeof(address));
        add_listener(list, address, current->config->servers[entry->server]->name, "closed");
    }
}

static void add_opened(json_t *list, const struct master *master, const struct config *config)
{
    for (size_t i = 0; i < config->server_count; i++) {
        const struct config_server *server = config->servers[i];

        for (size_t j = 0; j < server->address_count; j++) {
            if (listeners_find(master->listeners, server, j, 0) == NULL)
                add_listener(list, server->listen.items[j], server->name, "opened");
        }
    }
}

static json_t *describe_listeners(const struct master *master, const struct generation *current,
                                  const struct config *config)
{
    json_t *list = json_array();

    add_opened(list, master, config);
    add_closed(list, master, current, config);
    return list;
}

/* --- Servers --- */

/* What becomes of connections of `before`; `after`: its successor, or NULL. */
static const char *fate_of(const struct config_server *before, const struct config_server *after)
{
    const struct prongd_handler *handler = before->handler;

    if (before->on_reload == CONFIG_ON_RELOAD_CLOSE)
        return "closed";
    if (before->on_reload == CONFIG_ON_RELOAD_DRAIN || after == NULL ||
        strcmp(handler->name, after->handler->name) != 0 ||
        (handler->state_size > 0 && handler->save == NULL))
        return "drained";
    return "moved";
}

struct change {
    const struct config_server *after;
    bool is_changed;
};

static void note_change(const struct difference *difference, void *user)
{
    struct change *change = user;

    change->is_changed |= difference->after != NULL && difference->after == change->after;
}

static bool is_changed(const struct generation *current, const struct config *config,
                       const struct config_server *after)
{
    struct change change = {.after = after};

    (void)compare_configs(current->config, config, note_change, &change);
    return change.is_changed;
}

static json_t *describe_running(const struct generation *current, unsigned server,
                                const struct config *config)
{
    const struct config_server *before = current->config->servers[server];
    const struct config_server *after = compare_find_server(config, before->name);
    const char *change = "removed";

    if (after != NULL)
        change = is_changed(current, config, after) ? "changed" : "none";
    return json_pack("{s:s, s:s, s:s, s:I, s:s}", "name", before->name, "handler",
                     before->handler->name, "change", change, "connections",
                     (json_int_t)census_server(current, server), "fate", fate_of(before, after));
}

static json_t *describe_new(const struct config_server *server)
{
    return json_pack("{s:s, s:s, s:s, s:i, s:n}", "name", server->name, "handler",
                     server->handler->name, "change", "added", "connections", 0, "fate");
}

static json_t *describe_servers(const struct generation *current, const struct config *config)
{
    json_t *list = json_array();

    for (unsigned i = 0; i < current->config->server_count; i++)
        json_array_append_new(list, describe_running(current, i, config));
    for (size_t i = 0; i < config->server_count; i++) {
        if (compare_find_server(current->config, config->servers[i]->name) == NULL)
            json_array_append_new(list, describe_new(config->servers[i]));
    }
    return list;
}

/* --- Options --- */

static const char *const effects[] = {
    [PRONGD_CHANGE_NEW_WORKERS] = "new workers",
    [PRONGD_CHANGE_LIVE] = "at once",
    [PRONGD_CHANGE_RESTART] = "after a restart",
};

static void add_option(const struct difference *difference, void *user)
{
    const struct prongd_option *row = difference->row;
    char section[64] = "prongd";

    if (row == NULL)
        return;
    if (difference->after != NULL)
        snprintf(section, sizeof(section), "server %s", difference->after->name);
    json_array_append_new(user, json_pack("{s:s, s:s, s:s, s:s, s:s}", "section", section, "option",
                                          row->name, "old", difference->old_value, "new",
                                          difference->new_value, "effect", effects[row->change]));
}

static json_t *describe_options(const struct generation *current, const struct config *config)
{
    json_t *list = json_array();

    (void)compare_configs(current->config, config, add_option, list);
    return list;
}

/* --- All of it --- */

static json_t *describe_refusals(const struct config_problems *refusals)
{
    const char *line = refusals->text;
    json_t *list = json_array();

    while (line != NULL && *line != '\0') {
        size_t length = strcspn(line, "\n");

        json_array_append_new(list, json_stringn(line, length));
        line += length + (line[length] == '\n');
    }
    return list;
}

json_t *plan_json(const struct master *master, const struct config *config,
                  const struct config_problems *refusals)
{
    const struct generation *current = generation_list_current(&master->generations);

    return json_pack("{s:b, s:o, s:o, s:o, s:o}", "ok", 1, "listeners",
                     describe_listeners(master, current, config), "servers",
                     describe_servers(current, config), "options",
                     describe_options(current, config), "refused", describe_refusals(refusals));
}
