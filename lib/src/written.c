/* SPDX-License-Identifier: MIT
 *
 * A list of callbacks.
 */
#include "written.h"

#include <stdlib.h>

void written_append(struct written_list *list, struct written *written)
{
    written->next = NULL;
    if (list->first == NULL)
        list->first = written;
    else
        list->last->next = written;
    list->last = written;
}

bool written_is_due(const struct written_list *list, uint64_t bytes_written)
{
    return list->first != NULL && list->first->position <= bytes_written;
}

void written_call_first(struct written_list *list, struct prong_socket *socket, int error)
{
    struct written first = *list->first;

    free(list->first);
    list->first = first.next;
    first.on_written(socket, error, first.user);
}
