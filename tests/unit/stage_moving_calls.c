/* SPDX-License-Identifier: MIT
 *
 * Sockets that move, come from elsewhere, or feed another one.
 */
#include "stage.h"

#include <stdint.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

/* --- Moving --- */

static void detach(struct stage *stage, struct prong_socket *socket)
{
    struct prong_socket_image image;

    if (prong_socket_detach(socket, &image) < 0)
        return;
    stage_lose(stage, socket);
    prong_socket_image_clear(&image);
}

/* As between processes. */
static void recode(const struct stage *stage, struct prong_socket_image *image)
{
    size_t size = prong_socket_image_encode(image, NULL, 0);
    uint8_t *bytes = malloc(size);
    int fd = image->fd;

    stage_expect(stage, bytes != NULL, "there is memory");
    stage_expect(stage, prong_socket_image_encode(image, bytes, size) == size, "it fits");
    image->fd = -1;
    prong_socket_image_clear(image);
    stage_expect(stage, prong_socket_image_decode(image, bytes, size, fd) == 0, "it is read again");
    free(bytes);
}

static struct prong_socket *move(struct stage *stage, struct prong_socket *socket)
{
    struct prong_socket_image image;
    struct prong_socket *moved;

    if (prong_socket_detach(socket, &image) < 0)
        return NULL;
    stage_lose(stage, socket);
    recode(stage, &image);
    moved = prong_socket_attach(stage->loop, stage->server, &image, 0, &stage_events, stage);
    stage_adopt(stage, moved);
    return moved;
}

static void move_and_start(struct stage *stage, struct prong_socket *socket)
{
    struct prong_socket *moved = move(stage, socket);

    if (moved != NULL)
        prong_socket_start(moved);
}

static void move_twice(struct stage *stage, struct prong_socket *socket)
{
    struct prong_socket *moved = move(stage, socket);

    if (moved != NULL)
        move_and_start(stage, moved);
}

static void move_and_never_start(struct stage *stage, struct prong_socket *socket)
{
    struct prong_socket *moved = move(stage, socket);

    if (moved != NULL)
        (void)prong_socket_write(moved, "abc", 3);
}

static void start(struct stage *stage, struct prong_socket *socket)
{
    (void)stage;
    prong_socket_start(socket);
}

/* --- Adopting a descriptor --- */

static void adopt(struct stage *stage, struct prong_socket *socket)
{
    int ends[2];

    (void)socket;
    stage_expect(stage, socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == 0,
                 "there are descriptors");
    stage_adopt(stage, prong_socket_from_fd(stage->loop, ends[0], NULL, &stage_events, stage));
    close(ends[1]);
}

/* --- Piping --- */

static void pipe_to_other(struct stage *stage, struct prong_socket *socket)
{
    struct prong_socket *other = stage_other(stage, socket);

    if (other != NULL)
        (void)!prong_pipe(socket, other);
}

static void pipe_both_ways(struct stage *stage, struct prong_socket *socket)
{
    struct prong_socket *other = stage_other(stage, socket);

    pipe_to_other(stage, socket);
    if (other != NULL)
        (void)!prong_pipe(other, socket);
}

static void pipe_and_unpipe(struct stage *stage, struct prong_socket *socket)
{
    pipe_to_other(stage, socket);
    prong_unpipe(socket);
}

#define CALL(function)                             \
    {                                              \
        .name = #function, .on_socket = (function) \
    }

const struct call moving_calls[] = {
    CALL(detach),          CALL(move_and_start), CALL(move_twice),    CALL(move_and_never_start),
    CALL(start),           CALL(adopt),          CALL(pipe_to_other), CALL(pipe_both_ways),
    CALL(pipe_and_unpipe),
};

const size_t moving_call_count = sizeof(moving_calls) / sizeof(moving_calls[0]);
