/* SPDX-License-Identifier: MIT
 *
 * The client to server.c: says hello, prints the answer, and hangs up.
 *
 *     client [PORT]         8888 when nothing is said
 */
#include <ev.h>
#include <prong/prong.h>
#include <stdio.h>
#include <stdlib.h>

static void on_connect(struct prong_socket *socket)
{
    prong_socket_write(socket, "hello server!", 13);
}

static void on_data(struct prong_socket *socket, const void *bytes, size_t size)
{
    printf("server send message: %.*s\n", (int)size, (const char *)bytes);
    prong_socket_end(socket);
}

static void on_end(struct prong_socket *socket)
{
    (void)socket;
    printf("disconnected from server\n");
}

static void on_error(struct prong_socket *socket, const struct prong_error_info *error)
{
    (void)socket;
    fprintf(stderr, "client: %s: %s\n", error->syscall, prong_error_text(error->code));
}

static void on_close(struct prong_socket *socket, bool had_error)
{
    *(int *)prong_socket_user(socket) = had_error;
}

static const struct prong_socket_events events = {.on_connect = on_connect,
                                                  .on_data = on_data,
                                                  .on_end = on_end,
                                                  .on_error = on_error,
                                                  .on_close = on_close};

int main(int argc, char **argv)
{
    uint16_t port = argc > 1 ? (uint16_t)strtoul(argv[1], NULL, 10) : 8888;
    struct ev_loop *ev = ev_default_loop(0);
    struct prong_loop *loop = prong_loop_new(ev);
    int status = 1;
    struct prong_socket *socket = prong_socket_new(loop, NULL, &events, &status);

    if (socket != NULL && prong_socket_connect(socket, "127.0.0.1", port) == 0)
        ev_run(ev, 0); /* returns when the last socket is closed */
    prong_loop_free(loop);
    return status;
}
