/* SPDX-License-Identifier: MIT
 *
 * The first example of every tutorial: a server that greets each client and prints what it says.
 *
 *     server [PORT]         8888 when nothing is said; 0 picks a free one
 */
#include <ev.h>
#include <prong/prong.h>
#include <stdio.h>
#include <stdlib.h>

static void on_data(struct prong_socket *socket, const void *bytes, size_t size)
{
    (void)socket;
    printf("client send message: %.*s\n", (int)size, (const char *)bytes);
}

static void on_connection(struct prong_server *server, struct prong_socket *socket)
{
    (void)server;
    prong_socket_write(socket, "hello client!", 13);
}

static void on_listening(struct prong_server *server)
{
    struct prong_address address;
    char text[PRONG_ADDRESS_TEXT_SIZE];

    if (prong_server_address(server, &address) == 0)
        printf("listening on %s\n", prong_address_format(&address, text, sizeof(text)));
}

static void on_error(struct prong_server *server, const struct prong_error_info *error)
{
    (void)server;
    fprintf(stderr, "server: %s: %s\n", error->syscall, prong_error_text(error->code));
}

static const struct prong_socket_events socket_events = {.on_data = on_data};

static const struct prong_server_events server_events = {
    .on_listening = on_listening, .on_connection = on_connection, .on_error = on_error};

int main(int argc, char **argv)
{
    uint16_t port = argc > 1 ? (uint16_t)strtoul(argv[1], NULL, 10) : 8888;
    struct ev_loop *ev = ev_default_loop(0);
    struct prong_loop *loop = prong_loop_new(ev);
    struct prong_server_options options;
    struct prong_server *server;

    setvbuf(stdout, NULL, _IOLBF, 0);
    prong_server_options_init(&options);
    options.socket_events = &socket_events;
    server = prong_server_new(loop, &options, &server_events, NULL);
    if (server == NULL || prong_server_listen(server, "127.0.0.1", port, NULL) < 0)
        return 1;
    ev_run(ev, 0); /* returns when the server is closed: after on_error */
    return 1;
}
