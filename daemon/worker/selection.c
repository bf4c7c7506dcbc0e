/* SPDX-License-Identifier: MIT
 *
 * Numbers of connections with their bytes so far, sorted.
 */
#include "selection.h"

#include <prong/socket.h>
#include <stdlib.h>

#include "connection.h"
#include "service.h"

struct sight {
    uint64_t id;
    uint64_t bytes; /* both ways */
};

static struct sight look(struct prong_socket *socket)
{
    return (struct sight){.id = connection_of(socket)->id,
                          .bytes =
                              prong_socket_bytes_read(socket) + prong_socket_bytes_written(socket)};
}

static int compare(const void *left, const void *right)
{
    const struct sight *one = left, *other = right;

    return (one->id > other->id) - (one->id < other->id);
}

/* One that there is no memory for does not count as idle. */
static void note(struct selection *selection, struct prong_socket *socket)
{
    if (selection->count == selection->room) {
        size_t room = selection->room > 0 ? 2 * selection->room : 256;
        struct sight *seen = realloc(selection->seen, room * sizeof(*seen));

        if (seen == NULL)
            return;
        selection->seen = seen;
        selection->room = room;
    }
    selection->seen[selection->count++] = look(socket);
}

static bool is_idle(const struct selection *selection, struct prong_socket *socket)
{
    const struct sight now = look(socket);
    const struct sight *then =
        selection->count > 0
            ? bsearch(&now, selection->seen, selection->count, sizeof(now), compare)
            : NULL;

    return then != NULL && then->bytes == now.bytes;
}

void selection_begin(struct selection *selection, bool spares)
{
    selection_end(selection);
    selection->phase = SELECTION_LOOK;
    selection->spares = spares;
}

void selection_begin_pass(struct selection *selection)
{
    selection->found = false;
    if (selection->phase == SELECTION_LOOK)
        selection->count = 0;
}

bool selection_wants(struct selection *selection, struct prong_socket *socket)
{
    if (selection->spares && connection_moved_lately(connection_of(socket)))
        return false;
    switch (selection->phase) {
    case SELECTION_LOOK:
        note(selection, socket);
        return false;
    case SELECTION_IDLE:
        if (!is_idle(selection, socket))
            return false;
        selection->found = true;
        return true;
    case SELECTION_ANYBODY:
    case SELECTION_REST:
        return true;
    }
    return true;
}

static bool still_serves(struct prong_socket *socket, void *user)
{
    uint8_t state = connection_of(socket)->state;

    if (state == CONNECTION_SERVING || state == CONNECTION_GREETING) /* soon */
        *(bool *)user = true;
    return !*(bool *)user;
}

bool selection_has_more(struct service *services, size_t count)
{
    bool found = false;

    for (size_t i = 0; i < count && !found; i++)
        service_each_connection(&services[i], still_serves, &found);
    return found;
}

void selection_advance(struct selection *selection)
{
    if (selection->phase == SELECTION_LOOK) {
        if (selection->count > 0)
            qsort(selection->seen, selection->count, sizeof(*selection->seen), compare);
        selection->phase = SELECTION_IDLE;
    } else if (selection->phase == SELECTION_IDLE && !selection->found) {
        selection->phase = SELECTION_REST;
    }
}

void selection_end(struct selection *selection)
{
    free(selection->seen);
    *selection = (struct selection){0};
}
