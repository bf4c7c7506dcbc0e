/* SPDX-License-Identifier: MIT
 *
 * The tables of options.
 */
#ifndef PRONGD_OPTIONS_H
#define PRONGD_OPTIONS_H

#include <prongd/handler.h>
#include <prongd/option.h>
#include <stddef.h>

struct option_table {
    const struct prongd_option *rows;
    size_t count;
};

/* [prongd]: fills struct config_daemon. */
extern const struct option_table daemon_options;

/* [server NAME]: fills struct config_server. */
extern const struct option_table server_options;

/* A handler's own rows: they fill its config_size bytes. */
struct option_table handler_options(const struct prongd_handler *handler);

/* NULL when there is none of that name. */
const struct prongd_option *option_find(const struct option_table *table, const char *name);

#endif
