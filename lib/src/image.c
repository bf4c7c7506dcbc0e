/* SPDX-License-Identifier: MIT
 *
 * Moving a live connection: off one loop, onto another.
 */
#include <prong/socket.h>

#include "server_internal.h"
#include "socket_internal.h"
#include "write_queue.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void prong_socket_image_clear(struct prong_socket_image *image)
{
    if (image->fd >= 0)
        close(image->fd);
    free(image->unread);
    free(image->unsent);
    *image = (struct prong_socket_image){.fd = -1};
}

static void describe(const struct prong_socket *socket, struct prong_socket_image *image)
{
    image->bytes_read = socket->bytes_read;
    image->bytes_written = socket->bytes_written;
    image->high_water_mark = socket->high_water_mark;
    endpoint_unpack(&socket->local, (uint8_t)socket->family, &image->local);
    endpoint_unpack(&socket->remote, (uint8_t)socket->family, &image->remote);
    image->allow_half_open = socket->allow_half_open;
    image->paused = socket->paused;
    image->peer_ended = socket->peer_ended;
    image->end_delivered = socket->end_delivered;
    image->ending = socket->state == PRONG_SOCKET_ENDING;
    image->finished = socket->finished;
    image->destroy_soon = socket->destroy_soon;
    image->need_drain = socket->need_drain || socket->due_drain;
    image->corked = socket->corked;
    image->no_delay = socket->no_delay;
    if (socket->rare != NULL)
        image->keep_alive = socket->rare->keep_alive;
    if (socket->idle != NULL) {
        image->timeout_ms = socket->idle->ms;
        image->timeout_left_ms = timeout_left_ms(&socket->idle->timeout);
    }
}

int prong_socket_detach(struct prong_socket *socket, struct prong_socket_image *image)
{
    if (socket->state >= PRONG_SOCKET_CLOSING)
        return PRONG_EDESTROYED;
    if (!socket_is_connected(socket) || socket->due_connect)
        return -ENOTCONN;
    *image = (struct prong_socket_image){.fd = -1};
    if (socket->queue != NULL) {
        image->unsent = write_queue_copy(socket->queue);
        if (image->unsent == NULL)
            return -ENOMEM;
        image->unsent_size = write_queue_bytes(socket->queue);
    }
    describe(socket, image);
    if (socket->rare != NULL) {
        image->unread = socket->rare->unread;
        image->unread_size = socket->rare->unread_size;
        socket->rare->unread = NULL;
    }
    /* Out of the watcher and out of the kernel's set, before anybody else gets it. */
    socket_stop_watchers(socket);
    image->fd = socket->io.fd;
    loop_forget_fd(loop_of(socket), image->fd);
    socket->io.fd = -1;
    socket_vanish(socket);
    return 0;
}

/* Everything of an image that can fail because memory is short. */
static int take_bytes(struct prong_socket *socket, const struct prong_socket_image *image)
{
    struct iovec unsent = {.iov_base = image->unsent, .iov_len = image->unsent_size};

    if (image->unsent_size > 0 && write_queue_add(&socket->queue, &unsent, 1, 0) < 0)
        return -ENOMEM;
    if (image->unread_size > PRONG_READ_SIZE)
        return -EMSGSIZE;
    if ((image->unread_size > 0 || image->keep_alive.enabled) && socket_rare(socket) == NULL)
        return -ENOMEM;
    if (image->timeout_ms > 0)
        return prong_socket_set_timeout(socket, image->timeout_ms);
    return 0;
}

static void take_flags(struct prong_socket *socket, const struct prong_socket_image *image)
{
    socket->bytes_read = image->bytes_read;
    socket->bytes_written = image->bytes_written;
    endpoint_pack(&socket->local, &image->local);
    endpoint_pack(&socket->remote, &image->remote);
    socket->paused = image->paused;
    socket->peer_ended = image->peer_ended;
    socket->end_delivered = image->end_delivered;
    socket->end_wanted = image->ending;
    socket->finished = image->finished;
    socket->destroy_soon = image->destroy_soon;
    socket->need_drain = image->need_drain;
    socket->corked = image->corked;
    socket->no_delay = image->no_delay;
}

struct prong_socket *prong_socket_attach(struct prong_loop *loop, struct prong_server *server,
                                         struct prong_socket_image *image, size_t extra_bytes,
                                         const struct prong_socket_events *events, void *user)
{
    struct prong_socket_options options = {
        .allow_half_open = image->allow_half_open,
        .high_water_mark = image->high_water_mark,
        .extra_bytes = extra_bytes,
    };
    struct prong_socket *socket;
    int error;

    if (server != NULL && events == NULL) {
        options.extra_bytes = server->options.socket.extra_bytes;
        events = server->options.socket_events;
        user = server->options.socket_user;
    }
    socket = socket_new(loop, &options, events, user);
    if (socket == NULL)
        return NULL;
    error = take_bytes(socket, image);
    if (error < 0) {
        prong_socket_release(socket);
        errno = -error;
        return NULL;
    }
    take_flags(socket, image);
    socket->started = false;
    socket_open(socket, image->fd, (uint8_t)image->remote.family);
    if (image->ending)
        socket_enter(socket, PRONG_SOCKET_ENDING);
    if (socket->rare != NULL) {
        socket->rare->keep_alive = image->keep_alive;
        socket->rare->unread = image->unread;
        socket->rare->unread_size = image->unread_size;
        image->unread = NULL;
    }
    if (socket->idle != NULL) {
        timeout_stop(&loop->timeouts, &socket->idle->timeout);
        /* Remembered here until start: the list's own field is free while it does not run. */
        socket->idle->timeout.deadline = image->timeout_left_ms;
    }
    if (server != NULL)
        server_adopt(server, socket);
    image->fd = -1;
    prong_socket_image_clear(image);
    return socket;
}

void prong_socket_start(struct prong_socket *socket)
{
    struct socket_idle *idle = socket->idle;

    if (socket->started || !socket_is_connected(socket))
        return;
    socket->started = true;
    if (idle != NULL && idle->timeout.deadline > 0)
        (void)timeout_start(&loop_of(socket)->timeouts, &idle->timeout,
                            (uint32_t)idle->timeout.deadline);
    socket->due_unread = socket->rare != NULL && socket->rare->unread != NULL;
    /* Bytes that filled the queue may all be gone by now: then on_drain is due at once. */
    if (socket->need_drain && socket->queue == NULL && socket->state == PRONG_SOCKET_OPEN) {
        socket->need_drain = false;
        socket->due_drain = true;
    }
    socket_update_watchers(socket);
    socket_defer(socket);
}
