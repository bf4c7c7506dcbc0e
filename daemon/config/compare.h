/* SPDX-License-Identifier: MIT
 *
 * What is different between two configurations: by meaning, option by option.
 *
 * An option that is written otherwise but means the same does not count, nor does the order of
 * servers.  Each row's `change` says what a reload may do about it.
 */
#ifndef PRONGD_COMPARE_H
#define PRONGD_COMPARE_H

#include "config.h"

struct difference {
    const struct config_server *before; /* NULL: of [prongd], or the server is new */
    const struct config_server *after;  /* NULL: of [prongd], or the server is gone */
    const struct prongd_option *row;    /* NULL: the whole server */
    const char *old_value;              /* as texts that a file could hold; "none": not set */
    const char *new_value;
};

typedef void difference_visitor(const struct difference *difference, void *user);

/* Visits every difference: those of [prongd], servers that are gone, then the others in the order
 * of `after`.  What it shows lives until the visitor returns.  0 or -ENOMEM. */
int compare_configs(const struct config *before, const struct config *after,
                    difference_visitor *visit, void *user);

/* Refuses what only a restart can change: a line for each in `problems`, which is to be cleared in
 * every case.  True: a reload may go on. */
bool compare_allows_reload(const struct config *before, const struct config *after,
                           struct config_problems *problems);

/* The server of that name; NULL: there is none. */
const struct config_server *compare_find_server(const struct config *config, const char *name);

#endif
