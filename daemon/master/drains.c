/* SPDX-License-Identifier: MIT
 *
 * A list of names.
 */
#include "drains.h"

#include <stdlib.h>
#include <string.h>

#include "config.h"
#include "generation.h"
#include "ipc.h"
#include "log.h"
#include "message.h"
#include "slot.h"

static void drain_free(struct drain *drain)
{
    free(drain->server);
    free(drain->item);
    free(drain);
}

struct drain *drains_find(const struct drains *drains, const char *server, const char *item)
{
    struct drain *drain = drains->first;

    while (drain != NULL && (strcmp(drain->server, server) != 0 || strcmp(drain->item, item) != 0))
        drain = drain->next;
    return drain;
}

struct drain *drains_add(struct drains *drains, const char *server, const char *item,
                         bool is_announced)
{
    struct drain *drain = drains_find(drains, server, item);

    if (drain != NULL) {
        drain->is_announced = drain->is_announced && is_announced;
        return drain;
    }
    drain = calloc(1, sizeof(*drain));
    if (drain == NULL)
        return NULL;
    drain->server = strdup(server);
    drain->item = strdup(item);
    if (drain->server == NULL || drain->item == NULL) {
        drain_free(drain);
        return NULL;
    }
    drain->is_announced = is_announced;
    drain->number = ++drains->last_number;
    drain->next = drains->first;
    drains->first = drain;
    return drain;
}

void drains_remove(struct drains *drains, struct drain *drain)
{
    struct drain **link = &drains->first;

    while (*link != drain)
        link = &(*link)->next;
    *link = drain->next;
    drain_free(drain);
}

void drains_remove_number(struct drains *drains, uint64_t number)
{
    struct drain *drain = drains->first;

    while (drain != NULL && drain->number != number)
        drain = drain->next;
    if (drain != NULL)
        drains_remove(drains, drain);
}

static bool has_server(const struct config *config, const char *name)
{
    for (size_t i = 0; i < config->server_count; i++) {
        if (strcmp(config->servers[i]->name, name) == 0)
            return true;
    }
    return false;
}

void drains_follow(struct drains *drains, const struct config *config)
{
    struct drain *next;

    for (struct drain *drain = drains->first; drain != NULL; drain = next) {
        next = drain->next;
        if (has_server(config, drain->server))
            continue;
        log_notice("drain forgotten, for there is no such server any more server=%s",
                   drain->server);
        drains_remove(drains, drain);
    }
}

void drains_clear(struct drains *drains)
{
    while (drains->first != NULL)
        drains_remove(drains, drains->first);
}

/* --- Telling --- */

struct message_drain *drains_message(const char *server, const char *item, bool drained,
                                     size_t *size)
{
    size_t server_size = strlen(server) + 1, item_size = strlen(item) + 1;
    struct message_drain *message = calloc(1, sizeof(*message) + server_size + item_size);

    if (message == NULL)
        return NULL;
    message->drained = drained;
    memcpy(message->names, server, server_size);
    memcpy(message->names + server_size, item, item_size);
    *size = sizeof(*message) + server_size + item_size;
    return message;
}

static void tell_one(const struct drain *drain, const struct slot *slot)
{
    size_t size;
    struct message_drain *message = drains_message(drain->server, drain->item, true, &size);

    if (message != NULL && slot->ipc != NULL)
        (void)ipc_send(slot->ipc, MESSAGE_DRAIN_SERVER, message, size, NULL, 0);
    free(message);
}

void drains_tell(const struct drains *drains, const struct slot *slot)
{
    for (const struct drain *drain = drains->first; drain != NULL; drain = drain->next) {
        if (!drain->is_announced)
            tell_one(drain, slot);
    }
}

/* --- Showing --- */

void drains_describe(const struct drains *drains, json_t *server)
{
    const char *name = json_string_value(json_object_get(server, "name"));
    bool is_drained = name != NULL && drains_find(drains, name, "") != NULL;
    bool is_empty = json_integer_value(json_object_get(server, "connections")) == 0;
    json_t *items = json_array();

    for (const struct drain *drain = drains->first; drain != NULL; drain = drain->next) {
        if (name != NULL && strcmp(drain->server, name) == 0 && drain->item[0] != '\0')
            json_array_append_new(items, json_string(drain->item));
    }
    json_object_set_new(server, "drained_items", items);
    json_object_set_new(server, "state",
                        json_string(!is_drained ? "serving"
                                    : is_empty  ? "drained"
                                                : "draining"));
}

/* --- From one program to the next --- */

json_t *drains_json(const struct drains *drains)
{
    json_t *list = json_array();

    for (const struct drain *drain = drains->first; drain != NULL; drain = drain->next)
        json_array_append_new(list, json_pack("{s:s, s:s, s:b}", "server", drain->server, "item",
                                              drain->item, "announced", drain->is_announced));
    return list;
}

void drains_read(struct drains *drains, const json_t *list)
{
    const json_t *value;
    size_t i;

    json_array_foreach(list, i, value)
    {
        const char *server = json_string_value(json_object_get(value, "server"));
        const char *item = json_string_value(json_object_get(value, "item"));

        if (server != NULL && item != NULL)
            (void)drains_add(drains, server, item,
                             json_is_true(json_object_get(value, "announced")));
    }
}
