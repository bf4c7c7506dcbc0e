/* SPDX-License-Identifier: MIT
 *
 * Lists of JSON objects as tables for people.
 */
#ifndef PRONGCTL_TABLE_H
#define PRONGCTL_TABLE_H

#include <jansson.h>
#include <stddef.h>
#include <stdio.h>

enum table_kind {
    TABLE_TEXT,   /* to the left */
    TABLE_NUMBER, /* to the right */
    TABLE_BYTES,  /* to the right, with a unit */
    TABLE_TIME    /* seconds, to the right */
};

struct table_column {
    const char *title;
    const char *key; /* of the member in each object */
    enum table_kind kind;
};

#define TABLE_CELL_SIZE 4096

/* A value on one line: a text without control characters, "-" for what is missing, the items of
 * a list with commas between.  Returns `text`. */
const char *table_cell(const json_t *value, enum table_kind kind, char text[TABLE_CELL_SIZE]);

/* One line of titles, which stand out on a terminal, and one for each object of the list `rows`. */
void table_print(FILE *stream, const struct table_column *columns, size_t count,
                 const json_t *rows);

#endif
