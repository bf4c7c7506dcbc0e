/* SPDX-License-Identifier: MIT
 *
 * The origins of values, in the order in which they were read.
 */
#include "origin.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "array.h"

int origin_add(struct config *config, const void *base, const struct prongd_option *row,
               size_t item, struct place place)
{
    char *file = strdup(place.file);
    struct config_origin *origin = NULL;

    if (file != NULL)
        origin = array_add(&config->origins, &config->origin_count, sizeof(*origin));
    if (origin == NULL) {
        free(file);
        return -ENOMEM;
    }
    origin->base = base;
    origin->row = row;
    origin->item = item;
    origin->file = file;
    origin->line = place.line;
    return 0;
}

/* From the end: what is asked for was mostly read a moment ago. */
const struct config_origin *origin_find(const struct config *config, const void *base,
                                        const struct prongd_option *row, size_t item)
{
    for (size_t i = config->origin_count; i-- > 0;) {
        const struct config_origin *origin = &config->origins[i];

        if (origin->base == base && origin->row == row && origin->item == item)
            return origin;
    }
    return NULL;
}

struct place origin_place(const struct config *config, const void *base,
                          const struct prongd_option *row, size_t item)
{
    const struct config_origin *origin = origin_find(config, base, row, item);

    if (origin == NULL)
        return (struct place){.file = config->file};
    return (struct place){.file = origin->file, .line = origin->line};
}

void origin_clear(struct config *config)
{
    for (size_t i = 0; i < config->origin_count; i++)
        free(config->origins[i].file);
    free(config->origins);
    config->origins = NULL;
    config->origin_count = 0;
}
