/* SPDX-License-Identifier: MIT
 *
 * Options as texts, and back.
 */
#include "inherited_config.h"

#include <stdlib.h>
#include <string.h>

#include "array.h"
#include "config.h"
#include "format.h"
#include "module.h"
#include "module_rows.h"
#include "options.h"
#include "parse.h"

/* --- Writing --- */

static json_t *describe_rows(const struct option_table *table, const void *base)
{
    json_t *rows = json_object();

    for (size_t i = 0; i < table->count; i++) {
        char *text = format_row(&table->rows[i], base);

        /* What is not set has no default for the reader either. */
        if (text != NULL)
            json_object_set_new(rows, table->rows[i].name,
                                *text != '\0' ? json_string(text) : json_null());
        free(text);
    }
    return rows;
}

static json_t *describe_server(const struct config_server *server)
{
    const struct option_table rows = handler_options(server->handler);
    json_t *own = json_object();

    if (server->handler_config != NULL) {
        json_decref(own);
        own = describe_rows(&rows, server->handler_config);
    }
    return json_pack("{s:s, s:s, s:o, s:o, s:o}", "name", server->name, "handler",
                     server->handler->name, "counters",
                     module_rows_describe_counters(server->handler), "options",
                     describe_rows(&server_options, server), "handler_options", own);
}

json_t *inherited_config_describe(const struct config *config)
{
    json_t *servers = json_array();

    for (size_t i = 0; i < config->server_count; i++)
        json_array_append_new(servers, describe_server(config->servers[i]));
    return json_pack("{s:s, s:o, s:o}", "file", config->file, "options",
                     describe_rows(&daemon_options, &config->daemon), "servers", servers);
}

/* --- Reading --- */

/* It was checked by the program that read the file. */
static void set_row(const struct prongd_option *row, void *base, const char *text)
{
    struct prongd_option unchecked = *row;
    char problem[PARSE_PROBLEM_SIZE];
    char *copy = strdup(text), *rest = copy, *item;

    unchecked.check = NULL;
    if (row->type != PRONGD_TYPE_LIST) {
        (void)parse_value(&unchecked, text, base, problem, sizeof(problem));
    } else {
        while ((item = parse_next_item(&rest)) != NULL)
            (void)parse_value(&unchecked, item, base, problem, sizeof(problem));
    }
    free(copy);
}

static void set_rows(const struct option_table *table, void *base, const json_t *rows)
{
    for (size_t i = 0; i < table->count; i++) {
        const struct prongd_option *row = &table->rows[i];
        const json_t *value = json_object_get(rows, row->name);
        const char *text = value != NULL ? json_string_value(value) : row->fallback;

        if (text != NULL)
            set_row(row, base, text);
    }
}

/* Does the handler count what the workers of the other program count, in the same cells? */
static bool counts_the_same(const struct prongd_handler *handler, const json_t *counters)
{
    if (json_array_size(counters) != handler->counter_count)
        return false;
    for (size_t i = 0; i < handler->counter_count; i++) {
        const char *name = json_string_value(json_object_get(json_array_get(counters, i), "name"));

        if (name == NULL || strcmp(name, handler->counters[i].name) != 0)
            return false;
    }
    return true;
}

static const struct prongd_handler *find_handler(const struct prongd_handler *const *handlers,
                                                 const char *name, const json_t *counters)
{
    for (; *handlers != NULL; handlers++) {
        if (strcmp((*handlers)->name, name) == 0 && counts_the_same(*handlers, counters))
            return *handlers;
    }
    return NULL;
}

/* Stands for one that this program does not have, a module above all, or has with other counters.
 * It has the name: where the new configuration has a handler of that name, connections move to it.
 */
static const struct prongd_handler *add_departed(struct config *config,
                                                 struct config_server *server, const char *name,
                                                 const json_t *counters)
{
    struct module *module = module_departed(name, counters), **place;

    place = array_add(&config->modules, &config->module_count, sizeof(struct module *));
    if (module == NULL || place == NULL) {
        module_free(module);
        if (place != NULL)
            config->module_count--;
        return NULL;
    }
    *place = module;
    server->module = module;
    return &module->handler;
}

static void set_handler(struct config_server *server, const struct prongd_handler *handler,
                        const json_t *options)
{
    const struct option_table rows = handler_options(handler);

    server->handler = handler;
    if (handler->config_size > 0)
        server->handler_config = calloc(1, handler->config_size);
    if (server->handler_config != NULL)
        set_rows(&rows, server->handler_config, options);
}

/* Added to the configuration.  False: it makes no sense, or memory is short. */
static bool add_server(struct config *config, const json_t *value,
                       const struct prongd_handler *const *handlers)
{
    const struct prongd_handler *handler;
    struct config_server *server;
    const json_t *counters = json_object_get(value, "counters");
    const char *name, *handler_name;

    if (json_unpack((json_t *)(uintptr_t)value, "{s:s, s:s}", "name", &name, "handler",
                    &handler_name) < 0)
        return false;
    server = calloc(1, sizeof(*server));
    if (server == NULL)
        return false;
    config->servers[config->server_count++] = server;
    server->name = strdup(name);
    set_rows(&server_options, server, json_object_get(value, "options"));
    handler = find_handler(handlers, handler_name, counters);
    if (handler == NULL)
        handler = add_departed(config, server, handler_name, counters);
    if (handler == NULL || server->name == NULL)
        return false;
    set_handler(server, handler, json_object_get(value, "handler_options"));
    return true;
}

static bool read_servers(struct config *config, const json_t *servers,
                         const struct prongd_handler *const *handlers)
{
    size_t count = json_array_size(servers);

    config->servers = calloc(count + 1, sizeof(struct config_server *));
    while (config->servers != NULL && config->server_count < count) {
        if (!add_server(config, json_array_get(servers, config->server_count), handlers))
            return false;
    }
    return config->servers != NULL;
}

struct config *inherited_config_new(const json_t *value,
                                    const struct prongd_handler *const *handlers)
{
    const char *file = json_string_value(json_object_get(value, "file"));
    struct config *config = calloc(1, sizeof(*config));

    if (config == NULL || file == NULL) {
        free(config);
        return NULL;
    }
    config->file = strdup(file);
    set_rows(&daemon_options, &config->daemon, json_object_get(value, "options"));
    if (config->file != NULL && read_servers(config, json_object_get(value, "servers"), handlers))
        return config;
    config_free(config);
    return NULL;
}

bool inherited_config_is_whole(const struct config *config)
{
    for (size_t i = 0; i < config->server_count; i++) {
        if (config->servers[i]->module != NULL)
            return false;
    }
    return true;
}
