/* SPDX-License-Identifier: MIT
 *
 * Values to text.
 */
#include "format.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "parse.h"

static const struct parse_unit *largest_unit(enum prongd_option_type type, uint64_t number)
{
    const struct parse_unit *best = parse_units(type);

    for (const struct parse_unit *unit = best; unit->suffix != NULL; unit++) {
        if (number % unit->factor == 0)
            best = unit;
    }
    return best;
}

const char *format_number(enum prongd_option_type type, uint64_t number, char *text, size_t size)
{
    const struct parse_unit *unit;

    if (number == 0) {
        snprintf(text, size, "0");
    } else if (type == PRONGD_TYPE_MODE) {
        snprintf(text, size, "%04" PRIo64, number);
    } else {
        unit = largest_unit(type, number);
        snprintf(text, size, "%" PRIu64 "%s", number / unit->factor, unit->suffix);
    }
    return text;
}

const char *format_value(const struct prongd_option *row, const void *base,
                         char number[FORMAT_NUMBER_SIZE])
{
    const void *member = (const char *)base + row->offset;
    const char *text;

    switch (row->type) {
    case PRONGD_TYPE_BOOLEAN:
        return *(const bool *)member ? "yes" : "no";
    case PRONGD_TYPE_COUNT:
    case PRONGD_TYPE_SIZE:
    case PRONGD_TYPE_DURATION:
    case PRONGD_TYPE_MODE:
        return format_number(row->type, *(const uint64_t *)member, number, FORMAT_NUMBER_SIZE);
    case PRONGD_TYPE_CHOICE:
        return row->choices[*(const int *)member];
    case PRONGD_TYPE_TEXT:
        text = *(char *const *)member;
        return text == NULL ? "" : text;
    case PRONGD_TYPE_LIST:
        break;
    }
    assert(!"a list is formatted item by item");
    return "";
}

static char *join(const struct prongd_list *list)
{
    char *text = NULL;
    size_t size;
    FILE *stream = open_memstream(&text, &size);

    if (stream == NULL)
        return NULL;
    for (size_t i = 0; i < list->count; i++)
        fprintf(stream, "%s%s", i > 0 ? ", " : "", list->items[i]);
    if (fclose(stream) == 0)
        return text;
    free(text);
    return NULL;
}

char *format_row(const struct prongd_option *row, const void *base)
{
    const void *member = (const char *)base + row->offset;
    char number[FORMAT_NUMBER_SIZE];

    return row->type == PRONGD_TYPE_LIST ? join(member) : strdup(format_value(row, base, number));
}
