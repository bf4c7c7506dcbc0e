/* SPDX-License-Identifier: MIT
 *
 * What a reload would change, told without doing it.
 */
#ifndef PRONGD_PLAN_H
#define PRONGD_PLAN_H

#include <jansson.h>

struct config;
struct config_problems;
struct master;

/* Compares `config` with what runs.  `refusals`: why a reload would be refused, or no problem.
 * Gives {"ok": true, "listeners": [{address, server, change}], "servers": [{name, handler, change,
 * connections, fate}], "options": [{section, option, old, new, effect}], "refused": [line]}; NULL
 * when memory is short. */
json_t *plan_json(const struct master *master, const struct config *config,
                  const struct config_problems *refusals);

#endif
