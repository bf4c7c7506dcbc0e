/* SPDX-License-Identifier: MIT
 *
 * Moving a live connection: off one loop, onto another.
 */
#include <prong/socket.h>

#include "hangup.h"
#include "pipe_internal.h"
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

/* Milliseconds until on_timeout.  Before start they stand in the field that the timeouts use while
 * the time runs. */
static uint32_t idle_left_ms(const struct prong_socket *socket)
{
    const struct timeout *timeout = &socket->idle->timeout;

    return socket->started ? timeout_left_ms(timeout) : (uint32_t)timeout->deadline;
}

/* Is FIN to follow what is unsent?  Also when end() was called before on_connect has returned, and
 * when the peer's end, of which on_end is telling right now, is about to be answered (R87). */
static bool is_ending(const struct prong_socket *socket)
{
    return socket->state == PRONG_SOCKET_ENDING || socket->end_wanted ||
           (socket->end_delivered && !socket->allow_half_open);
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
    image->ending = is_ending(socket);
    image->finished = socket->finished;
    image->destroy_soon = socket->destroy_soon;
    image->need_drain = socket->need_drain || socket->due_drain;
    image->corked = socket->corked;
    image->unref = socket->unref;
    image->no_delay = socket->no_delay;
    if (socket->rare != NULL) {
        image->keep_alive = socket->rare->keep_alive;
        image->user_timeout_ms = socket->rare->user_timeout_ms;
    }
    if (socket->idle != NULL) {
        image->timeout_ms = socket->idle->ms;
        image->timeout_left_ms = idle_left_ms(socket);
    }
}

/* Everything of a detach that can fail. */
static int prepare(const struct prong_socket *socket, struct prong_socket_image *image)
{
    *image = (struct prong_socket_image){.fd = -1};
    if (socket->state >= PRONG_SOCKET_CLOSING)
        return PRONG_EDESTROYED;
    if (!socket_is_connected(socket) || socket->due_connect)
        return -ENOTCONN;
    if (socket->queue == NULL)
        return 0;
    image->unsent = write_queue_copy(socket->queue);
    if (image->unsent == NULL)
        return -ENOMEM;
    image->unsent_size = write_queue_bytes(socket->queue);
    return 0;
}

/* From here on nothing fails. */
static void leave(struct prong_socket *socket, struct prong_socket_image *image)
{
    pipe_leave(socket);
    describe(socket, image);
    if (socket->rare != NULL) {
        image->unread = socket->rare->unread;
        image->unread_size = socket->rare->unread_size;
        socket->rare->unread = NULL;
    }
    /* Out of the watcher and out of the kernel's set, before anybody else gets it. */
    hangup_forget(socket);
    socket_stop_watchers(socket);
    image->fd = socket->io.fd;
    loop_forget_fd(loop_of(socket), image->fd);
    socket->io.fd = -1;
    socket_vanish(socket);
}

int prong_socket_detach_all(struct prong_socket *const sockets[],
                            struct prong_socket_image *const images[], size_t count)
{
    for (size_t i = 0; i < count; i++) {
        int error = prepare(sockets[i], images[i]);

        if (error == 0)
            continue;
        for (size_t j = 0; j <= i; j++)
            prong_socket_image_clear(images[j]);
        return error;
    }
    for (size_t i = 0; i < count; i++)
        leave(sockets[i], images[i]);
    return 0;
}

int prong_socket_detach(struct prong_socket *socket, struct prong_socket_image *image)
{
    return prong_socket_detach_all(&socket, &image, 1);
}

static bool needs_rare(const struct prong_socket_image *image)
{
    return image->unread_size > 0 || image->keep_alive.enabled || image->user_timeout_ms > 0;
}

/* Everything of an image that can fail because memory is short. */
static int take_bytes(struct prong_socket *socket, const struct prong_socket_image *image)
{
    struct iovec unsent = {.iov_base = image->unsent, .iov_len = image->unsent_size};

    if (image->unsent_size > 0 && write_queue_add(&socket->queue, &unsent, 1, 0) < 0)
        return -ENOMEM;
    if (needs_rare(image) && socket_rare(socket) == NULL)
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
    socket->corked = image->corked < CORKED_MAX ? image->corked : CORKED_MAX;
    socket->unref = image->unref;
    socket->no_delay = image->no_delay;
}

/* From here on nothing fails. */
static void take_over(struct prong_socket *socket, struct prong_socket_image *image)
{
    take_flags(socket, image);
    socket_queue_more(socket, image->unsent_size);
    socket_open(socket, image->fd, (uint8_t)image->remote.family);
    if (image->ending)
        socket_enter(socket, PRONG_SOCKET_ENDING);
    if (socket->rare != NULL) {
        socket->rare->keep_alive = image->keep_alive;
        socket->rare->user_timeout_ms = image->user_timeout_ms;
        socket->rare->unread = image->unread;
        socket->rare->unread_size = image->unread_size;
        image->unread = NULL;
    }
    if (socket->idle != NULL)
        socket->idle->timeout.deadline = image->timeout_left_ms;
    image->fd = -1;
    prong_socket_image_clear(image);
}

static int check_image(const struct prong_socket_image *image)
{
    uint16_t family = image->remote.family;

    if (image->fd < 0)
        return -EBADF;
    if (family != AF_INET && family != AF_INET6 && family != AF_UNIX)
        return -EAFNOSUPPORT;
    return image->unread_size > PRONG_READ_SIZE ? -EMSGSIZE : 0;
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
    int error = check_image(image);

    if (error < 0) {
        errno = -error;
        return NULL;
    }
    if (server != NULL && events == NULL) {
        options.extra_bytes = server->options.socket.extra_bytes;
        events = server->options.socket_events;
        user = server->options.socket_user;
    }
    socket = socket_new(loop, &options, events, user);
    if (socket == NULL)
        return NULL;
    socket->started = false;
    error = take_bytes(socket, image);
    if (error < 0) {
        prong_socket_release(socket);
        errno = -error;
        return NULL;
    }
    take_over(socket, image);
    if (server != NULL) {
        server_adopt(server, socket);
        server->counters.attached++;
    }
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
