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

/* Those of a handler as a list, as module_rows_describe() has it: new; NULL as there. */
json_t *module_rows_describe_counters(const struct prongd_handler *handler);

/* Fills the module's counters from such a list, whose texts they borrow; NULL: none.  0 or
 * -EPROTO. */
int module_rows_take_counters(struct module *module, const json_t *list);

#endif
