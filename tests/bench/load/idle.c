/* SPDX-License-Identifier: MIT
 *
 * Idle connections: opened without a byte, then one message each in one burst, then closed.
 */
#include "client.h"
#include "mode.h"

static void on_event(struct clients *clients, struct client *client, enum client_event event)
{
    if (event != CLIENT_FAILED)
        client_is_done(clients, client);
    clients->busy--;
}

static void send_one(struct clients *clients, struct client *client)
{
    client_send(clients, client, clients->options->size);
}

/* Does the same with all of them at once, and waits until each has answered. */
static void all_at_once(struct clients *clients,
                        void (*act)(struct clients *clients, struct client *client))
{
    unsigned total = clients->options->connections;

    clients_measure(clients, UINT64_MAX / 2, 0);
    clients->on_event = on_event;
    clients->busy = total;
    for (unsigned i = 0; i < total; i++) {
        struct client *client = &clients->all[i];

        if (client->state == CLIENT_OPEN && client_begins(clients, client))
            act(clients, client);
        else
            clients->busy--;
    }
    clients_run(clients, on_event);
}

static void run(struct clients *clients)
{
    mode_pause("start");
    clients_open_all(clients);
    mode_pause("opened");
    all_at_once(clients, send_one);
    mode_pause("echoed");
    all_at_once(clients, client_end);
}

const struct mode idle_mode = {"idle", "many connections that only exist", run};
