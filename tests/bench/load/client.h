/* SPDX-License-Identifier: MIT
 *
 * Clients: the connections of the load, each of which sends its pattern and checks every byte that
 * comes back.  One thread, one epoll set.
 *
 * A mode (echo.c, connect.c …) decides what a client does next, in one callback.
 */
#ifndef BENCH_CLIENT_H
#define BENCH_CLIENT_H

#include "histogram.h"
#include "options.h"
#include "tally.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#define CLIENT_SEND_MAX 65536

/*     CLOSED → CONNECTING → OPEN → ENDING → CLOSED        any → CLOSED on failure */
enum client_state { CLIENT_CLOSED, CLIENT_CONNECTING, CLIENT_OPEN, CLIENT_ENDING };

enum client_event {
    CLIENT_CONNECTED, /* may send */
    CLIENT_GREETED,   /* the server's first bytes are there; see `takes_greetings` */
    CLIENT_ECHOED,    /* all that was sent has come back */
    CLIENT_ENDED,     /* the server closed after client_end(); the descriptor is closed */
    CLIENT_FAILED     /* counted as an error; the descriptor is closed */
};

struct client {
    int fd;
    enum client_state state;
    bool is_greeted;
    uint64_t stream; /* which pattern: never the same for two connections */
    uint64_t sent, received;
    uint64_t since_ns; /* the mode's: when the operation began */
};

struct clients;
typedef void client_callback(struct clients *clients, struct client *client,
                             enum client_event event);

struct clients {
    const struct options *options;
    client_callback *on_event;
    bool takes_greetings; /* the server speaks first; how often it said what is in `greetings` */
    struct tally greetings;
    int epoll_fd;
    struct sockaddr_storage address;
    socklen_t address_size;
    struct client *all; /* options->connections of them */
    uint64_t streams;   /* connections opened so far */
    unsigned busy;      /* the mode's: operations under way; the loop ends with the last */

    /* What is measured: operations since clients_measure(). */
    uint64_t started_ns, until_ns; /* nothing new begins after the latter */
    uint64_t most, begun, done;
    uint64_t last_ns; /* when the last one was done */
    struct histogram latencies;
    uint64_t late_ns; /* the mode's: how much later than it should it began an operation at worst */

    uint64_t errors;
    uint64_t lost; /* the same, of clients that were greeted before */
    char first_error[160];
};

/* Exits with status 1 and a sentence when it cannot. */
void clients_init(struct clients *clients, const struct options *options);
void clients_clear(struct clients *clients);

/* Opens all of them.  When it returns the server has accepted them, every one. */
void clients_open_all(struct clients *clients);

/* Something went wrong that is not one client's failure. */
void clients_blame(struct clients *clients, const char *what);

/* Handles the events of one moment, or of the first within `timeout_ns`; -1: of the first. */
void clients_turn(struct clients *clients, client_callback *on_event, int64_t timeout_ns);

/* Handles events until nothing is busy any more. */
void clients_run(struct clients *clients, client_callback *on_event);

/* Begins the counts and the clock anew: operations begin for `duration_ns`, or until `most` of
 * them have (0: no limit). */
void clients_measure(struct clients *clients, uint64_t duration_ns, uint64_t most);

/* May one more operation begin?  Then it is counted, and its clock starts. */
bool client_begins(struct clients *clients, struct client *client);

/* The operation is over, and its latency is known. */
void client_is_done(struct clients *clients, struct client *client);

/* CLIENT_CONNECTED or CLIENT_FAILED follows; the latter perhaps from inside the call, as with all
 * of these. */
void client_open(struct clients *clients, struct client *client);

/* Sends `size` more bytes of the pattern, at most CLIENT_SEND_MAX: CLIENT_ECHOED follows. */
void client_send(struct clients *clients, struct client *client, size_t size);

/* Sends FIN and waits for the server's: CLIENT_ENDED follows.  Waiting makes the server's close a
 * part of the operation, and a port is not used again before its last use is over. */
void client_end(struct clients *clients, struct client *client);

#endif
