/* SPDX-License-Identifier: MIT
 *
 * A module's own struct of options, from what the configuration holds: where its code is loaded.
 */
#ifndef PRONGD_MODULE_SETTLE_H
#define PRONGD_MODULE_SETTLE_H

#include <prongd/handler.h>
#include <stddef.h>

struct config_server;

/* What is wrong, and with which option; NULL: with the module as a whole. */
struct module_problem {
    const char *option;
    size_t item; /* of a list */
    char text[512];
};

/* A zeroed struct of config_size bytes, filled by the handler's rows with the values of `server`,
 * which it borrows: it must live as long; at least one byte.  malloc'ed.  NULL with a problem. */
void *module_settle(const struct prongd_handler *handler, const struct config_server *server,
                    struct module_problem *problem);

/* Asks the rows' own checks about each value.  0 or -EINVAL. */
int module_settle_check(const struct prongd_handler *handler, const void *base,
                        struct module_problem *problem);

/* Calls configure, if there is one.  0 or -EINVAL. */
int module_settle_configure(const struct prongd_handler *handler, void *base, const char *server,
                            struct module_problem *problem);

#endif
