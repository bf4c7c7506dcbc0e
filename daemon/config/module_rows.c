/* SPDX-License-Identifier: MIT
 *
 * Rows to JSON in the child, and back in the parent.
 */
#include "module_rows.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "item_rows.h"
#include "module.h"

/* A member of any type fits; so every row has its own place in the parent. */
#define PLACE_SIZE sizeof(struct prongd_list)

/* Of handlers and of options. */
#define MAX_NAME 63

/* --- Writing --- */

static json_t *describe_choices(const char *const *choices)
{
    json_t *list = json_array();

    for (; choices != NULL && *choices != NULL; choices++)
        json_array_append_new(list, json_string(*choices));
    return list;
}

static json_t *describe_option(const struct prongd_option *row)
{
    const char *const *choices = row->type == PRONGD_TYPE_CHOICE ? row->choices : NULL;

    return json_pack("{s:i, s:s, s:s*, s:I, s:I, s:i, s:s*, s:s, s:o}", "type", (int)row->type,
                     "name", row->name, "fallback", row->fallback, "least", (json_int_t)row->least,
                     "most", (json_int_t)row->most, "change", (int)row->change, "example",
                     row->example, "help", row->help, "choices", describe_choices(choices));
}

json_t *module_rows_describe_counters(const struct prongd_handler *handler)
{
    json_t *list = json_array();

    for (size_t i = 0; i < handler->counter_count; i++)
        json_array_append_new(list, json_pack("{s:s, s:s}", "name", handler->counters[i].name,
                                              "help", handler->counters[i].help));
    return list;
}

json_t *module_rows_describe(const struct prongd_handler *handler)
{
    json_t *options = json_array();

    for (size_t i = 0; i < handler->option_count; i++)
        json_array_append_new(options, describe_option(&handler->options[i]));
    return json_pack(
        "{s:s, s:s*, s:s, s:I, s:b, s:o, s:o, s:o, s:b, s:I}", "name", handler->name, "version",
        handler->version, "help", handler->help, "state_size", (json_int_t)handler->state_size,
        "moves", handler->state_size == 0 || handler->save != NULL, "options", options, "counters",
        module_rows_describe_counters(handler), "items", item_rows_describe(handler), "hears",
        handler->on_broadcast != NULL || handler->on_message != NULL, "shared_size",
        (json_int_t)handler->shared_size);
}

/* --- Reading --- */

static bool is_name(const char *name)
{
    size_t length = strlen(name);

    return length > 0 && length <= MAX_NAME &&
           strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_") == length;
}

static const char *const *take_choices(const json_t *list)
{
    size_t count = json_array_size(list);
    const char **choices = calloc(count + 1, sizeof(char *));

    for (size_t i = 0; choices != NULL && i < count; i++)
        choices[i] = json_string_value(json_array_get(list, i));
    return choices;
}

static bool take_option(struct prongd_option *row, const json_t *value, size_t index)
{
    json_int_t least, most;
    int type, change;
    json_t *choices;

    if (json_unpack((json_t *)(uintptr_t)value, "{s:i, s:s, s:I, s:I, s:i, s:s, s:o}", "type",
                    &type, "name", &row->name, "least", &least, "most", &most, "change", &change,
                    "help", &row->help, "choices", &choices) < 0 ||
        type < 0 || type > PRONGD_TYPE_LIST || change < 0 || change > PRONGD_CHANGE_RESTART ||
        !is_name(row->name))
        return false;
    row->type = (enum prongd_option_type)type;
    row->change = (enum prongd_option_change)change;
    row->least = (uint64_t)least;
    row->most = (uint64_t)most;
    row->fallback = json_string_value(json_object_get(value, "fallback"));
    row->example = json_string_value(json_object_get(value, "example"));
    if (row->fallback == NULL && row->example == NULL)
        row->example = "...";
    row->offset = index * PLACE_SIZE;
    row->choices = take_choices(choices);
    /* The first is what stands for nothing. */
    return row->choices != NULL && (type != PRONGD_TYPE_CHOICE || row->choices[0] != NULL);
}

static int take_options(struct module *module, const json_t *list)
{
    size_t count = json_array_size(list);

    module->options = calloc(count + 1, sizeof(*module->options));
    if (module->options == NULL)
        return -ENOMEM;
    module->handler.options = module->options;
    module->handler.config_size = count * PLACE_SIZE;
    for (size_t i = 0; i < count; i++) {
        module->handler.option_count = i + 1;
        if (!take_option(&module->options[i], json_array_get(list, i), i))
            return -EPROTO;
    }
    return 0;
}

int module_rows_take_counters(struct module *module, const json_t *list)
{
    struct prongd_handler *handler = &module->handler;
    json_t *value;
    size_t i;

    if (json_array_size(list) > PRONGD_COUNTERS)
        return -EPROTO;
    handler->counters = module->counters;
    handler->counter_count = 0;
    json_array_foreach(list, i, value)
    {
        struct prongd_counter *counter = &module->counters[i];

        if (json_unpack(value, "{s:s, s:s}", "name", &counter->name, "help", &counter->help) < 0 ||
            !is_name(counter->name))
            return -EPROTO;
        handler->counter_count++;
    }
    return 0;
}

/* Only that they exist says something here, and nobody calls them. */
static void hears(struct prongd_service *service, const void *bytes, size_t size)
{
    (void)service;
    (void)bytes;
    (void)size;
}

static long saves(struct prong_socket *socket, void *bytes, size_t size)
{
    (void)socket;
    (void)bytes;
    (void)size;
    return -ENOTSUP;
}

int module_rows_take(struct module *module, json_t *value)
{
    struct prongd_handler *handler = &module->handler;
    json_t *options;
    json_int_t state_size, shared_size;
    int moves;

    module->description = value;
    *handler = (struct prongd_handler){PRONGD_HANDLER};
    if (json_unpack(value, "{s:s, s:s, s:I, s:b, s:o}", "name", &handler->name, "help",
                    &handler->help, "state_size", &state_size, "moves", &moves, "options",
                    &options) < 0)
        return -EPROTO;
    if (!is_name(handler->name) || state_size < 0)
        return -EPROTO;
    handler->version = json_string_value(json_object_get(value, "version"));
    handler->state_size = (size_t)state_size;
    handler->save = moves ? saves : NULL;
    handler->on_broadcast = json_is_true(json_object_get(value, "hears")) ? hears : NULL;
    shared_size = json_integer_value(json_object_get(value, "shared_size"));
    handler->shared_size = shared_size > 0 ? (size_t)shared_size : 0;
    if (module_rows_take_counters(module, json_object_get(value, "counters")) < 0 ||
        item_rows_take(handler, &module->item_rows, json_object_get(value, "items")) < 0)
        return -EPROTO;
    return take_options(module, options);
}
