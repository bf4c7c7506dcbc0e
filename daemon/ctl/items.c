/* SPDX-License-Identifier: MIT
 *
 * Upstreams have a table of their own; what other handlers have is shown by its names.
 */
#include "items.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "table.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const struct table_column upstream_columns[] = {
    {"SERVER", "server", TABLE_TEXT},
    {"UPSTREAM", "name", TABLE_TEXT},
    {"STATE", "state", TABLE_TEXT},
    {"SINCE", "since_s", TABLE_TIME},
    {"ROLE", "role", TABLE_TEXT},
    {"WEIGHT", "weight", TABLE_NUMBER},
    {"CONNECTIONS", "connections", TABLE_NUMBER},
    {"CONNECTS", "connects", TABLE_NUMBER},
    {"NEW/S", "connects_per_s", TABLE_NUMBER},
    {"MS", "connect_ms", TABLE_NUMBER}, /* to connect: the mean of all */
    {"FAILED", "failures", TABLE_NUMBER},
    {"RETRIES", "retries", TABLE_NUMBER},
    {"LAST ERROR", "reason", TABLE_TEXT},
    {"CONFIGURED AS", "origin", TABLE_TEXT},
};

static const struct table_column other_columns[] = {
    {"SERVER", "server", TABLE_TEXT},   {"KIND", "kind", TABLE_TEXT},
    {"NAME", "name", TABLE_TEXT},       {"STATE", "state", TABLE_TEXT},
    {"FIGURES", "figures", TABLE_TEXT},
};

/* What every item has besides its figures. */
static const char *const common[] = {"server",  "kind",    "name",   "origin", "drained",
                                     "workers", "is_well", "health", "state"};

/* --- Describing --- */

static bool is_same(const json_t *one, const json_t *other)
{
    return json_equal(json_object_get(one, "server"), json_object_get(other, "server")) &&
           json_equal(json_object_get(one, "kind"), json_object_get(other, "kind")) &&
           json_equal(json_object_get(one, "name"), json_object_get(other, "name"));
}

static const json_t *find(const json_t *status, const json_t *wanted)
{
    const json_t *item;
    size_t i;

    json_array_foreach(json_object_get(status, "items"), i, item)
    {
        if (is_same(item, wanted))
            return item;
    }
    return NULL;
}

static json_int_t figure(const json_t *item, const char *name)
{
    return json_integer_value(json_object_get(item, name));
}

static void add_rate(json_t *item, const json_t *before, double seconds)
{
    json_int_t now = figure(item, "connects"), then = figure(before, "connects");
    double rate = now > then ? (double)(now - then) / seconds : 0;

    json_object_set_new(item, "connects_per_s", json_integer((json_int_t)(rate + 0.5)));
}

static double hundredths(double number)
{
    return (double)(json_int_t)(number * 100 + 0.5) / 100;
}

static void complete_upstream(json_t *item, const json_t *before, double seconds)
{
    json_int_t connects = figure(item, "connects");
    double total_ms = (double)figure(item, "connect_us") / 1000;

    json_object_set_new(item, "role",
                        json_string(figure(item, "backup") != 0 ? "backup" : "active"));
    if (connects > 0)
        json_object_set_new(item, "connect_ms", json_real(hundredths(total_ms / (double)connects)));
    if (before != NULL && seconds > 0)
        add_rate(item, before, seconds);
}

static bool is_upstream(const json_t *item)
{
    const char *kind = json_string_value(json_object_get(item, "kind"));

    return kind != NULL && strcmp(kind, "upstream") == 0;
}

json_t *items_describe(const json_t *status, const json_t *before, double seconds)
{
    json_t *list = json_array();
    const json_t *each;
    size_t i;

    json_array_foreach(json_object_get(status, "items"), i, each)
    {
        json_t *item = json_copy((json_t *)(uintptr_t)each);

        if (is_upstream(item))
            complete_upstream(item, find(before, item), seconds);
        json_array_append_new(list, item);
    }
    return list;
}

/* --- Printing --- */

static bool is_common(const char *name)
{
    for (size_t i = 0; i < COUNT(common); i++) {
        if (strcmp(common[i], name) == 0)
            return true;
    }
    return false;
}

/* Its figures as "hits 5". */
static json_t *list_figures(const json_t *item)
{
    json_t *list = json_array();
    char text[TABLE_CELL_SIZE];
    const char *name;
    json_t *value;

    json_object_foreach((json_t *)(uintptr_t)item, name, value)
    {
        if (!is_common(name))
            json_array_append_new(list,
                                  json_sprintf("%s %s", name, table_cell(value, TABLE_TEXT, text)));
    }
    return list;
}

/* What the configuration calls it is said where that is something else. */
static json_t *row_of(const json_t *item)
{
    json_t *row = json_copy((json_t *)(uintptr_t)item);

    if (json_equal(json_object_get(row, "origin"), json_object_get(row, "name")))
        json_object_del(row, "origin");
    json_object_set_new(row, "figures", list_figures(item));
    return row;
}

/* The items of one sort, as rows. */
static json_t *rows_of(const json_t *items, bool upstreams)
{
    json_t *rows = json_array();
    const json_t *item;
    size_t i;

    json_array_foreach(items, i, item)
    {
        if (is_upstream(item) == upstreams)
            json_array_append_new(rows, row_of(item));
    }
    return rows;
}

/* Takes the rows. */
static void print_table(FILE *stream, const struct table_column *columns, size_t count,
                        json_t *rows)
{
    if (json_array_size(rows) > 0) {
        (void)fputc('\n', stream);
        table_print(stream, columns, count, rows);
    }
    json_decref(rows);
}

void items_print(FILE *stream, const json_t *items)
{
    print_table(stream, upstream_columns, COUNT(upstream_columns), rows_of(items, true));
    print_table(stream, other_columns, COUNT(other_columns), rows_of(items, false));
}
