/* SPDX-License-Identifier: MIT
 *
 * An echo server (RFC 862) that never holds more of a client's bytes than its high-water mark.
 *
 *     echo [PORT]           7007 when nothing is said; 0 picks a free one
 */
#include <ev.h>
#include <prong/prong.h>
#include <stdio.h>
#include <stdlib.h>

/* Who sends faster than it reads is not read until the queue is empty. */
static void on_data(struct prong_socket *socket, const void *bytes, size_t size)
{
    if (prong_socket_write(socket, bytes, size) == 1)
        prong_socket_pause(socket);
}

static void on_drain(struct prong_socket *socket)
{
    prong_socket_resume(socket);
}

static void on_end(struct prong_socket *socket)
{
    prong_socket_end(socket); /* behind what is queued */
}

static const struct prong_socket_events socket_events = {
    .on_data = on_data, .on_drain = on_drain, .on_end = on_end};

static void on_listening(struct prong_server *server)
{
    struct prong_address address;

    if (prong_server_address(server, &address) == 0)
        printf("listening on 127.0.0.1:%u\n", address.port);
}

static const struct prong_server_events server_events = {.on_listening = on_listening};

int main(int argc, char **argv)
{
    uint16_t port = argc > 1 ? (uint16_t)strtoul(argv[1], NULL, 10) : 7007;
    struct ev_loop *ev = ev_default_loop(0);
    struct prong_server_options options;
    struct prong_server *server;

    setvbuf(stdout, NULL, _IOLBF, 0);
    prong_server_options_init(&options);
    options.socket_events = &socket_events;
    options.socket.allow_half_open = true; /* a client may end first, and still read */
    server = prong_server_new(prong_loop_new(ev), &options, &server_events, NULL);
    if (server == NULL || prong_server_listen(server, "127.0.0.1", port, NULL) < 0)
        return 1;
    ev_run(ev, 0);
    return 1;
}
