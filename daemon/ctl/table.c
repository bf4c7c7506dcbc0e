/* SPDX-License-Identifier: MIT
 *
 * Lists of JSON objects as tables for people.
 */
#include "table.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "log_text.h"
#include "units.h"

/* Between two columns. */
#define GAP 2

static void add_number(struct log_text *text, json_int_t number, enum table_kind kind)
{
    char digits[UNITS_SIZE];

    if (kind == TABLE_BYTES && number >= 0)
        (void)units_bytes((uint64_t)number, digits);
    else if (kind == TABLE_TIME && number >= 0)
        (void)units_duration((uint64_t)number, digits);
    else
        (void)snprintf(digits, sizeof(digits), "%" JSON_INTEGER_FORMAT, number);
    log_text_add_line(text, digits);
}

static void add_real(struct log_text *text, double number, enum table_kind kind)
{
    char digits[UNITS_SIZE];

    if (kind == TABLE_TIME && number >= 10) {
        add_number(text, (json_int_t)number, kind);
        return;
    }
    (void)snprintf(digits, sizeof(digits), kind == TABLE_TIME ? "%.1f s" : "%.6g", number);
    log_text_add_line(text, digits);
}

static void add_value(struct log_text *text, const json_t *value, enum table_kind kind)
{
    if (json_is_string(value) && json_string_length(value) > 0)
        log_text_add_line(text, json_string_value(value));
    else if (json_is_integer(value))
        add_number(text, json_integer_value(value), kind);
    else if (json_is_real(value))
        add_real(text, json_real_value(value), kind);
    else if (json_is_boolean(value))
        log_text_add_line(text, json_is_true(value) ? "yes" : "no");
    else
        log_text_add_line(text, "-");
}

const char *table_cell(const json_t *value, enum table_kind kind, char text[TABLE_CELL_SIZE])
{
    struct log_text cell;

    log_text_init(&cell, text, TABLE_CELL_SIZE);
    if (json_array_size(value) == 0)
        add_value(&cell, value, kind);
    for (size_t i = 0; i < json_array_size(value); i++) {
        if (i > 0)
            log_text_add_line(&cell, ", ");
        add_value(&cell, json_array_get(value, i), kind);
    }
    return text;
}

/* Characters of UTF-8, not bytes. */
static int width_of(const char *text)
{
    int width = 0;

    for (; *text != '\0'; text++)
        width += ((unsigned char)*text & 0xc0) != 0x80;
    return width;
}

static int column_width(const struct table_column *column, const json_t *rows)
{
    char text[TABLE_CELL_SIZE];
    int widest = width_of(column->title);
    int width;

    for (size_t i = 0; i < json_array_size(rows); i++) {
        width = width_of(
            table_cell(json_object_get(json_array_get(rows, i), column->key), column->kind, text));
        if (width > widest)
            widest = width;
    }
    return widest;
}

static void print_line(FILE *stream, const struct table_column *columns, const int *widths,
                       size_t count, const json_t *row)
{
    char text[TABLE_CELL_SIZE];
    const char *cell;
    int blanks = 0;
    int room;

    for (size_t i = 0; i < count; i++) {
        cell = columns[i].title;
        if (row != NULL)
            cell = table_cell(json_object_get(row, columns[i].key), columns[i].kind, text);
        room = widths[i] - width_of(cell);
        if (columns[i].kind == TABLE_TEXT)
            (void)fprintf(stream, "%*s%s", blanks, "", cell);
        else
            (void)fprintf(stream, "%*s%s", blanks + room, "", cell);
        blanks = columns[i].kind == TABLE_TEXT ? room + GAP : GAP;
    }
    (void)fputc('\n', stream);
}

/* https://no-color.org: set and not empty means none. */
static bool wants_colours(FILE *stream)
{
    const char *no = getenv("NO_COLOR"), *term = getenv("TERM");

    if ((no != NULL && *no != '\0') || term == NULL || strcmp(term, "dumb") == 0)
        return false;
    return fileno(stream) >= 0 && isatty(fileno(stream));
}

void table_print(FILE *stream, const struct table_column *columns, size_t count, const json_t *rows)
{
    bool stands_out = wants_colours(stream);
    int widths[16];

    for (size_t i = 0; i < count; i++)
        widths[i] = column_width(&columns[i], rows);
    (void)fputs(stands_out ? "\033[1m" : "", stream);
    print_line(stream, columns, widths, count, NULL);
    (void)fputs(stands_out ? "\033[0m" : "", stream);
    for (size_t i = 0; i < json_array_size(rows); i++)
        print_line(stream, columns, widths, count, json_array_get(rows, i));
}
