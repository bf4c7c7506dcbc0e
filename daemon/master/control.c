/* SPDX-License-Identifier: MIT
 *
 * Listening for prongctl, and calling the commands.
 */
#include "control.h"

#include <ev.h>
#include <prong/server.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "control_client.h"
#include "log.h"
#include "request.h"
#include "socket_file.h"

/* More wait in the kernel's queue until one of these has gone. */
#define MAX_CLIENTS 16

struct control {
    struct ev_loop *loop;
    control_command *const *table;
    void *user;
    ev_io io; /* io.fd listens */
    struct prong_address address;
    struct socket_file file;
    struct control_client *clients;
    unsigned client_count;
};

/* --- Clients --- */

static bool may_command(int fd)
{
    struct ucred peer;
    socklen_t length = sizeof(peer);

    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &length) < 0)
        return false;
    return peer.uid == 0 || peer.uid == geteuid();
}

static void on_connection(struct ev_loop *loop, ev_io *watcher, int revents)
{
    struct control *control = watcher->data;
    struct control_client *client;
    int fd = accept4(watcher->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

    (void)revents;
    if (fd < 0)
        return;
    client = control_client_new(control, loop, fd);
    if (client == NULL)
        return;
    client->next = control->clients;
    control->clients = client;
    if (++control->client_count == MAX_CLIENTS)
        ev_io_stop(loop, &control->io);
    if (may_command(fd))
        return;
    client->last = true;
    control_client_answer(client,
                          request_refusal(1, "only root and the user of prongd may command it"));
}

void control_on_gone(struct control_client *client)
{
    struct control *control = client->control;
    struct control_client **at = &control->clients;

    while (*at != client)
        at = &(*at)->next;
    *at = client->next;
    control->client_count--;
    ev_io_start(control->loop, &control->io);
    control_client_free(client);
}

void control_on_line(struct control_client *client, const char *line, size_t size)
{
    struct control *control = client->control;
    struct request request;
    json_t *refusal = request_parse(&request, line, size);

    if (refusal != NULL) {
        control_client_answer(client, refusal);
        return;
    }
    log_debug("command name=%s", request.row->name);
    control->table[request.row->command](client, request.arguments, control->user);
    request_clear(&request);
}

void control_answer(struct control_client *client, json_t *answer)
{
    control_client_answer(client, answer);
}

void control_answer_with(struct control_client *client, json_t *answer, int *fds, size_t fd_count)
{
    client->fds = fds;
    client->fd_count = fds != NULL ? fd_count : 0;
    control_client_answer(client, answer);
}

void control_progress(struct control_client *client, json_t *progress)
{
    if (progress != NULL)
        control_client_show(client, progress);
}

/* --- The socket --- */

static int listen_on(struct control *control, const char *path)
{
    struct prong_listen_options options;
    int fd;

    prong_listen_options_init(&options);
    if (path[0] != '@')
        options.mode = 0600; /* an abstract name has no file that could carry it */
    options.take_over = true;
    fd = prong_address_from_path(&control->address, path);
    if (fd == 0)
        fd = prong_listen_open(&control->address, &options);
    if (fd >= 0)
        (void)socket_file_note(&control->file, &control->address);
    return fd;
}

static void start(struct control *control, struct ev_loop *loop, int fd,
                  control_command *const table[COMMAND_COUNT], void *user)
{
    control->loop = loop;
    control->table = table;
    control->user = user;
    ev_io_init(&control->io, on_connection, fd, EV_READ);
    control->io.data = control;
    ev_io_start(loop, &control->io);
}

int control_fd(const struct control *control)
{
    return control->io.fd;
}

struct control *control_adopt(struct ev_loop *loop, int fd,
                              control_command *const table[COMMAND_COUNT], void *user)
{
    struct control *control = calloc(1, sizeof(*control));
    struct sockaddr_storage storage;
    socklen_t length = sizeof(storage);

    if (control == NULL) {
        close(fd);
        return NULL;
    }
    if (getsockname(fd, (struct sockaddr *)&storage, &length) == 0)
        prong_address_from_sockaddr(&control->address, (struct sockaddr *)&storage, length);
    (void)socket_file_note(&control->file, &control->address);
    start(control, loop, fd, table, user);
    return control;
}

struct control_client *control_adopt_client(struct control *control, int fd, bool is_owed)
{
    struct control_client *client = control_client_new(control, control->loop, fd);

    if (client == NULL)
        return NULL;
    client->next = control->clients;
    control->clients = client;
    control->client_count++;
    if (is_owed)
        control_client_work(client);
    return client;
}

const struct control_client *control_next_silent(const struct control *control,
                                                 const struct control_client *client)
{
    client = client != NULL ? client->next : control->clients;
    while (client != NULL &&
           (client->state != CONTROL_CLIENT_READING || client->input_size > 0 || client->last))
        client = client->next;
    return client;
}

struct control *control_open(struct ev_loop *loop, const char *path,
                             control_command *const table[COMMAND_COUNT], void *user, char *problem,
                             size_t size)
{
    struct control *control = calloc(1, sizeof(*control));
    int fd;

    if (control == NULL) {
        snprintf(problem, size, "control_socket: out of memory");
        return NULL;
    }
    fd = listen_on(control, path);
    if (fd < 0) {
        snprintf(problem, size, "control_socket: %s: %s", path, prong_error_text(fd));
        free(control);
        return NULL;
    }
    start(control, loop, fd, table, user);
    return control;
}

void control_close(struct control *control)
{
    if (control == NULL)
        return;
    socket_file_remove(&control->file, &control->address);
    control_abandon(control);
}

void control_abandon(struct control *control)
{
    struct control_client *next;

    if (control == NULL)
        return;
    for (struct control_client *client = control->clients; client != NULL; client = next) {
        next = client->next;
        control_client_free(client);
    }
    ev_io_stop(control->loop, &control->io);
    close(control->io.fd);
    free(control);
}
