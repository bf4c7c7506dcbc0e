/* SPDX-License-Identifier: MIT
 *
 * A pair: a client and its upstream, as the client's state, and what the server's pairs share in
 * one worker.
 *
 * Every callback of the upstream finds the pair through the client, which is its user pointer.  The
 * client is always the last to close: it is what counts as a connection, and what moves.
 */
#ifndef PRONGD_PAIR_H
#define PRONGD_PAIR_H

#include <prongd/service.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct search;
struct searches;
struct pipe;
struct pipes;
struct prong_socket;
struct upstream;
struct upstreams;

/*  NEW → CONNECTING → OPEN → FINISHING → CLOSED        any → CLOSED
 *  NEW → OPEN, FINISHING: it came from another worker */
enum pair_state {
    PAIR_NEW,
    PAIR_CONNECTING,
    PAIR_OPEN,
    PAIR_FINISHING, /* the upstream has everything and is closed, the client has not */
    PAIR_CLOSED
};

/* The two directions. */
enum pair_way { PAIR_FROM_CLIENT, PAIR_FROM_UPSTREAM, PAIR_WAYS };

/* What moves in one direction. */
struct flow {
    struct pipe *pipe; /* while it moves much; NULL: through the shared buffer */
    uint32_t arriving; /* bytes in the pipe that is on its way from another worker */
    uint8_t streak;    /* large reads in a row; with a pipe: small ones */
    bool has_ended;    /* the source has; the target is told when the pipe is empty */
};

struct pair {
    struct search *search;         /* CONNECTING */
    struct prong_socket *upstream; /* OPEN */
    struct upstream *place;        /* there: OPEN */
    struct flow flows[PAIR_WAYS];
    uint32_t upstream_number;  /* the last one: for the access log */
    uint32_t connect_ms;       /* how long it took until it was connected */
    uint64_t upstream_written; /* as of the last time the client was idle */
    enum pair_state state;
};

/* Of one server in one worker. */
struct proxy {
    struct upstreams *upstreams;
    struct searches *searches;
    struct pipes *pipes;
    uint8_t *buffer; /* what every flow reads to; nothing stays there */
};

static inline struct pair *pair_of(struct prong_socket *client)
{
    return prongd_state(client);
}

static inline struct proxy *proxy_of(struct prong_socket *client)
{
    return prongd_service_user(prongd_service(client));
}

/* The only place that changes the state. */
void pair_enter(struct pair *pair, enum pair_state state);

/* Connected, or from another worker: bytes that arrive there go to this client from now on. */
void pair_join(struct prong_socket *client, struct prong_socket *upstream);

#endif
