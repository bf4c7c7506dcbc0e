/* SPDX-License-Identifier: MIT
 *
 * The rows that say what a handler keeps of its items (<prongd/handler.h>): are they right, and how
 * they come from the child that knows a module to the master that never loads it.
 */
#ifndef PRONGD_ITEM_ROWS_H
#define PRONGD_ITEM_ROWS_H

#include <jansson.h>
#include <prongd/handler.h>
#include <stddef.h>

/* Room for the rows of one handler. */
struct item_rows {
    struct prongd_figure figures[PRONGD_FIGURES];
    struct prongd_item_state states[PRONGD_ITEM_STATES];
};

/* 0, or -EINVAL with one sentence in `problem`. */
int item_rows_check(const struct prongd_handler *handler, char *problem, size_t size);

/* Gives them as JSON; NULL when memory is short, or when a text is no UTF-8. */
json_t *item_rows_describe(const struct prongd_handler *handler);

/* What that gave: into the handler, with rows in `rows` whose texts are the JSON's.  NULL: it has
 * none.  0 or -EPROTO. */
int item_rows_take(struct prongd_handler *handler, struct item_rows *rows, const json_t *value);

#endif
