/* SPDX-License-Identifier: MIT
 *
 * The effective configuration, as a file that can be loaded again.
 */
#include <stdio.h>
#include <string.h>

#include "format.h"
#include "options.h"
#include "origin.h"
#include "reader.h"

/* Where the comments begin that tell the origins. */
#define COMMENT_COLUMN 40

/* How a value is introduced; `narrow` where the line would be too long otherwise.  A value was
 * read from a line of that length, so then it fits. */
struct lead {
    char wide[80];
    char narrow[80];
};

/* "FILE:LINE"; of a long path the end.  What has no origin is a default. */
static const char *describe_origin(const struct config_origin *origin, char *text, size_t size)
{
    size_t length;

    if (origin == NULL)
        return "default";
    length = strlen(origin->file);
    snprintf(text, size, "%s:%u", origin->file + (length > size / 2 ? length - size / 2 : 0),
             origin->line);
    return text;
}

/* A value and its comment: behind it, or above it where both do not fit into a line. */
static void print_value(FILE *stream, const struct lead *lead, const char *value,
                        const char *comment)
{
    size_t length = strlen(lead->wide) + strlen(value);
    size_t column = length < COMMENT_COLUMN ? COMMENT_COLUMN : length;
    int padding = (int)(column - length);

    if (column + strlen(" # ") + strlen(comment) <= READER_LINE_LIMIT)
        fprintf(stream, "%s%s%*s # %s\n", lead->wide, value, padding, "", comment);
    else
        fprintf(stream, "# %s\n%s%s\n", comment,
                length <= READER_LINE_LIMIT ? lead->wide : lead->narrow, value);
}

static void print_list(FILE *stream, const struct config *config, const struct prongd_option *row,
                       const void *base)
{
    const struct prongd_list *list = (const void *)((const char *)base + row->offset);
    const struct lead lead = {"    ", " "};
    char origin[READER_LINE_LIMIT];

    if (list->count == 0) {
        fprintf(stream, "# %s is not set\n", row->name);
        return;
    }
    /* What was included stands here itself: it must not come twice. */
    if (strcmp(row->name, "include") == 0) {
        fputs("# include: what the files say is part of this one\n", stream);
        return;
    }
    fprintf(stream, "%s =\n", row->name);
    for (size_t i = 0; i < list->count; i++)
        print_value(stream, &lead, list->items[i],
                    describe_origin(origin_find(config, base, row, i), origin, sizeof(origin)));
}

static void print_single(FILE *stream, const struct config *config, const struct prongd_option *row,
                         const void *base)
{
    const struct config_origin *origin = origin_find(config, base, row, 0);
    char number[FORMAT_NUMBER_SIZE];
    char comment[READER_LINE_LIMIT];
    struct lead lead;

    if (origin == NULL && row->fallback == NULL) {
        fprintf(stream, "# %s is not set\n", row->name);
        return;
    }
    snprintf(lead.wide, sizeof(lead.wide), "%s = ", row->name);
    snprintf(lead.narrow, sizeof(lead.narrow), "%s=", row->name);
    print_value(stream, &lead, format_value(row, base, number),
                describe_origin(origin, comment, sizeof(comment)));
}

static void print_table(FILE *stream, const struct config *config, const struct option_table *table,
                        const void *base)
{
    for (size_t i = 0; i < table->count; i++) {
        if (table->rows[i].type == PRONGD_TYPE_LIST)
            print_list(stream, config, &table->rows[i], base);
        else
            print_single(stream, config, &table->rows[i], base);
    }
}

void config_dump(const struct config *config, FILE *stream)
{
    fputs("# The effective configuration of prongd.\n\n[prongd]\n", stream);
    print_table(stream, config, &daemon_options, &config->daemon);
    for (size_t i = 0; i < config->server_count; i++) {
        const struct config_server *server = config->servers[i];
        const struct option_table rows = handler_options(server->handler);

        fprintf(stream, "\n[server %s]\n", server->name);
        print_table(stream, config, &server_options, server);
        if (server->handler_config != NULL)
            print_table(stream, config, &rows, server->handler_config);
    }
}
