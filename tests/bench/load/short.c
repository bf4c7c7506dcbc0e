/* SPDX-License-Identifier: MIT
 *
 * Short connections to a server that speaks first: connect, its greeting, close.  One operation
 * ends with the greeting: the time from connect() on until a worker has accepted and said so.
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
    switch (event) {
    case CLIENT_GREETED:
        client_is_done(clients, client);
        client_end(clients, client);
        break;
    case CLIENT_ENDED:
    case CLIENT_FAILED:
        live(clients, client);
        break;
    case CLIENT_CONNECTED:
    case CLIENT_ECHOED:
        break;
    }
}

static void run(struct clients *clients)
{
    unsigned total = clients->options->connections;

    clients->takes_greetings = true;
    mode_pause("ready");
    clients_measure(clients, UINT64_MAX / 2, clients->options->most);
    clients->on_event = on_event;
    clients->busy = total;
    for (unsigned i = 0; i < total; i++)
        live(clients, &clients->all[i]);
    clients_run(clients, on_event);
}

const struct mode short_mode = {"short", "connections that end with the server's greeting", run};
