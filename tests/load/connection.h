/* SPDX-License-Identifier: MIT
 *
 * One connection of the load: sends the bytes of its stream, and checks every byte that comes back.
 *
 * Byte n of a stream is known from the stream's number and n (pattern.h of the bench), so that a
 * lost, doubled, reordered or foreign byte is seen, and told apart.
 */
#ifndef STEADY_CONNECTION_H
#define STEADY_CONNECTION_H

#include <stdbool.h>
#include <stdint.h>

struct options;
struct report;

enum connection_role {
    ROLE_STREAM, /* sends all the time, and reads at once */
    ROLE_SLOW,   /* sends all the time, reads in fits and starts: the server holds its output */
    ROLE_SHORT,  /* connects, sends once, ends, and begins anew */
    ROLE_IDLE    /* sends when it is checked */
};

/*  CLOSED → CONNECTING → OPEN → ENDING → CLOSED        any → CLOSED on a fault */
enum connection_state {
    CONNECTION_CLOSED,
    CONNECTION_CONNECTING,
    CONNECTION_OPEN,
    CONNECTION_ENDING /* a short one has sent FIN and waits for the server's */
};

struct connection {
    int fd;
    enum connection_state state;
    enum connection_role role;
    unsigned address; /* in the options */
    bool is_eager;    /* a slow one that reads at once for now */
    uint32_t watched; /* epoll events that are asked for */
    uint64_t stream;  /* never the same for two connections */
    uint64_t wanted;  /* so much of the stream is to be sent by now */
    uint64_t sent;
    uint64_t received;
    uint64_t timed_end; /* the end of the chunk whose echo is timed; 0: none */
    uint64_t timed_since_ns;
    char name[32]; /* what the server calls it: 4:PORT, 6:PORT, u:NAME; empty when it is short */
};

/* What connections share. */
struct line {
    const struct options *options;
    struct report *report;
    int epoll_fd;
    uint64_t streams; /* given out so far */
};

/* Begins to connect; a fault is in the report. */
void connection_open(struct line *line, struct connection *connection);

/* Sends `size` more bytes of its stream, now and as soon as the kernel takes them. */
void connection_send(struct line *line, struct connection *connection, uint64_t size);

/* A slow one reads what is there, once. */
void connection_sip(struct line *line, struct connection *connection);

/* A slow one reads like any other, or no more. */
void connection_set_eager(struct line *line, struct connection *connection, bool eager);

/* The kernel says that something can be done. */
void connection_on_event(struct line *line, struct connection *connection, uint32_t events);

/* It is open and owes no byte. */
bool connection_is_settled(const struct connection *connection);

/* Closes it, and says why. */
void connection_give_up(struct line *line, struct connection *connection, int fault, int error);

#endif
