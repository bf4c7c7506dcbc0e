/* SPDX-License-Identifier: MIT
 *
 * An array that grows by one item at a time: a pointer and a count, nothing else to keep.
 */
#ifndef PRONGD_ARRAY_H
#define PRONGD_ARRAY_H

#include <stddef.h>

/* Appends a zeroed item and counts it: the item, or NULL when memory is short, with everything
 * as it was.  `items` points to the array's own pointer, which is NULL while the count is 0. */
void *array_add(void *items, size_t *count, size_t item_size);

#endif
