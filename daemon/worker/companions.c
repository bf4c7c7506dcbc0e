/* SPDX-License-Identifier: MIT
 *
 * Leaving and arriving in company.
 */
#include "companions.h"

#include <errno.h>
#include <prong/socket.h>
#include <prongd/handler.h>
#include <stdlib.h>

#include "record.h"

/* A handler that names more than it may has written past the list. */
static size_t ask(const struct prongd_handler *handler, struct prong_socket *socket,
                  struct prongd_companion list[PRONGD_COMPANIONS_MAX])
{
    return handler->companions == NULL ? 0 : handler->companions(socket, list);
}

size_t companions_descriptors(const struct prongd_handler *handler, struct prong_socket *socket)
{
    struct prongd_companion list[PRONGD_COMPANIONS_MAX];

    return 1 + ask(handler, socket, list);
}

/* --- Leaving --- */

/* All sockets at once, so that the failure of one leaves them all where they are. */
static int detach(struct prong_socket *socket, const struct prongd_companion *list,
                  struct record *record)
{
    struct prong_socket *sockets[RECORD_FDS_MAX] = {socket};
    struct prong_socket_image *images[RECORD_FDS_MAX] = {&record->image};
    size_t count = 1;

    for (size_t i = 0; i < record->companion_count; i++) {
        struct record_companion *companion = &record->companions[i];

        companion->image.fd = -1;
        companion->is_socket = list[i].socket != NULL;
        if (!companion->is_socket)
            continue;
        sockets[count] = list[i].socket;
        images[count++] = &companion->image;
    }
    return prong_socket_detach_all(sockets, images, count);
}

int companions_leave(const struct prongd_handler *handler, struct prong_socket *socket,
                     struct record *record)
{
    struct prongd_companion list[PRONGD_COMPANIONS_MAX];
    size_t count = ask(handler, socket, list);
    int error;

    if (count == 0)
        return prong_socket_detach(socket, &record->image);
    if (count > PRONGD_COMPANIONS_MAX)
        return -E2BIG;
    record->companions = calloc(count, sizeof(*record->companions));
    if (record->companions == NULL)
        return -ENOMEM;
    record->companion_count = count;
    error = detach(socket, list, record);
    if (error < 0)
        return error;
    for (size_t i = 0; i < count; i++) {
        if (!record->companions[i].is_socket)
            record->companions[i].image.fd = list[i].fd;
    }
    return 0;
}

/* --- Arriving --- */

/* Back into the record; where even that fails, nothing but close() happens to it. */
static void take_back(struct prong_socket *socket, struct prong_socket_image *image)
{
    prong_socket_set_events(socket, NULL, NULL);
    if (prong_socket_detach(socket, image) < 0)
        prong_socket_destroy(socket, 0);
}

static void take_all_back(struct prongd_companion *list, struct record *record)
{
    for (size_t i = 0; i < record->companion_count; i++) {
        if (list[i].socket != NULL)
            take_back(list[i].socket, &record->companions[i].image);
    }
}

static int attach_all(struct prong_loop *loop, struct record *record, struct prongd_companion *list)
{
    for (size_t i = 0; i < record->companion_count; i++) {
        struct record_companion *companion = &record->companions[i];

        list[i].fd = companion->image.fd;
        if (!companion->is_socket)
            continue;
        list[i].fd = -1;
        list[i].socket = prong_socket_attach(loop, NULL, &companion->image, 0, NULL, NULL);
        if (list[i].socket == NULL)
            return -errno;
    }
    return 0;
}

/* Their descriptors are the handler's. */
static void let_go(struct record *record)
{
    free(record->companions);
    record->companions = NULL;
    record->companion_count = 0;
}

int companions_arrive(const struct prongd_handler *handler, struct prong_socket *socket,
                      struct record *record)
{
    struct prongd_companion list[PRONGD_COMPANIONS_MAX] = {0};
    int error;

    if (record->companion_count == 0)
        return 0;
    if (handler->adopt == NULL)
        return -ENOTSUP;
    error = attach_all(prong_socket_loop(socket), record, list);
    if (error == 0)
        error = handler->adopt(socket, list, record->companion_count);
    if (error < 0)
        take_all_back(list, record);
    else
        let_go(record);
    return error;
}

void companions_start(const struct prongd_handler *handler, struct prong_socket *socket)
{
    struct prongd_companion list[PRONGD_COMPANIONS_MAX];
    size_t count = ask(handler, socket, list);

    for (size_t i = 0; i < count; i++) {
        if (list[i].socket != NULL)
            prong_socket_start(list[i].socket);
    }
}
