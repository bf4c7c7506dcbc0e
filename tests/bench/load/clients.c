/* SPDX-License-Identifier: MIT
 *
 * All clients together: made, opened, freed.
 */
#include "client.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <unistd.h>

/* How many may wait in the server's accept queue, which holds 511 with Node's usual backlog.  In
 * a full queue a connection would wait a second for the next try. */
#define OPEN_BATCH 256

static void die(const char *what)
{
    perror(what);
    exit(1);
}

static void set_address(struct clients *clients, const struct options *options)
{
    struct sockaddr_in *ipv4 = (struct sockaddr_in *)&clients->address;
    struct sockaddr_in6 *ipv6 = (struct sockaddr_in6 *)&clients->address;

    if (inet_pton(AF_INET, options->host, &ipv4->sin_addr) == 1) {
        ipv4->sin_family = AF_INET;
        ipv4->sin_port = htons(options->port);
        clients->address_size = sizeof(*ipv4);
    } else if (inet_pton(AF_INET6, options->host, &ipv6->sin6_addr) == 1) {
        ipv6->sin6_family = AF_INET6;
        ipv6->sin6_port = htons(options->port);
        clients->address_size = sizeof(*ipv6);
    } else {
        fprintf(stderr, "--host %s: an IP address is expected\n", options->host);
        exit(2);
    }
}

static void raise_descriptor_limit(void)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        limit.rlim_cur = limit.rlim_max;
        setrlimit(RLIMIT_NOFILE, &limit);
    }
}

void clients_init(struct clients *clients, const struct options *options)
{
    *clients = (struct clients){.options = options};
    raise_descriptor_limit();
    set_address(clients, options);
    clients->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    if (clients->epoll_fd < 0)
        die("epoll_create1");
    clients->all = calloc(options->connections, sizeof(*clients->all));
    if (clients->all == NULL)
        die("calloc");
    for (unsigned i = 0; i < options->connections; i++)
        clients->all[i].fd = -1;
}

void clients_clear(struct clients *clients)
{
    for (unsigned i = 0; i < clients->options->connections; i++)
        if (clients->all[i].fd >= 0)
            close(clients->all[i].fd);
    free(clients->all);
    close(clients->epoll_fd);
}

void clients_blame(struct clients *clients, const char *what)
{
    if (clients->errors++ == 0)
        snprintf(clients->first_error, sizeof(clients->first_error), "%s", what);
}

/* CLIENT_CONNECTED or CLIENT_FAILED: opened or not, it is over. */
static void on_opened(struct clients *clients, struct client *client, enum client_event event)
{
    (void)client;
    (void)event;
    clients->busy--;
}

static void on_probed(struct clients *clients, struct client *client, enum client_event event)
{
    switch (event) {
    case CLIENT_CONNECTED:
        client_send(clients, client, 1);
        break;
    case CLIENT_ECHOED:
        client_end(clients, client);
        break;
    case CLIENT_ENDED:
    case CLIENT_FAILED:
        clients->busy--;
        break;
    case CLIENT_GREETED:
        break;
    }
}

/* The accept queue is first in, first out: once a later connection got its echo, all earlier ones
 * are accepted. */
static void probe(struct clients *clients)
{
    struct client client = {.fd = -1};

    clients->on_event = on_probed;
    clients->busy = 1;
    client_open(clients, &client);
    clients_run(clients, on_probed);
}

void clients_open_all(struct clients *clients)
{
    unsigned total = clients->options->connections;
    unsigned next = 0;

    while (next < total) {
        unsigned batch = total - next < OPEN_BATCH ? total - next : OPEN_BATCH;

        clients->on_event = on_opened;
        clients->busy = batch;
        for (unsigned i = 0; i < batch; i++)
            client_open(clients, &clients->all[next++]);
        clients_run(clients, on_opened);
        probe(clients);
    }
}
