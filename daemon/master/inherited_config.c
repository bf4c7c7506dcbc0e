/* SPDX-License-Identifier: MIT
 *
 * Configurations of programs that are gone.
 */
#include "inherited_config.h"

#include <stdlib.h>
#include <string.h>

#include "config.h"

/* Stands for one that this program does not have: its connections cannot move. */
static const struct prongd_handler departed = {
    .abi = PRONGD_HANDLER_ABI,
    .size = sizeof(departed),
    .name = "(departed)",
};

static const struct prongd_handler *find_handler(const struct prongd_handler *const *handlers,
                                                 const char *name)
{
    for (; *handlers != NULL; handlers++) {
        if (strcmp((*handlers)->name, name) == 0)
            return *handlers;
    }
    return &departed;
}

static struct config_server *new_server(const json_t *value,
                                        const struct prongd_handler *const *handlers)
{
    struct config_server *server;
    const char *name, *handler;

    if (json_unpack((json_t *)(uintptr_t)value, "{s:s, s:s}", "name", &name, "handler", &handler) <
        0)
        return NULL;
    server = calloc(1, sizeof(*server));
    if (server == NULL)
        return NULL;
    server->name = strdup(name);
    server->handler_name = strdup(handler);
    server->handler = find_handler(handlers, handler);
    return server;
}

struct config *inherited_config_new(const char *file, const json_t *servers,
                                    uint64_t shutdown_timeout_ms,
                                    const struct prongd_handler *const *handlers)
{
    size_t count = json_array_size(servers);
    struct config *config = calloc(1, sizeof(*config));

    if (config == NULL)
        return NULL;
    config->daemon.shutdown_timeout_ms = shutdown_timeout_ms;
    config->file = strdup(file);
    config->servers = calloc(count + 1, sizeof(struct config_server *));
    while (config->servers != NULL && config->server_count < count) {
        struct config_server *server =
            new_server(json_array_get(servers, config->server_count), handlers);

        if (server == NULL)
            break;
        config->servers[config->server_count++] = server;
    }
    if (config->file != NULL && config->servers != NULL && config->server_count == count)
        return config;
    config_free(config);
    return NULL;
}
