/* SPDX-License-Identifier: MIT
 *
 * The answer to `prongctl status` for people.
 */
#ifndef PRONGCTL_STATUS_H
#define PRONGCTL_STATUS_H

#include <jansson.h>
#include <stdio.h>

void status_print(FILE *stream, json_t *answer);

#endif
