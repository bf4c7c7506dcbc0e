/* SPDX-License-Identifier: MIT
 *
 * The sample file: each option with its sentence and its default.
 */
#include <stdbool.h>
#include <string.h>

#include "describe.h"
#include "options.h"

#define WIDTH 78

static const char head[] =
    "# The configuration of prongd: every option, its default, and what it is for.\n"
    "# prongd.conf(5) tells more; \"prongd -t\" tests this file, \"prongd -T\" prints what it "
    "means.\n"
    "#\n"
    "# A line is NAME = VALUE.  A comment begins with # or ; at the line's beginning or after a\n"
    "# space.  Remove the # before an option to set it.\n";

/* The server that the sample starts. */
static const struct {
    const char *name;
    const char *value;
} example[] = {
    {"listen", "127.0.0.1:7007"},
    {"handler", "echo"},
};

/* A sentence as comment lines. */
static void print_comment(FILE *stream, const char *text)
{
    size_t column = 0;

    while (*text != '\0') {
        size_t length = strcspn(text, " ");

        if (column != 0 && column + 1 + length > WIDTH) {
            fputc('\n', stream);
            column = 0;
        }
        column += (size_t)fprintf(stream, "%s%.*s", column == 0 ? "# " : " ", (int)length, text);
        text += length + strspn(text + length, " ");
    }
    fputc('\n', stream);
}

static const char *example_value(const char *name)
{
    for (size_t i = 0; i < sizeof(example) / sizeof(example[0]); i++) {
        if (strcmp(example[i].name, name) == 0)
            return example[i].value;
    }
    return NULL;
}

static void print_choices(FILE *stream, const char *const *choices)
{
    fputs("# One of:", stream);
    for (; *choices != NULL; choices++)
        fprintf(stream, " %s", *choices);
    fputc('\n', stream);
}

static void print_option(FILE *stream, const struct prongd_option *row)
{
    const char *value = row->fallback != NULL ? row->fallback : row->example;

    fputc('\n', stream);
    print_comment(stream, row->help);
    if (row->type == PRONGD_TYPE_CHOICE)
        print_choices(stream, row->choices);
    if (row->fallback == NULL)
        fputs("# Not set by default; for example:\n", stream);
    fprintf(stream, "#%s = %s\n", row->name, value);
}

static void print_table(FILE *stream, const struct option_table *table)
{
    for (size_t i = 0; i < table->count; i++) {
        const char *value = example_value(table->rows[i].name);

        if (value == NULL) {
            print_option(stream, &table->rows[i]);
            continue;
        }
        fputc('\n', stream);
        print_comment(stream, table->rows[i].help);
        fprintf(stream, "%s = %s\n", table->rows[i].name, value);
    }
}

void describe_sample(const struct prongd_handler *const *handlers, FILE *stream)
{
    fputs(head, stream);
    fputs("\n[prongd]\n", stream);
    print_table(stream, &daemon_options);
    fputs(
        "\n"
        "# A server: its addresses, and the handler that serves their connections.  There may be\n"
        "# any number of servers, each with a name of its own.  The handlers are:\n",
        stream);
    for (size_t i = 0; handlers[i] != NULL; i++)
        fprintf(stream, "#   %-10s %s\n", handlers[i]->name, handlers[i]->help);
    fputs("[server echo]\n", stream);
    print_table(stream, &server_options);
    for (size_t i = 0; handlers[i] != NULL; i++) {
        const struct option_table table = handler_options(handlers[i]);

        if (table.count > 0)
            fprintf(stream, "\n# --- Only with handler = %s ---\n", handlers[i]->name);
        print_table(stream, &table);
    }
}

void describe_module(const struct prongd_handler *handler, const char *value, FILE *stream)
{
    const struct option_table table = handler_options(handler);

    print_comment(stream, handler->help);
    fprintf(stream, "[server %s]\nlisten = %s\nhandler = %s\n", handler->name,
            example_value("listen"), value);
    print_table(stream, &table);
}
