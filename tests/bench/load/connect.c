/* SPDX-License-Identifier: MIT
 *
 * Short connections: connect, send one message, read its echo, close.  One operation is a whole
 * life, from connect() to the server's FIN.
 */
#include "client.h"
#include "mode.h"

static void live(struct clients *clients, struct client *client)
{
    if (client_begins(clients, client))
        client_open(clients, client);
    else
        clients->busy--;
}

static void on_event(struct clients *clients, struct client *client, enum client_event event)
{
    const struct options *options = clients->options;

    switch (event) {
    case CLIENT_CONNECTED:
        client_send(clients, client, (size_t)options->size * options->pipeline);
        break;
    case CLIENT_ECHOED:
        client_end(clients, client);
        break;
    case CLIENT_ENDED:
        client_is_done(clients, client);
        live(clients, client);
        break;
    case CLIENT_FAILED:
        live(clients, client);
        break;
    case CLIENT_GREETED:
        break;
    }
}

static void play(struct clients *clients, uint64_t duration_ns, uint64_t most)
{
    unsigned total = clients->options->connections;

    clients_measure(clients, duration_ns, most);
    clients->on_event = on_event;
    clients->busy = total;
    for (unsigned i = 0; i < total; i++)
        live(clients, &clients->all[i]);
    clients_run(clients, on_event);
}

static void run(struct clients *clients)
{
    play(clients, clients->options->warm_up_ns, 0);
    mode_pause("ready");
    play(clients, clients->options->seconds_ns, clients->options->most);
}

const struct mode connect_mode = {"connect", "connections of one message each", run};
