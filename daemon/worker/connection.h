/* SPDX-License-Identifier: MIT
 *
 * A connection: a socket of the library as the worker sees it.
 *
 * It lives in the socket's own allocation (extra_bytes): first this struct, then the handler's
 * state.
 */
#ifndef PRONGD_CONNECTION_H
#define PRONGD_CONNECTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct prong_socket;
struct record;
struct service;

/*  NEW → ADMITTED → SERVING → DRAINING → CLOSED
 *  NEW → GREETING → ADMITTED
 *                   SERVING → LEAVING → (another worker: NEW → ADMITTED → SERVING)
 *                   ADMITTED, SERVING, DRAINING → LEAVING → (a keeper)
 *
 * NEW is what the library's zeroed bytes say; a client that is refused never leaves it, or
 * GREETING.
 * ADMITTED and SERVING may also be followed by CLOSED, and ADMITTED by LEAVING: it came, and was
 * not wanted. */
enum connection_state {
    CONNECTION_NEW,
    CONNECTION_GREETING, /* a proxy is about to say for whom it connects (greeting.h) */
    CONNECTION_ADMITTED, /* it counts, and the handler learns of it */
    CONNECTION_SERVING,
    CONNECTION_LEAVING,  /* on its way to another process: nothing of it is left here */
    CONNECTION_DRAINING, /* its worker ends with its last connection */
    CONNECTION_CLOSED
};

struct connection {
    uint64_t id;
    uint32_t opened_ds;     /* tenths of a second of CLOCK_MONOTONIC: lasts for 13 years */
    uint16_t moves;         /* how often it changed its worker */
    uint8_t state : 5;      /* enum connection_state */
    uint8_t is_ahead : 1;   /* of its worker, in the messages of the server (ahead.h) */
    uint8_t is_counted : 1; /* it holds shares of the limits of its server (quota.h) */
    uint8_t has_place : 1;  /* while GREETING: it holds that of the whole server */
    uint8_t moved;          /* when it moved last, coarsely; 0: never */
};

/* The numbers of one slot are this far apart: the low bits tell generation and slot, so that
 * workers give numbers without asking each other, and a worker goes on where the one that died in
 * its slot stopped. */
#define CONNECTION_ID_STEP (UINT64_C(1) << 26)

/* The first number of a slot is this plus CONNECTION_ID_STEP.  Ten bits for the slot, sixteen for
 * the generation. */
uint64_t connection_id_base(uint64_t generation, unsigned slot);

/* The bytes to ask of the library for a handler with this much state. */
size_t connection_extra_bytes(size_t state_size);

struct connection *connection_of(struct prong_socket *socket);

/* Since it was let in, over all moves. */
uint64_t connection_age_ms(const struct connection *connection);

/* The unit of opened_ds: tenths of a second of CLOCK_MONOTONIC. */
uint32_t connection_now_ds(void);

/* The only place that changes the state. */
void connection_enter(struct connection *connection, enum connection_state state);

/* It waits for a greeting from now on. */
void connection_greet(struct prong_socket *socket);

/* A client that was let in: gets its number and goes to the handler. */
void connection_open(struct service *service, struct prong_socket *socket);

/* How many descriptors it has: the client's, and those of its companions. */
size_t connection_descriptors(struct prong_socket *socket);

/* May it go to another worker at this moment? */
bool connection_can_move(struct prong_socket *socket);

/* Takes a connection with its companions off this worker that goes to another one, or to a keeper.
 * Gives `record`; the socket is gone without a callback. A negative code: it cannot move, and is
 * untouched. */
int connection_leave(struct prong_socket *socket, struct record *record);

/* Makes a connection of a record; it does nothing before connection_start().  Takes the record's
 * descriptors and bytes on success only.  0 or a negative code. */
int connection_arrive(struct service *service, struct record *record, struct prong_socket **socket);
void connection_start(struct prong_socket *socket);

/* Did it come from another worker in the last minute?  (It may look so, for a minute, an hour
 * later.)
 */
bool connection_moved_lately(const struct connection *connection);

/* One that arrived and did not start is the other worker's after all: here nothing but close()
 * happens to it, and the handler learns of it by on_leave. */
void connection_discard(struct prong_socket *socket);

/* The library is done with it; on_close was called.  Harmless for one that was refused. */
void connection_close(struct prong_socket *socket);

#endif
