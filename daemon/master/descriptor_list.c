/* SPDX-License-Identifier: MIT
 *
 * Room, and closing.
 */
#include "descriptor_list.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int *descriptor_list_new(size_t count)
{
    size_t size = (count + 1) * sizeof(int);
    int *fds = malloc(size);

    return fds != NULL ? memset(fds, -1, size) : NULL;
}

void descriptor_list_free(int *fds, size_t count)
{
    for (size_t i = 0; fds != NULL && i < count; i++) {
        if (fds[i] >= 0)
            close(fds[i]);
    }
    free(fds);
}
