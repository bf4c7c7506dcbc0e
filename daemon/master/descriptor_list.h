/* SPDX-License-Identifier: MIT
 *
 * A list of descriptors of which some may not be open.
 */
#ifndef PRONGD_DESCRIPTOR_LIST_H
#define PRONGD_DESCRIPTOR_LIST_H

#include <stddef.h>

/* Room for so many, each -1.  malloc'ed; NULL when memory is short. */
int *descriptor_list_new(size_t count);

/* Closes those that are open, and frees.  Accepts NULL. */
void descriptor_list_free(int *fds, size_t count);

#endif
