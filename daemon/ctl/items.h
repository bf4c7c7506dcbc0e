/* SPDX-License-Identifier: MIT
 *
 * The items of handlers, as upstreams, for `prongctl servers`.
 */
#ifndef PRONGCTL_ITEMS_H
#define PRONGCTL_ITEMS_H

#include <jansson.h>
#include <stdio.h>

/* Gives the items of a status, an object each: with a mean of what they sum up and, when there was
 * an earlier status `seconds` ago (NULL: there was none), their rates. */
json_t *items_describe(const json_t *status, const json_t *before, double seconds);

/* What items_describe() gave, as tables behind an empty line each; nothing where there are none. */
void items_print(FILE *stream, const json_t *items);

#endif
