/* SPDX-License-Identifier: MIT
 *
 * Answers each line of at most 80 bytes with the line; hangs up on who sends a longer one.
 *
 *     lines [PORT]          7070 when nothing is said; 0 picks a free one
 */
#include <ev.h>
#include <prong/prong.h>
#include <stdio.h>
#include <stdlib.h>

static const struct prong_framing_options framing_options = {PRONG_FRAMING_LINE, 80};

static void on_connection(struct prong_server *server, struct prong_socket *socket)
{
    (void)server;
    if (prong_framing_init(prong_socket_extra(socket), &framing_options) < 0)
        prong_socket_destroy(socket, 0);
}

static void on_data(struct prong_socket *socket, const void *bytes, size_t size)
{
    struct prong_bytes input = {bytes, size}, line;
    int result;

    prong_socket_cork(socket); /* the answers to all lines of one read leave together */
    while ((result = prong_framing_next(prong_socket_extra(socket), &input, &line)) == 1)
        if (prong_framing_write(socket, &framing_options, line.bytes, line.size) < 0)
            break;
    prong_socket_uncork(socket);
    if (result != 0)
        prong_socket_destroy_soon(socket); /* behind the answers */
}

static void on_close(struct prong_socket *socket, bool had_error)
{
    (void)had_error;
    prong_framing_clear(prong_socket_extra(socket));
}

static const struct prong_socket_events socket_events = {.on_data = on_data, .on_close = on_close};
static const struct prong_server_events server_events = {.on_connection = on_connection};

int main(int argc, char **argv)
{
    uint16_t port = argc > 1 ? (uint16_t)strtoul(argv[1], NULL, 10) : 7070;
    struct prong_server_options options;
    struct prong_server *server;
    struct prong_address address;

    prong_server_options_init(&options);
    options.socket_events = &socket_events;
    options.socket.extra_bytes = sizeof(struct prong_framing);
    server = prong_server_new(prong_loop_new(EV_DEFAULT), &options, &server_events, NULL);
    if (prong_server_listen(server, "127.0.0.1", port, NULL) < 0 ||
        prong_server_address(server, &address) < 0)
        return 1;
    printf("listening on 127.0.0.1:%u\n", address.port);
    return fflush(stdout) != 0 || ev_run(EV_DEFAULT, 0);
}
