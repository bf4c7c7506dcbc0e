/* SPDX-License-Identifier: MIT
 *
 * Both sides of a connection.
 */
#include "unsent.h"

#include <prong/socket.h>
#include <prongd/handler.h>
#include <stdbool.h>
#include <stddef.h>

#include "connection.h"
#include "service.h"

/* Before that the handler does not know the connection, and after it no more. */
static bool is_served(struct prong_socket *socket)
{
    uint8_t state = connection_of(socket)->state;

    return (state == CONNECTION_SERVING || state == CONNECTION_DRAINING) &&
           prong_socket_state(socket) < PRONG_SOCKET_CLOSING;
}

static void add_companions(const struct prongd_handler *handler, struct prong_socket *socket,
                           struct unsent *unsent)
{
    struct prongd_companion list[PRONGD_COMPANIONS_MAX];
    size_t count = handler->companions(socket, list);

    for (size_t i = 0; i < count; i++) {
        if (list[i].socket == NULL)
            continue;
        unsent->bytes[UNSENT_COMPANIONS] += prong_socket_queue_bytes(list[i].socket);
        unsent->taken[UNSENT_COMPANIONS] += prong_socket_bytes_written(list[i].socket);
    }
}

static void add_held(const struct prongd_handler *handler, struct prong_socket *socket,
                     struct unsent *unsent)
{
    struct prongd_held held = {0};

    handler->held(socket, &held);
    unsent->bytes[UNSENT_CLIENT] += held.for_client;
    unsent->bytes[UNSENT_COMPANIONS] += held.for_companions;
}

struct unsent unsent_of(const struct service *service, struct prong_socket *socket)
{
    const struct prongd_handler *handler = service->handler;
    struct unsent unsent = {
        .bytes[UNSENT_CLIENT] = prong_socket_queue_bytes(socket),
        .taken[UNSENT_CLIENT] = prong_socket_bytes_written(socket),
    };

    if (!is_served(socket))
        return unsent;
    if (handler->companions != NULL)
        add_companions(handler, socket, &unsent);
    if (handler->held != NULL)
        add_held(handler, socket, &unsent);
    return unsent;
}

uint64_t unsent_bytes(const struct service *service, struct prong_socket *socket)
{
    struct unsent unsent = unsent_of(service, socket);

    return unsent.bytes[UNSENT_CLIENT] + unsent.bytes[UNSENT_COMPANIONS];
}

void unsent_cut(const struct service *service, struct prong_socket *socket)
{
    if (unsent_bytes(service, socket) == 0 || prong_socket_reset(socket) < 0)
        prong_socket_destroy(socket, 0);
}
