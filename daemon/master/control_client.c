/* SPDX-License-Identifier: MIT
 *
 * Reading requests and writing answers without ever waiting.
 */
#include "control_client.h"

#include <errno.h>
#include <stdalign.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "request.h"

/* For a request to arrive, and for an answer to be taken. */
#define PATIENCE_S 5.0

static const char out_of_memory[] = "{\"ok\": false, \"error\": \"out of memory\", \"exit\": 1}";

/* Watches for what the state waits for, and not for ever. */
static void enter(struct control_client *client, enum control_client_state state)
{
    static const int wanted[] = {
        [CONTROL_CLIENT_READING] = EV_READ,
        [CONTROL_CLIENT_WORKING] = EV_NONE,
        [CONTROL_CLIENT_WRITING] = EV_WRITE,
    };

    client->state = state;
    ev_io_stop(client->loop, &client->io);
    ev_timer_stop(client->loop, &client->timer);
    if (wanted[state] == EV_NONE)
        return;
    ev_io_set(&client->io, client->fd, wanted[state]);
    ev_io_start(client->loop, &client->io);
    ev_timer_set(&client->timer, PATIENCE_S, 0.);
    ev_timer_start(client->loop, &client->timer);
}

/* Hands over the first complete line, which stays in the buffer until it is answered.
 * False: there is none. */
static bool take_line(struct control_client *client)
{
    char *end = memchr(client->input, '\n', client->input_size);

    if (end == NULL)
        return false;
    client->line_size = (size_t)(end - client->input) + 1;
    enter(client, CONTROL_CLIENT_WORKING);
    control_on_line(client, client->input, client->line_size - 1);
    return true;
}

static void drop_line(struct control_client *client)
{
    client->input_size -= client->line_size;
    memmove(client->input, client->input + client->line_size, client->input_size);
    client->line_size = 0;
}

static void read_more(struct control_client *client)
{
    size_t room = sizeof(client->input) - client->input_size;
    ssize_t count;

    if (take_line(client))
        return;
    count = recv(client->fd, client->input + client->input_size, room, MSG_DONTWAIT);
    if (count < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (count <= 0) {
        control_on_gone(client);
        return;
    }
    client->input_size += (size_t)count;
    if (take_line(client) || client->input_size < sizeof(client->input))
        return;
    client->last = true;
    control_client_answer(
        client, request_refusal(2, "the request is longer than %d bytes", COMMAND_LINE_SIZE));
}

/* --- Sending --- */

/* As many as one message takes (SCM_MAX_FD). */
#define FDS_AT_ONCE 253

/* Each message has at least one byte: those that go with descriptors still to come wait for them.
 */
static ssize_t send_with_fds(struct control_client *client)
{
    size_t left = client->fd_count - client->fd_sent;
    size_t count = left < FDS_AT_ONCE ? left : FDS_AT_ONCE;
    alignas(struct cmsghdr) char room[CMSG_SPACE(FDS_AT_ONCE * sizeof(int))] = {0};
    struct iovec piece = {.iov_base = client->output + client->output_sent,
                          .iov_len = left > count ? 1 : client->output_size - client->output_sent};
    struct msghdr message = {.msg_iov = &piece,
                             .msg_iovlen = 1,
                             .msg_control = room,
                             .msg_controllen = CMSG_SPACE(count * sizeof(int))};
    struct cmsghdr *head = (struct cmsghdr *)(void *)room;
    ssize_t sent;

    head->cmsg_level = SOL_SOCKET;
    head->cmsg_type = SCM_RIGHTS;
    head->cmsg_len = CMSG_LEN(count * sizeof(int));
    memcpy(CMSG_DATA(head), client->fds + client->fd_sent, count * sizeof(int));
    sent = sendmsg(client->fd, &message, MSG_DONTWAIT | MSG_NOSIGNAL);
    for (size_t i = 0; sent > 0 && i < count; i++)
        close(client->fds[client->fd_sent++]);
    return sent;
}

static ssize_t send_some(struct control_client *client)
{
    if (client->fd_sent < client->fd_count)
        return send_with_fds(client);
    return send(client->fd, client->output + client->output_sent,
                client->output_size - client->output_sent, MSG_DONTWAIT | MSG_NOSIGNAL);
}

static void forget_fds(struct control_client *client)
{
    while (client->fd_sent < client->fd_count)
        close(client->fds[client->fd_sent++]);
    free(client->fds);
    client->fds = NULL;
    client->fd_count = client->fd_sent = 0;
}

static void write_more(struct control_client *client)
{
    ssize_t count = send_some(client);

    if (count < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (count < 0) {
        control_on_gone(client);
        return;
    }
    client->output_sent += (size_t)count;
    if (client->output_sent < client->output_size)
        return;
    free(client->output);
    client->output = NULL;
    forget_fds(client);
    if (client->last) {
        control_on_gone(client);
        return;
    }
    drop_line(client);
    enter(client, CONTROL_CLIENT_READING);
    if (client->input_size > 0) /* it may have asked more already */
        ev_feed_event(client->loop, &client->io, EV_READ);
}

static void on_ready(struct ev_loop *loop, ev_io *watcher, int revents)
{
    struct control_client *client = watcher->data;

    (void)loop;
    (void)revents;
    if (client->state == CONTROL_CLIENT_READING)
        read_more(client);
    else
        write_more(client);
}

static void on_impatience(struct ev_loop *loop, ev_timer *timer, int revents)
{
    (void)loop;
    (void)revents;
    control_on_gone(timer->data);
}

struct control_client *control_client_new(struct control *control, struct ev_loop *loop, int fd)
{
    struct control_client *client = calloc(1, sizeof(*client));

    if (client == NULL) {
        close(fd);
        return NULL;
    }
    client->control = control;
    client->loop = loop;
    client->fd = fd;
    ev_io_init(&client->io, on_ready, fd, EV_READ);
    client->io.data = client;
    ev_timer_init(&client->timer, on_impatience, 0., 0.);
    client->timer.data = client;
    enter(client, CONTROL_CLIENT_READING);
    return client;
}

void control_client_work(struct control_client *client)
{
    enter(client, CONTROL_CLIENT_WORKING);
}

void control_client_answer(struct control_client *client, json_t *answer)
{
    char *text = answer != NULL ? json_dumps(answer, JSON_COMPACT) : NULL;
    size_t size;

    json_decref(answer);
    if (text == NULL)
        text = strdup(out_of_memory);
    if (text == NULL) {
        control_on_gone(client);
        return;
    }
    size = strlen(text);
    text[size] = '\n'; /* in place of the NUL: it is bytes from here on */
    client->output = text;
    client->output_size = size + 1;
    client->output_sent = 0;
    enter(client, CONTROL_CLIENT_WRITING);
    write_more(client);
}

/* So short a line goes out as a whole or not at all. */
void control_client_show(struct control_client *client, json_t *progress)
{
    json_t *line = json_pack("{s:o}", "progress", progress);
    char *text = line != NULL ? json_dumps(line, JSON_COMPACT) : NULL;
    size_t size;

    json_decref(line);
    if (text == NULL)
        return;
    size = strlen(text);
    text[size] = '\n'; /* in place of the NUL */
    if (client->state == CONTROL_CLIENT_WORKING)
        (void)send(client->fd, text, size + 1, MSG_DONTWAIT | MSG_NOSIGNAL);
    free(text);
}

void control_client_free(struct control_client *client)
{
    ev_io_stop(client->loop, &client->io);
    ev_timer_stop(client->loop, &client->timer);
    close(client->fd);
    forget_fds(client);
    free(client->output);
    free(client);
}
