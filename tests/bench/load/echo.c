/* SPDX-License-Identifier: MIT
 *
 * Ping-pong: each client sends `pipeline` messages with one write, and the next ones when all of
 * them have come back.
 */
#include "client.h"
#include "mode.h"

static void ping(struct clients *clients, struct client *client)
{
    const struct options *options = clients->options;

    if (client_begins(clients, client))
        client_send(clients, client, (size_t)options->size * options->pipeline);
    else
        clients->busy--;
}

static void on_event(struct clients *clients, struct client *client, enum client_event event)
{
    if (event == CLIENT_ECHOED) {
        client_is_done(clients, client);
        ping(clients, client);
    } else {
        clients->busy--;
    }
}

static void play(struct clients *clients, uint64_t duration_ns, uint64_t most)
{
    unsigned total = clients->options->connections;

    clients_measure(clients, duration_ns, most);
    clients->on_event = on_event;
    clients->busy = total;
    for (unsigned i = 0; i < total; i++) {
        if (clients->all[i].state == CLIENT_OPEN)
            ping(clients, &clients->all[i]);
        else
            clients->busy--;
    }
    clients_run(clients, on_event);
}

static void run(struct clients *clients)
{
    clients_open_all(clients);
    play(clients, clients->options->warm_up_ns, 0);
    mode_pause("ready");
    play(clients, clients->options->seconds_ns, clients->options->most);
}

const struct mode echo_mode = {"echo", "connections that stay, messages that come back", run};
