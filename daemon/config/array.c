/* SPDX-License-Identifier: MIT
 *
 * Growing arrays.
 */
#include "array.h"

#include <stdlib.h>
#include <string.h>

void *array_add(void *items, size_t *count, size_t item_size)
{
    void *array;
    void *larger;
    char *item;

    /* By memcpy: a pointer to any type of pointer may not be read as a void **. */
    memcpy(&array, items, sizeof(array));
    /* The room doubles whenever the count reaches a power of two. */
    if ((*count & (*count - 1)) == 0) {
        larger = reallocarray(array, *count == 0 ? 1 : *count * 2, item_size);
        if (larger == NULL)
            return NULL;
        array = larger;
        memcpy(items, &array, sizeof(array));
    }
    item = (char *)array + (*count)++ * item_size;
    return memset(item, 0, item_size);
}
