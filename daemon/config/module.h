/* SPDX-License-Identifier: MIT
 *
 * A module as the configuration knows it: an image of its file, and what it says about itself.
 *
 * Its code runs in a child only.  The handler that this gives has names, rows and sizes, and none
 * of the functions; rows have offsets of this program's own.
 */
#ifndef PRONGD_MODULE_H
#define PRONGD_MODULE_H

#include <jansson.h>
#include <prongd/handler.h>
#include <stdbool.h>
#include <stddef.h>

#include "item_rows.h"

struct config;
struct privileges;
struct problems;

struct module {
    char *path;
    int image;                     /* a descriptor (base/module_image.h); -1: departed */
    struct prongd_handler handler; /* of the description */
    struct prongd_option *options; /* the handler's */
    struct prongd_counter counters[PRONGD_COUNTERS]; /* the handler's */
    struct item_rows item_rows;                      /* the handler's */
    void *description;                               /* holds the texts that they point to */
};

/* Copies the file and lets a child describe it.  NULL with one sentence in `problem`. */
struct module *module_open(const char *path, const struct privileges *identity, char *problem,
                           size_t size);

/* One of a program that is gone: its names of itself and of its counters (a JSON list), and no
 * code.  NULL when memory is short. */
struct module *module_departed(const char *name, const json_t *counters);

/* Accepts NULL. */
void module_free(struct module *module);

/* May the configuration be served?  A child loads every module once more, checks the values by the
 * rows of the module and configures it, as a worker will.  Adds what is wrong. */
void module_rehearse(const struct config *config, struct problems *problems);

/* Whom children and workers become: NULL when nobody else, since this is not root, or when there is
 * no such user. */
const struct privileges *module_identity(const struct config *config, struct privileges *room);

#endif
