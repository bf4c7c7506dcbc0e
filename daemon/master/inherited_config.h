/* SPDX-License-Identifier: MIT
 *
 * The configuration that workers of an earlier program run with, over an upgrade.
 *
 * Every option travels as the text that a file would have, so that the first reload of the new
 * program is compared with it like any other, and a worker that dies can be replaced.
 */
#ifndef PRONGD_INHERITED_CONFIG_H
#define PRONGD_INHERITED_CONFIG_H

#include <jansson.h>
#include <stdbool.h>

struct config;
struct prongd_handler;

/* All of it; given.  NULL when memory is short. */
json_t *inherited_config_describe(const struct config *config);

/* What inherited_config_describe() wrote, perhaps in another program: options that this one does
 * not know are left out, those that the other did not know have their defaults.  Free with
 * config_free().  NULL when it makes no sense or memory is short. */
struct config *inherited_config_new(const json_t *value,
                                    const struct prongd_handler *const *handlers);

/* Does this program have every handler that it names?  Only then can it start workers. */
bool inherited_config_is_whole(const struct config *config);

#endif
