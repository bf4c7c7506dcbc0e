/* SPDX-License-Identifier: MIT
 *
 * The answer to `prongctl diff` for people.
 */
#ifndef PRONGCTL_PLAN_H
#define PRONGCTL_PLAN_H

#include <jansson.h>
#include <stdio.h>

void plan_print(FILE *stream, json_t *answer);

#endif
