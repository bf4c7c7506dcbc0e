/* SPDX-License-Identifier: MIT
 *
 * Images of sockets from bytes: what is accepted is written the same again, and becomes a socket
 * that can be started and moved on.
 */
#include <prong/prong.h>

#include <assert.h>
#include <ev.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static void check_encoding(const struct prong_socket_image *image, const uint8_t *bytes,
                           size_t size)
{
    uint8_t *again = malloc(size);

    assert(again != NULL);
    assert(prong_socket_image_encode(image, again, size) == size);
    assert(memcmp(again, bytes, size) == 0);
    free(again);
}

static void live(struct prong_loop *loop, struct prong_socket_image *image)
{
    struct ev_loop *ev = prong_loop_ev(loop);
    struct prong_socket *socket = prong_socket_attach(loop, NULL, image, 0, NULL, NULL);

    assert(socket != NULL);
    assert(image->fd == -1);
    prong_socket_hold(socket);
    prong_socket_start(socket);
    for (int i = 0; i < 4; i++)
        ev_run(ev, EVRUN_NOWAIT);
    if (prong_socket_detach(socket, image) == 0)
        prong_socket_image_clear(image);
    prong_socket_destroy(socket, 0);
    prong_socket_release(socket);
    for (int i = 0; i < 2; i++)
        ev_run(ev, EVRUN_NOWAIT);
    assert(prong_loop_objects(loop) == 0);
    assert(prong_loop_bytes_queued(loop) == 0);
}

static void decode(struct prong_loop *loop, const uint8_t *bytes, size_t size)
{
    struct prong_socket_image image;
    int pair[2];

    assert(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair) == 0);
    if (prong_socket_image_decode(&image, bytes, size, pair[0]) == 0) {
        check_encoding(&image, bytes, size);
        live(loop, &image);
    } else {
        assert(image.fd == -1 && image.unread == NULL && image.unsent == NULL);
        close(pair[0]);
    }
    close(pair[1]);
}

/* The version in front is made right, so that the corpus outlives it. */
static void decode_as_current(struct prong_loop *loop, const uint8_t *bytes, size_t size)
{
    const struct prong_socket_image empty = {.fd = -1};
    uint8_t current[1024], *copy = malloc(size);

    assert(copy != NULL);
    assert(prong_socket_image_encode(&empty, current, sizeof(current)) <= sizeof(current));
    memcpy(copy, bytes, size);
    memcpy(copy, current, sizeof(uint32_t));
    decode(loop, copy, size);
    free(copy);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    static struct prong_loop *loop;

    if (loop == NULL)
        loop = prong_loop_new(ev_loop_new(EVBACKEND_EPOLL | EVFLAG_NOENV));
    assert(loop != NULL);
    decode(loop, bytes, size);
    if (size >= sizeof(uint32_t))
        decode_as_current(loop, bytes, size);
    return 0;
}
