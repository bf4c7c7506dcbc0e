/* SPDX-License-Identifier: MIT
 *
 * What a module says about itself, as JSON from the child to the parent.
 */
#ifndef PRONGD_MODULE_ROWS_H
#define PRONGD_MODULE_ROWS_H

#include <jansson.h>
#include <prongd/handler.h>

struct module;

/* New, or NULL when memory is short or a text is not UTF-8. */
json_t *module_rows_describe(const struct prongd_handler *handler);

/* Fills the module's handler and tables; takes `value`, whose texts they borrow.  Nothing in it is
 * believed.  0, -EPROTO or -ENOMEM. */
int module_rows_take(struct module *module, json_t *value);

#endif
