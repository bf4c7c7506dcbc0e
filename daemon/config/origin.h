/* SPDX-License-Identifier: MIT
 *
 * Where the values of a configuration were written.
 */
#ifndef PRONGD_ORIGIN_H
#define PRONGD_ORIGIN_H

#include "problems.h"

/* The place of one value.  What has no origin is a default. */
struct config_origin {
    const void *base; /* the struct that the rows fill */
    const struct prongd_option *row;
    size_t item; /* of a list; 0 for other types */
    char *file;
    unsigned line;
};

/* Copies the place.  0 or -ENOMEM. */
int origin_add(struct config *config, const void *base, const struct prongd_option *row,
               size_t item, struct place place);

/* NULL when there is none. */
const struct config_origin *origin_find(const struct config *config, const void *base,
                                        const struct prongd_option *row, size_t item);

/* The same as a place; without an origin, the file as a whole. */
struct place origin_place(const struct config *config, const void *base,
                          const struct prongd_option *row, size_t item);

void origin_clear(struct config *config);

#endif
