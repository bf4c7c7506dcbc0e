/* SPDX-License-Identifier: MIT
 *
 * A queue from whose middle some are taken.
 */
#include "arrivals.h"

#include <errno.h>
#include <stdlib.h>

int arrivals_add(struct arrivals *arrivals, const struct prong_socket *socket, uint64_t position)
{
    if (arrivals->count == arrivals->room) {
        size_t room = arrivals->room > 0 ? 2 * arrivals->room : 64;
        struct arrival *list = reallocarray(arrivals->list, room, sizeof(*list));

        if (list == NULL)
            return -ENOMEM;
        arrivals->list = list;
        arrivals->room = room;
    }
    arrivals->list[arrivals->count++] = (struct arrival){socket, position};
    return 0;
}

static struct arrival *find(const struct arrivals *arrivals, const struct prong_socket *socket)
{
    for (size_t i = arrivals->first; i < arrivals->count; i++)
        if (arrivals->list[i].socket == socket)
            return &arrivals->list[i];
    return NULL;
}

bool arrivals_find(const struct arrivals *arrivals, const struct prong_socket *socket,
                   uint64_t *position)
{
    const struct arrival *arrival = find(arrivals, socket);

    if (arrival != NULL)
        *position = arrival->position;
    return arrival != NULL;
}

/* One from the middle leaves its place to the first. */
bool arrivals_take(struct arrivals *arrivals, const struct prong_socket *socket, uint64_t *position)
{
    struct arrival *arrival = find(arrivals, socket);

    if (arrival == NULL)
        return false;
    *position = arrival->position;
    *arrival = arrivals->list[arrivals->first++];
    if (arrivals->first == arrivals->count)
        arrivals_clear(arrivals); /* they come in herds: memory is given back */
    return true;
}

void arrivals_clear(struct arrivals *arrivals)
{
    free(arrivals->list);
    *arrivals = (struct arrivals){0};
}
