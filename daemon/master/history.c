/* SPDX-License-Identifier: MIT
 *
 * A list: there are few servers, and it is read by people.
 */
#include "history.h"

#include <stdlib.h>
#include <string.h>

#include "config.h"
#include "generation.h"
#include "scoreboard.h"
#include "tally.h"

struct history_entry {
    struct history_entry *next;
    char *name;
    struct totals totals;
    json_t *tally; /* of its handlers' counters */
};

static struct history_entry *find(const struct history *history, const char *name)
{
    struct history_entry *entry = history->first;

    while (entry != NULL && strcmp(entry->name, name) != 0)
        entry = entry->next;
    return entry;
}

static struct history_entry *make(struct history *history, const char *name)
{
    struct history_entry *entry = calloc(1, sizeof(*entry));
    char *copy = strdup(name);
    json_t *tally = json_object();

    if (entry == NULL || copy == NULL || tally == NULL) {
        free(entry);
        free(copy);
        json_decref(tally);
        return NULL;
    }
    entry->name = copy;
    entry->tally = tally;
    entry->next = history->first;
    history->first = entry;
    return entry;
}

static void add(struct history *history, const char *name, const struct totals *totals,
                const json_t *tally)
{
    struct history_entry *entry = find(history, name);

    if (entry == NULL)
        entry = make(history, name);
    if (entry == NULL)
        return;
    totals_add(&entry->totals, totals);
    tally_add(entry->tally, tally);
}

static void add_server(struct history *history, const struct generation *generation,
                       const struct scoreboard *scoreboard, unsigned server)
{
    const struct config_server *config = generation->config->servers[server];
    struct totals totals = {0};
    json_t *tally = json_object();

    for (unsigned slot = 0; slot < generation->slot_count; slot++) {
        const struct scoreboard_server *cell =
            scoreboard_server(scoreboard, generation->number, slot, server);

        totals_add_cell(&totals, cell);
        tally_add_cell(tally, config->handler, cell);
    }
    totals.connections = 0; /* they went with the workers, or to others */
    add(history, config->name, &totals, tally);
    json_decref(tally);
}

void history_add(struct history *history, const struct generation *generation,
                 const struct scoreboard *scoreboard)
{
    const struct config *config = generation->config;

    for (unsigned server = 0; config != NULL && server < config->server_count; server++)
        add_server(history, generation, scoreboard, server);
}

struct totals history_find(const struct history *history, const char *name)
{
    const struct history_entry *entry = find(history, name);

    return entry != NULL ? entry->totals : (struct totals){0};
}

const json_t *history_tally(const struct history *history, const char *name)
{
    const struct history_entry *entry = find(history, name);

    return entry != NULL ? entry->tally : NULL;
}

json_t *history_json(const struct history *history)
{
    json_t *object = json_object();

    for (const struct history_entry *entry = history->first; entry != NULL; entry = entry->next) {
        json_t *described = totals_json(&entry->totals);

        json_object_set(described, "handler_counters", entry->tally);
        json_object_set_new(object, entry->name, described);
    }
    return object;
}

void history_read(struct history *history, const json_t *object)
{
    const char *name;
    json_t *value;

    json_object_foreach((json_t *)(uintptr_t)object, name, value)
    {
        struct totals totals;

        totals_read(&totals, value);
        add(history, name, &totals, json_object_get(value, "handler_counters"));
    }
}

void history_clear(struct history *history)
{
    struct history_entry *entry;

    while ((entry = history->first) != NULL) {
        history->first = entry->next;
        json_decref(entry->tally);
        free(entry->name);
        free(entry);
    }
}
