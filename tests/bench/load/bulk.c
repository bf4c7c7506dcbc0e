/* SPDX-License-Identifier: MIT
 *
 * Bulk: each client sends as fast as it can, to a server that discards (upload) or to one that
 * echoes (exchange).  An operation is a MiB, sent or come back.
 */
#include "client.h"
#include "mode.h"
#include "pattern.h"

#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#define MIB ((size_t)1 << 20)

/* Read and compared at once. */
#define PIECE ((size_t)256 << 10)

/* A MiB of pattern, again and again: making it costs more than sending it. */
static uint8_t pattern[MIB], received[PIECE];
static bool comes_back;

/* How much of what is sent is still to be looked at. */
static uint64_t expected(const struct client *client)
{
    return comes_back ? client->sent - client->received : 0;
}

static void count(struct clients *clients, struct client *client, uint64_t before, uint64_t now)
{
    for (uint64_t mib = before / MIB; mib < now / MIB; mib++)
        client_is_done(clients, client);
}

/* A MiB that is begun is sent. */
static bool may_send(struct clients *clients, struct client *client)
{
    return client->sent % MIB != 0 || client_begins(clients, client);
}

/* Until the kernel takes no more, or time is up.  False: the latter. */
static bool send_some(struct clients *clients, struct client *client)
{
    while (may_send(clients, client)) {
        size_t place = client->sent % MIB;
        ssize_t sent = send(client->fd, pattern + place, MIB - place, MSG_NOSIGNAL);

        if (sent < 0)
            return errno == EAGAIN;
        if (!comes_back)
            count(clients, client, client->sent, client->sent + (uint64_t)sent);
        client->sent += (uint64_t)sent;
    }
    return false;
}

static size_t piece_at(const struct client *client)
{
    size_t place = client->received % MIB;

    return MIB - place < PIECE ? MIB - place : PIECE;
}

/* Until there is no more.  False: the server has ended, or sends what is wrong. */
static bool receive_some(struct clients *clients, struct client *client)
{
    ssize_t size;

    while ((size = recv(client->fd, received, piece_at(client), 0)) > 0) {
        if ((uint64_t)size > expected(client) ||
            memcmp(received, pattern + client->received % MIB, (size_t)size) != 0) {
            clients_blame(clients, "wrong bytes came back");
            return false;
        }
        count(clients, client, client->received, client->received + (uint64_t)size);
        client->received += (uint64_t)size;
    }
    return size < 0 && errno == EAGAIN;
}

/* False: nothing more is to be done with it now. */
static bool pump(struct clients *clients, struct client *client)
{
    bool goes_on = send_some(clients, client);

    if (!receive_some(clients, client)) {
        clients_blame(clients, "the server ended");
        return false;
    }
    return goes_on || expected(client) > 0;
}

/* Until time is up and all that is to come back has. */
static void play(struct clients *clients, uint64_t duration_ns, uint64_t most)
{
    struct client *client = &clients->all[0];
    struct epoll_event event;

    clients_measure(clients, duration_ns, most);
    while (clients->errors == 0 && pump(clients, client))
        (void)epoll_wait(clients->epoll_fd, &event, 1, -1);
}

/* What was sent has arrived when the server has answered the end. */
static void finish(struct clients *clients)
{
    struct client *client = &clients->all[0];
    struct epoll_event event;
    ssize_t size;

    if (clients->errors > 0)
        return;
    shutdown(client->fd, SHUT_WR);
    while ((size = recv(client->fd, received, sizeof(received), 0)) < 0 && errno == EAGAIN)
        (void)epoll_wait(clients->epoll_fd, &event, 1, -1);
    if (size != 0)
        clients_blame(clients, "the server did not end when it should");
}

static void on_opened(struct clients *clients, struct client *client, enum client_event event)
{
    (void)client;
    (void)event;
    clients->busy--;
}

static void run(struct clients *clients)
{
    pattern_fill(0, 0, pattern, sizeof(pattern));
    clients->on_event = on_opened;
    clients->busy = 1;
    client_open(clients, &clients->all[0]);
    clients_run(clients, on_opened);
    play(clients, clients->options->warm_up_ns, 0);
    mode_pause("ready");
    play(clients, clients->options->seconds_ns, clients->options->most);
    finish(clients);
}

static void run_upload(struct clients *clients)
{
    comes_back = false;
    run(clients);
}

static void run_exchange(struct clients *clients)
{
    comes_back = true;
    run(clients);
}

const struct mode upload_mode = {"upload", "one connection, as many MiB as it can send",
                                 run_upload};
const struct mode exchange_mode = {"exchange", "the same, and all of it comes back", run_exchange};
