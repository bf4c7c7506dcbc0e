/* SPDX-License-Identifier: MIT
 *
 * From entries to members: finds the row, refuses what is unknown or repeated, notes the origin,
 * and lets the row's type read the text.
 */
#include "fill.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "origin.h"
#include "parse.h"
#include "unknown.h"

/* A row and the struct that it fills. */
struct slot {
    const struct prongd_option *row;
    void *base;
};

static struct slot find_slot(const struct fill *fill, const char *name)
{
    for (size_t i = 0; i < fill->target_count; i++) {
        const struct prongd_option *row = option_find(&fill->targets[i].table, name);

        if (row != NULL)
            return (struct slot){row, fill->targets[i].base};
    }
    return (struct slot){0};
}

static void no_memory(struct fill *fill)
{
    problems_add_system(fill->problems, fill->config->file, ENOMEM, "cannot be loaded");
}

static void set_value(struct fill *fill, const struct slot *slot, const char *text,
                      const struct problem_site *site)
{
    char problem[PARSE_PROBLEM_SIZE];
    int error = parse_value(slot->row, text, slot->base, problem, sizeof(problem));

    if (error == -ENOMEM)
        no_memory(fill);
    else if (error < 0)
        problems_add(fill->problems, site, "%s", problem);
}

static size_t count_items(const struct slot *slot)
{
    const void *member = (const char *)slot->base + slot->row->offset;

    return slot->row->type == PRONGD_TYPE_LIST ? ((const struct prongd_list *)member)->count : 0;
}

/* `place` NULL: a default, which has no origin. */
static void set_items(struct fill *fill, const struct slot *slot, const char *text,
                      const struct problem_site *site, const struct place *place)
{
    char *copy = strdup(text);
    char *rest = copy;
    char *item;

    if (copy == NULL)
        no_memory(fill);
    while ((item = parse_next_item(&rest)) != NULL) {
        if (place != NULL &&
            origin_add(fill->config, slot->base, slot->row, count_items(slot), *place) < 0)
            no_memory(fill);
        set_value(fill, slot, item, site);
    }
    free(copy);
}

static void set_single(struct fill *fill, const struct slot *slot,
                       const struct document_entry *entry, const struct problem_site *site)
{
    const struct config_origin *first = origin_find(fill->config, slot->base, slot->row, 0);

    if (entry->continues) {
        problems_add(fill->problems, site,
                     "\"%s\" is indented and so belongs to %s, which takes one value: remove the "
                     "spaces before it",
                     entry->text, entry->name);
    } else if (first != NULL) {
        problems_add(fill->problems, site,
                     "the option was set in %s:%u already, and it takes one value", first->file,
                     first->line);
    } else {
        if (origin_add(fill->config, slot->base, slot->row, 0, entry->place) < 0)
            no_memory(fill);
        set_value(fill, slot, entry->text, site);
    }
}

/* An indented "name = value" was meant to be an option, not the next item of a list. */
static bool is_indented_option(const struct fill *fill, const struct document_entry *entry)
{
    const char *equals = strchr(entry->text, '=');
    char name[64];
    size_t length = equals == NULL ? 0 : (size_t)(equals - entry->text);

    if (!entry->continues || length == 0 || length >= sizeof(name))
        return false;
    memcpy(name, entry->text, length);
    name[length] = '\0';
    return find_slot(fill, parse_trim(name)).row != NULL;
}

static void fill_entry(struct fill *fill, const struct document_entry *entry)
{
    const struct problem_site site = {entry->place, fill->title, entry->name};
    struct slot slot = find_slot(fill, entry->name);

    if (slot.row == NULL) {
        if (!entry->continues)
            unknown_option(fill, entry);
    } else if (slot.row->type != PRONGD_TYPE_LIST) {
        set_single(fill, &slot, entry, &site);
    } else if (is_indented_option(fill, entry)) {
        problems_add(fill->problems, &site,
                     "\"%s\" is indented and so belongs to this list: remove the spaces before it",
                     entry->text);
    } else {
        set_items(fill, &slot, entry->text, &site, &entry->place);
    }
}

void fill_entries(struct fill *fill, const struct document_section *section)
{
    for (size_t i = 0; i < section->entry_count; i++)
        fill_entry(fill, &section->entries[i]);
}

static void fill_default(struct fill *fill, const struct slot *slot)
{
    const struct problem_site site = {fill->place, fill->title, slot->row->name};

    if (slot->row->fallback == NULL || origin_find(fill->config, slot->base, slot->row, 0) != NULL)
        return;
    if (slot->row->type == PRONGD_TYPE_LIST)
        set_items(fill, slot, slot->row->fallback, &site, NULL);
    else
        set_value(fill, slot, slot->row->fallback, &site);
}

void fill_defaults(struct fill *fill)
{
    for (size_t i = 0; i < fill->target_count; i++) {
        const struct fill_target *target = &fill->targets[i];

        for (size_t j = 0; j < target->table.count; j++) {
            const struct slot slot = {&target->table.rows[j], target->base};

            fill_default(fill, &slot);
        }
    }
}

static void clear_list(struct prongd_list *list)
{
    for (size_t i = 0; i < list->count; i++)
        free(list->items[i]);
    free(list->items);
}

void fill_clear(const struct option_table *table, void *base)
{
    for (size_t i = 0; i < table->count; i++) {
        void *member = (char *)base + table->rows[i].offset;

        if (table->rows[i].type == PRONGD_TYPE_TEXT)
            free(*(char **)member);
        else if (table->rows[i].type == PRONGD_TYPE_LIST)
            clear_list(member);
    }
}
