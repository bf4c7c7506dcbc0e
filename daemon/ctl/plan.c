/* SPDX-License-Identifier: MIT
 *
 * Tables of what a reload would change.
 */
#include "plan.h"

#include <stdbool.h>
#include <string.h>

#include "table.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const struct table_column listener_columns[] = {
    {"ADDRESS", "address", TABLE_TEXT},
    {"SERVER", "server", TABLE_TEXT},
    {"WOULD BE", "change", TABLE_TEXT},
};

static const struct table_column option_columns[] = {
    {"SECTION", "section", TABLE_TEXT},
    {"OPTION", "option", TABLE_TEXT},
    {"OLD", "old", TABLE_TEXT},
    {"NEW", "new", TABLE_TEXT},
    {"TAKES EFFECT", "effect", TABLE_TEXT},
};

static const struct table_column server_columns[] = {
    {"SERVER", "name", TABLE_TEXT},   {"HANDLER", "handler", TABLE_TEXT},
    {"CHANGE", "change", TABLE_TEXT}, {"CONNECTIONS", "connections", TABLE_NUMBER},
    {"WOULD BE", "fate", TABLE_TEXT},
};

static void print_table(FILE *stream, const struct table_column *columns, size_t count,
                        const json_t *rows)
{
    if (json_array_size(rows) == 0)
        return;
    table_print(stream, columns, count, rows);
    (void)fputc('\n', stream);
}

static bool is_any_changed(const json_t *servers)
{
    for (size_t i = 0; i < json_array_size(servers); i++) {
        const char *change =
            json_string_value(json_object_get(json_array_get(servers, i), "change"));

        if (change != NULL && strcmp(change, "none") != 0)
            return true;
    }
    return false;
}

static void print_refusals(FILE *stream, const json_t *lines)
{
    char text[TABLE_CELL_SIZE];

    for (size_t i = 0; i < json_array_size(lines); i++)
        (void)fprintf(stream, "A reload would be refused: %s\n",
                      table_cell(json_array_get(lines, i), TABLE_TEXT, text));
}

void plan_print(FILE *stream, json_t *answer)
{
    const json_t *listeners = json_object_get(answer, "listeners");
    const json_t *options = json_object_get(answer, "options");
    const json_t *servers = json_object_get(answer, "servers");

    if (json_array_size(listeners) + json_array_size(options) == 0 && !is_any_changed(servers))
        (void)fputs("The configuration means the same; a reload would start new workers.\n\n",
                    stream);
    print_table(stream, option_columns, COUNT(option_columns), options);
    print_table(stream, listener_columns, COUNT(listener_columns), listeners);
    table_print(stream, server_columns, COUNT(server_columns), servers);
    print_refusals(stream, json_object_get(answer, "refused"));
}
