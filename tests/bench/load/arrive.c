/* SPDX-License-Identifier: MIT
 *
 * Connections that arrive at a steady rate, are greeted by the server, and stay.  The bench says
 * what happens, in lines on standard input, each of which is answered with a line of JSON:
 *
 *     arrive 4000        so many more arrive
 *     close 40001 40002  those with these local ports go
 *
 * An empty line, or the end of the input, is the end.
 */
#include "client.h"
#include "mode.h"

#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* A connection that was not greeted so long after the last one arrived is stuck. */
#define PATIENCE_NS UINT64_C(10000000000)

/* Arrivals of one stage. */
struct arrivals {
    unsigned next, last; /* which of the clients */
    uint64_t interval_ns;
    uint64_t due_ns;
};

static uint64_t now_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static void on_event(struct clients *clients, struct client *client, enum client_event event)
{
    switch (event) {
    case CLIENT_GREETED:
        client_is_done(clients, client);
        clients->busy--;
        break;
    case CLIENT_ENDED:
        clients->busy--;
        break;
    case CLIENT_FAILED:
        if (!client->is_greeted)
            clients->busy--;
        break;
    case CLIENT_CONNECTED:
    case CLIENT_ECHOED:
        break;
    }
}

static void open_next(struct clients *clients, struct arrivals *arrivals)
{
    struct client *client = &clients->all[arrivals->next++];

    arrivals->due_ns += arrivals->interval_ns;
    if (!client_begins(clients, client))
        return;
    clients->busy++;
    client_open(clients, client);
}

static void open_those_due(struct clients *clients, struct arrivals *arrivals)
{
    uint64_t now = now_ns();

    while (arrivals->next < arrivals->last && now >= arrivals->due_ns) {
        if (now - arrivals->due_ns > clients->late_ns)
            clients->late_ns = now - arrivals->due_ns;
        open_next(clients, arrivals);
        now = now_ns();
    }
}

static void arrive(struct clients *clients, unsigned first, unsigned count)
{
    struct arrivals arrivals = {
        .next = first,
        .last = first + count,
        .interval_ns = 1000000000u / clients->options->rate,
        .due_ns = now_ns(),
    };
    uint64_t patience_ns = count * arrivals.interval_ns + PATIENCE_NS;
    uint64_t end_ns = arrivals.due_ns + patience_ns;
    uint64_t now = arrivals.due_ns;

    clients_measure(clients, patience_ns, 0);
    clients->on_event = on_event;
    clients->busy = 0;
    while ((arrivals.next < arrivals.last || clients->busy > 0) && now < end_ns) {
        uint64_t until = arrivals.next < arrivals.last ? arrivals.due_ns : end_ns;

        clients_turn(clients, on_event, until > now ? (int64_t)(until - now) : 0);
        open_those_due(clients, &arrivals);
        now = now_ns();
    }
    if (clients->busy > 0)
        clients_blame(clients, "connections are stuck");
}

static uint16_t port_of(const struct client *client)
{
    union {
        struct sockaddr_in6 ipv6;
        struct sockaddr_in ipv4;
        struct sockaddr any;
    } address = {.ipv6 = {0}};
    socklen_t size = sizeof(address);

    if (client->state != CLIENT_OPEN || getsockname(client->fd, &address.any, &size) < 0)
        return 0;
    return ntohs(address.any.sa_family == AF_INET ? address.ipv4.sin_port : address.ipv6.sin6_port);
}

static void close_those(struct clients *clients, char *ports)
{
    static bool goes[65536];
    unsigned total = clients->options->connections;

    memset(goes, 0, sizeof(goes));
    for (char *word = strtok(ports, " \n"); word != NULL; word = strtok(NULL, " \n"))
        goes[(uint16_t)strtoul(word, NULL, 10)] = true;
    goes[0] = false;
    clients->on_event = on_event;
    clients->busy = 0;
    for (unsigned i = 0; i < total; i++) {
        if (!goes[port_of(&clients->all[i])])
            continue;
        clients->busy++;
        client_end(clients, &clients->all[i]);
    }
    clients_run(clients, on_event);
}

static void obey(struct clients *clients, char *line, unsigned *opened)
{
    unsigned left = clients->options->connections - *opened;
    unsigned long count;

    if (strncmp(line, "arrive ", 7) == 0) {
        count = strtoul(line + 7, NULL, 10);
        count = count < left ? count : left;
        arrive(clients, *opened, (unsigned)count);
        *opened += (unsigned)count;
        mode_report(clients, "arrive");
    } else if (strncmp(line, "close ", 6) == 0) {
        close_those(clients, line + 6);
        puts("{\"phase\": \"closed\"}");
        fflush(stdout);
    }
}

static void run(struct clients *clients)
{
    char *line = NULL;
    size_t size = 0;
    unsigned opened = 0;

    clients->takes_greetings = true;
    clients_measure(clients, 0, 0);
    puts("{\"phase\": \"ready\"}");
    fflush(stdout);
    while (getline(&line, &size, stdin) > 1)
        obey(clients, line, &opened);
    free(line);
}

const struct mode arrive_mode = {"arrive", "connections that arrive at a steady rate and stay",
                                 run};
