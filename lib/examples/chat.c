/* SPDX-License-Identifier: MIT
 *
 * A chat: what one client says, all others hear.
 *
 *     chat [PORT]           7000 when nothing is said; 0 picks a free one
 */
#include <ev.h>
#include <prong/prong.h>
#include <stdio.h>
#include <stdlib.h>

struct message {
    const struct prong_socket *from;
    const void *bytes;
    size_t size;
};

static bool tell(struct prong_socket *socket, void *user)
{
    const struct message *message = user;

    /* Who does not read what others say is not worth any amount of memory. */
    if (socket != message->from && prong_socket_write(socket, message->bytes, message->size) == 1)
        prong_socket_destroy(socket, 0);
    return true;
}

static void on_data(struct prong_socket *socket, const void *bytes, size_t size)
{
    struct message message = {socket, bytes, size};

    prong_server_each_connection(prong_socket_server(socket), tell, &message);
}

static const struct prong_socket_events socket_events = {.on_data = on_data};

static void on_listening(struct prong_server *server)
{
    struct prong_address address;

    if (prong_server_address(server, &address) == 0)
        printf("listening on 127.0.0.1:%u\n", address.port);
}

static const struct prong_server_events server_events = {.on_listening = on_listening};

int main(int argc, char **argv)
{
    uint16_t port = argc > 1 ? (uint16_t)strtoul(argv[1], NULL, 10) : 7000;
    struct prong_server_options options;
    struct prong_server *server;

    setvbuf(stdout, NULL, _IOLBF, 0);
    prong_server_options_init(&options);
    options.socket_events = &socket_events;
    server = prong_server_new(prong_loop_new(EV_DEFAULT), &options, &server_events, NULL);
    if (server == NULL || prong_server_listen(server, "127.0.0.1", port, NULL) < 0)
        return 1;
    return ev_run(EV_DEFAULT, 0);
}
