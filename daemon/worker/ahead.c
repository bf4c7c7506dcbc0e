/* SPDX-License-Identifier: MIT
 *
 * A list in the order of positions.  They come nearly in it, so a place is looked for from behind.
 */
#include "ahead.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static int make_room(struct ahead *ahead)
{
    size_t room = ahead->room > 0 ? 2 * ahead->room : 64;
    struct ahead_place *list;

    if (ahead->count < ahead->room)
        return 0;
    list = reallocarray(ahead->list, room, sizeof(*list));
    if (list == NULL)
        return -ENOMEM;
    ahead->list = list;
    ahead->room = room;
    return 0;
}

int ahead_add(struct ahead *ahead, struct prong_socket *socket, uint64_t position)
{
    size_t place;
    int error = make_room(ahead);

    if (error < 0)
        return error;
    for (place = ahead->count; place > ahead->first; place--) {
        if (ahead->list[place - 1].position <= position)
            break;
        ahead->list[place] = ahead->list[place - 1];
    }
    ahead->list[place] = (struct ahead_place){socket, position};
    ahead->count++;
    return 0;
}

/* The last one gives the memory back. */
static void tidy(struct ahead *ahead)
{
    if (ahead->first == ahead->count)
        ahead_clear(ahead);
}

struct prong_socket *ahead_reach(struct ahead *ahead, uint64_t reached, uint64_t *position)
{
    struct ahead_place place;

    if (ahead->first == ahead->count || ahead->list[ahead->first].position > reached)
        return NULL;
    place = ahead->list[ahead->first++];
    tidy(ahead);
    *position = place.position;
    return place.socket;
}

static struct ahead_place *find(const struct ahead *ahead, const struct prong_socket *socket)
{
    for (size_t i = ahead->first; i < ahead->count; i++) {
        if (ahead->list[i].socket == socket)
            return &ahead->list[i];
    }
    return NULL;
}

bool ahead_find(const struct ahead *ahead, const struct prong_socket *socket, uint64_t *position)
{
    const struct ahead_place *place = find(ahead, socket);

    if (place != NULL)
        *position = place->position;
    return place != NULL;
}

void ahead_remove(struct ahead *ahead, const struct prong_socket *socket)
{
    struct ahead_place *place = find(ahead, socket);

    if (place == NULL)
        return;
    ahead->count--;
    memmove(place, place + 1, (size_t)(ahead->list + ahead->count - place) * sizeof(*place));
    tidy(ahead);
}

void ahead_clear(struct ahead *ahead)
{
    free(ahead->list);
    *ahead = (struct ahead){0};
}
