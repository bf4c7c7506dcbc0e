/* SPDX-License-Identifier: MIT
 *
 * Prefork with the library alone: the parent opens one listening handle, and the kernel gives each
 * connection to one of the workers that share it.  The port stands on the command line (8888).
 */
#include <ev.h>
#include <prong/prong.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

static void on_listening(struct prong_server *server)
{
    struct prong_address address;

    if (prong_server_address(server, &address) == 0)
        printf("worker %d listens on port %u\n", getpid(), address.port);
}

static void on_connection(struct prong_server *server, struct prong_socket *socket)
{
    char text[64];
    int size = snprintf(text, sizeof(text), "hello client! I am worker %d\n", getpid());

    (void)server;
    prong_socket_write(socket, text, (size_t)size);
    prong_socket_end(socket);
}

static const struct prong_server_events events = {.on_listening = on_listening,
                                                  .on_connection = on_connection};

/* Each worker makes its own loop, after the fork; only the handle is shared. */
static int work(int fd)
{
    struct ev_loop *ev = ev_default_loop(0);
    struct prong_server *server = prong_server_new(prong_loop_new(ev), NULL, &events, NULL);

    return prong_server_listen_fd(server, fd, PRONG_BACKLOG) < 0 || ev_run(ev, 0);
}

int main(int argc, char **argv)
{
    uint16_t port = argc > 1 ? (uint16_t)strtoul(argv[1], NULL, 10) : 8888;
    struct prong_address address;
    int fd = prong_address_from_ip(&address, "127.0.0.1", port);

    setvbuf(stdout, NULL, _IOLBF, 0);
    if (fd == 0)
        fd = prong_listen_open(&address, NULL);
    for (int worker = 0; worker < 4 && fd >= 0; worker++)
        if (fork() == 0)
            return work(fd);
    while (wait(NULL) > 0)
        ;
    if (fd < 0)
        fprintf(stderr, "prefork: %s\n", prong_error_text(fd));
    return fd < 0;
}
