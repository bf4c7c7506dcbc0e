/* SPDX-License-Identifier: MIT
 *
 * Fills structs from the entries of a section, by rows.
 */
#ifndef PRONGD_FILL_H
#define PRONGD_FILL_H

#include "document.h"
#include "options.h"

/* Rows that may stand in a section, and the struct that they fill. */
struct fill_target {
    struct option_table table;
    void *base;
};

#define FILL_TARGETS 2

/* One section that is being filled; a server's own rows and those of its handler. */
struct fill {
    struct config *config; /* gets the origins */
    struct problems *problems;
    const struct prongd_handler *const *handlers; /* for a hint at another handler's option */
    enum document_kind kind;
    const char *title; /* "server chat" */
    struct place place;
    struct fill_target targets[FILL_TARGETS];
    size_t target_count;
    bool handler_missing; /* then an option of any handler may be meant */
    bool module_missing;  /* then any option may be its own */
};

/* Takes every entry; what is wrong is added to the problems. */
void fill_entries(struct fill *fill, const struct document_section *section);

/* Gives their default to the members that no entry has set. */
void fill_defaults(struct fill *fill);

/* Frees what stands in `base`. */
void fill_clear(const struct option_table *table, void *base);

#endif
