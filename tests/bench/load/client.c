/* SPDX-License-Identifier: MIT
 *
 * A short write counts as a failure: no mode sends more than the smallest socket buffer holds
 * before the echo of what it sent earlier is there.
 */
#include "client.h"

#include "pattern.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

/* After so many errors no further operation begins. */
#define MAX_ERRORS 50

static uint8_t buffer[CLIENT_SEND_MAX];

static uint64_t now_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

void clients_measure(struct clients *clients, uint64_t duration_ns, uint64_t most)
{
    histogram_clear(&clients->latencies);
    clients->late_ns = 0;
    clients->begun = 0;
    clients->done = 0;
    clients->most = most;
    clients->started_ns = now_ns();
    clients->last_ns = clients->started_ns;
    clients->until_ns = clients->started_ns + duration_ns;
}

bool client_begins(struct clients *clients, struct client *client)
{
    uint64_t now = now_ns();

    if (now >= clients->until_ns || clients->errors >= MAX_ERRORS)
        return false;
    if (clients->most > 0 && clients->begun >= clients->most)
        return false;
    clients->begun++;
    client->since_ns = now;
    return true;
}

void client_is_done(struct clients *clients, struct client *client)
{
    clients->last_ns = now_ns();
    clients->done++;
    histogram_add(&clients->latencies, clients->last_ns - client->since_ns);
}

static void close_client(struct client *client)
{
    if (client->fd >= 0)
        close(client->fd);
    client->fd = -1;
    client->state = CLIENT_CLOSED;
}

static void fail(struct clients *clients, struct client *client, const char *what, int error)
{
    uint64_t *count = client->is_greeted ? &clients->lost : &clients->errors;

    if (clients->errors + clients->lost == 0)
        snprintf(clients->first_error, sizeof(clients->first_error), "%s%s%s after %llu bytes",
                 what, error != 0 ? ": " : "", error != 0 ? strerror(error) : "",
                 (unsigned long long)client->received);
    (*count)++;
    close_client(client);
    clients->on_event(clients, client, CLIENT_FAILED);
}

/* Edge-triggered for both directions: one epoll_ctl for the whole life of a connection. */
static int connect_and_watch(const struct clients *clients, struct client *client)
{
    struct epoll_event event = {.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET,
                                .data.ptr = client};

    client->fd = socket(clients->address.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (client->fd < 0)
        return -errno;
    if (connect(client->fd, (const struct sockaddr *)&clients->address, clients->address_size) <
            0 &&
        errno != EINPROGRESS)
        return -errno;
    if (epoll_ctl(clients->epoll_fd, EPOLL_CTL_ADD, client->fd, &event) < 0)
        return -errno;
    return 0;
}

void client_open(struct clients *clients, struct client *client)
{
    int error;

    client->stream = clients->streams++;
    client->sent = 0;
    client->received = 0;
    client->is_greeted = false;
    client->state = CLIENT_CONNECTING;
    error = connect_and_watch(clients, client);
    if (error < 0)
        fail(clients, client, "cannot connect", -error);
}

void client_send(struct clients *clients, struct client *client, size_t size)
{
    ssize_t sent;

    pattern_fill(client->stream, client->sent, buffer, size);
    sent = send(client->fd, buffer, size, MSG_NOSIGNAL);
    if (sent == (ssize_t)size)
        client->sent += size;
    else if (sent < 0)
        fail(clients, client, "cannot send", errno);
    else
        fail(clients, client, "the kernel took only a part of the message", 0);
}

void client_end(struct clients *clients, struct client *client)
{
    client->state = CLIENT_ENDING;
    if (shutdown(client->fd, SHUT_WR) < 0)
        fail(clients, client, "cannot end", errno);
}

static void on_writable(struct clients *clients, struct client *client)
{
    int error = 0;
    socklen_t size = sizeof(error);

    getsockopt(client->fd, SOL_SOCKET, SO_ERROR, &error, &size);
    if (error != 0) {
        fail(clients, client, "cannot connect", error);
        return;
    }
    client->state = CLIENT_OPEN;
    clients->on_event(clients, client, CLIENT_CONNECTED);
}

static void on_end_of_file(struct clients *clients, struct client *client)
{
    if (client->state != CLIENT_ENDING || client->received != client->sent) {
        fail(clients, client, "the server closed the connection", 0);
        return;
    }
    close_client(client);
    clients->on_event(clients, client, CLIENT_ENDED);
}

static void on_bytes(struct clients *clients, struct client *client, size_t size)
{
    if (clients->takes_greetings && !client->is_greeted) {
        client->is_greeted = true;
        tally_add(&clients->greetings, buffer, size);
        clients->on_event(clients, client, CLIENT_GREETED);
        return;
    }
    if (size > client->sent - client->received ||
        !pattern_matches(client->stream, client->received, buffer, size)) {
        fail(clients, client, "wrong bytes came back", 0);
        return;
    }
    client->received += size;
    if (client->received == client->sent && client->state == CLIENT_OPEN)
        clients->on_event(clients, client, CLIENT_ECHOED);
}

/* One read, but for two cases in which no further edge would come: more may wait when the buffer
 * is full, and an end that was already there when the edge was seen. */
static void on_readable(struct clients *clients, struct client *client, uint32_t events)
{
    bool at_end = (events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0;
    ssize_t size;

    do {
        size = recv(client->fd, buffer, sizeof(buffer), 0);
        if (size > 0)
            on_bytes(clients, client, (size_t)size);
        else if (size == 0)
            on_end_of_file(clients, client);
        else if (errno != EAGAIN)
            fail(clients, client, "cannot receive", errno);
    } while (size > 0 && client->state != CLIENT_CLOSED &&
             (at_end || size == (ssize_t)sizeof(buffer)));
}

/* Both edges may come at once: the server that speaks first need not wait for anything. */
static void on_edge(struct clients *clients, struct client *client, uint32_t events)
{
    if (client->state == CLIENT_CONNECTING) {
        on_writable(clients, client);
        if (!(events & EPOLLIN))
            return;
    }
    if (client->state != CLIENT_CLOSED)
        on_readable(clients, client, events);
}

void clients_turn(struct clients *clients, client_callback *on_event, int64_t timeout_ns)
{
    struct epoll_event events[256];
    struct timespec timeout = {.tv_sec = timeout_ns / 1000000000,
                               .tv_nsec = timeout_ns % 1000000000};
    int count =
        epoll_pwait2(clients->epoll_fd, events, 256, timeout_ns < 0 ? NULL : &timeout, NULL);

    clients->on_event = on_event;
    for (int i = 0; i < count; i++)
        on_edge(clients, events[i].data.ptr, events[i].events);
}

void clients_run(struct clients *clients, client_callback *on_event)
{
    while (clients->busy > 0)
        clients_turn(clients, on_event, -1);
}
