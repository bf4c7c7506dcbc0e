/* SPDX-License-Identifier: MIT
 *
 * What is left of a configuration whose program is gone: enough to let its workers leave.
 */
#ifndef PRONGD_INHERITED_CONFIG_H
#define PRONGD_INHERITED_CONFIG_H

#include <jansson.h>
#include <stdint.h>

struct config;
struct prongd_handler;

/* `servers`: an array of {name, handler}.  Free with config_free().  NULL when it makes no sense or
 * memory is short. */
struct config *inherited_config_new(const char *file, const json_t *servers,
                                    uint64_t shutdown_timeout_ms,
                                    const struct prongd_handler *const *handlers);

#endif
