/* SPDX-License-Identifier: MIT
 *
 * The same answer to every HTTP request.  A request's head may come in pieces: what is not whole is
 * given back, and comes again with the rest.
 *
 *     http [PORT]           8080 when nothing is said; 0 picks a free one
 */
#define _GNU_SOURCE /* memmem(3) */
#include <ev.h>
#include <prong/prong.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TIMEOUT_MS 10000
#define REPLY      "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 6\r\n\r\nhello\n"

static void on_data(struct prong_socket *socket, const void *bytes, size_t size)
{
    const char *head = bytes, *end = head + size, *rest;

    while ((rest = memmem(head, (size_t)(end - head), "\r\n\r\n", 4)) != NULL) {
        if (prong_socket_write(socket, REPLY, sizeof(REPLY) - 1) != 0)
            prong_socket_end(socket); /* it asks faster than it reads */
        head = rest + 4;
    }
    if (head < end && prong_socket_unread(socket, head, (size_t)(end - head)) < 0)
        prong_socket_destroy(socket, 0); /* a head of more than PRONG_READ_SIZE */
}

static void on_timeout(struct prong_socket *socket)
{
    prong_socket_destroy(socket, 0);
}

static void on_listening(struct prong_server *server)
{
    struct prong_address address;

    if (prong_server_address(server, &address) == 0)
        printf("listening on 127.0.0.1:%u\n", address.port);
}

static const struct prong_socket_events socket_events = {.on_data = on_data,
                                                         .on_timeout = on_timeout};
static const struct prong_server_events server_events = {.on_listening = on_listening};

int main(int argc, char **argv)
{
    uint16_t port = argc > 1 ? (uint16_t)strtoul(argv[1], NULL, 10) : 8080;
    struct prong_server_options options;
    struct prong_server *server;

    setvbuf(stdout, NULL, _IOLBF, 0);
    prong_server_options_init(&options);
    options.socket_events = &socket_events;
    options.socket.timeout_ms = TIMEOUT_MS;
    server = prong_server_new(prong_loop_new(EV_DEFAULT), &options, &server_events, NULL);
    return prong_server_listen(server, "127.0.0.1", port, NULL) < 0 || ev_run(EV_DEFAULT, 0);
}
