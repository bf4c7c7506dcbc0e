/* SPDX-License-Identifier: MIT
 * Forwards a port: forward PORT HOST PORT listens on the first (0 picks a free one). */
#include <ev.h>
#include <prong/prong.h>
#include <stdio.h>
#include <stdlib.h>

static const struct prong_socket_events nothing = {0};

struct target {
    const char *host;
    uint16_t port;
};

/* A pipe each way: back-pressure, ends and errors go through it. */
static void on_connection(struct prong_server *server, struct prong_socket *client)
{
    const struct target *target = prong_server_user(server);
    struct prong_socket_options options;
    struct prong_socket *upstream;

    prong_socket_options_init(&options);
    options.allow_half_open = true;
    options.connect_timeout_ms = 10000;
    upstream = prong_socket_new(prong_server_loop(server), &options, &nothing, NULL);
    if (upstream == NULL || prong_socket_connect(upstream, target->host, target->port) < 0) {
        prong_socket_destroy(client, 0);
    } else if (prong_pipe(client, upstream) < 0 || prong_pipe(upstream, client) < 0) {
        prong_socket_destroy(client, 0);
        prong_socket_destroy(upstream, 0);
    }
}

static void on_listening(struct prong_server *server)
{
    struct prong_address address;

    if (prong_server_address(server, &address) == 0)
        printf("listening on 127.0.0.1:%u\n", address.port);
}

static const struct prong_server_events server_events = {.on_listening = on_listening,
                                                         .on_connection = on_connection};

int main(int argc, char **argv)
{
    struct prong_server_options options;
    struct prong_server *server;
    struct target target = {argc == 4 ? argv[2] : NULL, 0};

    setvbuf(stdout, NULL, _IOLBF, 0);
    if (target.host == NULL)
        return 2;
    target.port = (uint16_t)strtoul(argv[3], NULL, 10);
    prong_server_options_init(&options);
    options.socket.allow_half_open = true;
    server = prong_server_new(prong_loop_new(EV_DEFAULT), &options, &server_events, &target);
    return prong_server_listen(server, "127.0.0.1", (uint16_t)strtoul(argv[1], NULL, 10), NULL) ||
           ev_run(EV_DEFAULT, 0);
}
