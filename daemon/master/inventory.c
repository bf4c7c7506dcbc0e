/* SPDX-License-Identifier: MIT
 *
 * A function for each kind of figure.
 */
#include "inventory.h"

#include <prong/error.h>
#include <prongd/handler.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "clock.h"
#include "config.h"
#include "items.h"
#include "log.h"
#include "scoreboard.h"
#include "shares.h"

#define STATE_MASK UINT64_C(0xff)

/* The longest text, each byte of it escaped. */
#define ESCAPED_SIZE (ITEM_TEXT_SIZE * 4 + 1)

/* One item, as it was copied. */
struct entry {
    const struct shares *shares;
    const struct config_server *server;
    char name[ITEM_TEXT_SIZE], origin[ITEM_TEXT_SIZE];
    bool is_drained;
    struct item_use use;
    uint64_t figures[ITEM_FIGURES];
};

/* --- Figures --- */

static json_t *number(uint64_t value)
{
    return json_integer((json_int_t)(value <= INT64_MAX ? value : INT64_MAX));
}

static void set_number(json_t *item, const char *name, const struct entry *entry, size_t figure)
{
    json_object_set_new(item, name, number(entry->figures[figure]));
}

/* What an operator has drained, and what nobody uses any more, matters more than how it is. */
static void set_state(json_t *item, const char *name, const struct entry *entry, size_t figure)
{
    const struct prongd_handler *handler = entry->server->handler;
    uint64_t place = entry->figures[figure] & STATE_MASK;
    const struct prongd_item_state *state =
        place < handler->item_state_count ? &handler->item_states[place] : NULL;

    if (state == NULL)
        return;
    if (entry->use.users == 0) {
        json_object_set_new(item, name, json_string("retired"));
        return;
    }
    json_object_set_new(item, "is_well", json_boolean(state->is_well));
    json_object_set_new(item, "health", json_string(state->name));
    json_object_set_new(item, name, json_string(entry->is_drained ? "drained" : state->name));
}

static void set_moment(json_t *item, const char *name, const struct entry *entry, size_t figure)
{
    uint64_t now_ms = clock_ms(), then_ms = entry->figures[figure];
    char member[80];

    if (then_ms == 0 || then_ms > now_ms)
        return;
    (void)snprintf(member, sizeof(member), "%s_s", name);
    json_object_set_new(item, member, json_real((double)(now_ms - then_ms) / 1000));
}

static void set_reason(json_t *item, const char *name, const struct entry *entry, size_t figure)
{
    uint64_t code = entry->figures[figure];

    if (code > 0 && code <= INT32_MAX)
        json_object_set_new(item, name, json_string(prong_error_text(-(int)code)));
}

static void set_taken(json_t *item, const char *name, const struct entry *entry, size_t figure)
{
    const struct share_key key = share_limit_key(entry->server->name, entry->name);

    (void)figure;
    json_object_set_new(item, name, number(shares_connections(entry->shares, &key)));
}

typedef void setter(json_t *item, const char *name, const struct entry *entry, size_t figure);

static setter *const setters[] = {
    [PRONGD_FIGURE_SUM] = set_number,    [PRONGD_FIGURE_LEVEL] = set_number,
    [PRONGD_FIGURE_STATE] = set_state,   [PRONGD_FIGURE_MOMENT] = set_moment,
    [PRONGD_FIGURE_REASON] = set_reason, [PRONGD_FIGURE_TAKEN] = set_taken,
    [PRONGD_FIGURE_OWN] = NULL,
};

/* --- Items --- */

/* False: the place is not one of this server and this handler, or nobody has it. */
static bool copy(struct entry *entry, const struct item_place *place, const struct item_key *key)
{
    const struct item_key own = {
        .server = key->server,
        .name = atomic_load_explicit(&place->name, memory_order_relaxed),
        .meaning = key->meaning,
    };

    if (atomic_load_explicit(&place->server, memory_order_acquire) != key->server ||
        atomic_load_explicit(&place->meaning, memory_order_relaxed) != key->meaning)
        return false;
    entry->use = items_use(entry->shares, &own);
    if (entry->use.workers == 0)
        return false;
    memcpy(entry->name, place->text, sizeof(entry->name));
    memcpy(entry->origin, place->origin, sizeof(entry->origin));
    entry->name[sizeof(entry->name) - 1] = entry->origin[sizeof(entry->origin) - 1] = '\0';
    entry->is_drained = atomic_load_explicit(&place->is_drained, memory_order_relaxed) != 0;
    for (size_t i = 0; i < ITEM_FIGURES; i++)
        entry->figures[i] = atomic_load_explicit(&place->figures[i], memory_order_relaxed);
    return true;
}

static json_t *escaped(const char *text)
{
    char escaped[ESCAPED_SIZE];

    return json_string(log_escape(text, strlen(text), escaped, sizeof(escaped)));
}

static json_t *describe(const struct entry *entry)
{
    const struct prongd_handler *handler = entry->server->handler;
    json_t *item = json_pack("{s:s, s:s, s:o, s:o, s:b, s:I}", "server", entry->server->name,
                             "kind", handler->item_kind, "name", escaped(entry->name), "origin",
                             escaped(entry->origin), "drained", (int)entry->is_drained, "workers",
                             (json_int_t)entry->use.users);

    for (size_t i = 0; i < handler->figure_count; i++) {
        setter *set = setters[handler->figures[i].kind];

        if (set != NULL)
            set(item, handler->figures[i].name, entry, i);
    }
    return item;
}

json_t *inventory_describe(const struct scoreboard *board, const struct config_server *server)
{
    struct entry entry = {.shares = scoreboard_shares(board), .server = server};
    const struct items *items = scoreboard_items(board);
    const struct item_key key = items_key(share_server(server->name), server->handler, "");
    uint32_t count = atomic_load_explicit(&items->count, memory_order_acquire);
    json_t *list = json_array();

    if (server->handler->item_kind == NULL)
        return list;
    for (uint32_t i = 0; i < count && i < ITEMS; i++) {
        if (copy(&entry, &items->places[i], &key))
            json_array_append_new(list, describe(&entry));
    }
    return list;
}

/* --- Samples --- */

/* NULL: it is no number for the metrics. */
static const char *sample_type(enum prongd_figure_kind kind)
{
    static const char *const types[] = {
        [PRONGD_FIGURE_SUM] = "sum",
        [PRONGD_FIGURE_LEVEL] = "level",
        [PRONGD_FIGURE_TAKEN] = "level",
        [PRONGD_FIGURE_OWN] = NULL,
    };

    return types[kind];
}

static void add_samples_of(json_t *samples, const json_t *item,
                           const struct prongd_handler *handler)
{
    for (size_t i = 0; i < handler->figure_count; i++) {
        const struct prongd_figure *figure = &handler->figures[i];
        const char *type = sample_type(figure->kind);

        if (type != NULL)
            json_array_append_new(
                samples, json_pack("{s:O, s:O, s:O, s:s, s:O, s:s}", "server",
                                   json_object_get(item, "server"), "item_kind",
                                   json_object_get(item, "kind"), "item",
                                   json_object_get(item, "name"), "figure", figure->name, "value",
                                   json_object_get(item, figure->name), "kind", type));
    }
}

void inventory_add_samples(json_t *samples, const json_t *items, const struct config_server *server)
{
    const json_t *item;
    size_t i;

    if (server->handler->item_kind == NULL || strcmp(server->handler->item_kind, "upstream") == 0)
        return;
    json_array_foreach(items, i, item)
    {
        add_samples_of(samples, item, server->handler);
    }
}
