/* SPDX-License-Identifier: MIT
 *
 * A roster: the connections of one worker at about one moment, as bytes in a memfd.
 *
 * The worker writes it little by little, passes the descriptor to the master, which passes it on
 * to prongctl over the control socket: the master never looks into it.  prongctl reads it, filters,
 * sorts and prints.  The format, in the machine's own byte order, is
 *
 *     struct roster_head
 *     server_count times struct roster_server
 *     at head_size: row_count rows of row_size bytes, each beginning with a struct roster_row
 *
 * A keeper writes one, too: the connections are those of its programs.
 *
 * A version that adds members at the end of head or row raises the sizes and stays readable; one
 * that changes the meaning of a member raises ROSTER_VERSION.
 */
#ifndef PRONGD_ROSTER_H
#define PRONGD_ROSTER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ROSTER_MAGIC   "PRONGROS"
#define ROSTER_VERSION 1

/* What is read at most: about eight million connections of one worker. */
#define ROSTER_SIZE_MAX (UINT64_C(1) << 30)

/* How a connection does. */
enum roster_state {
    ROSTER_OPEN,
    ROSTER_PAUSED,    /* its handler does not read at the moment */
    ROSTER_BLOCKED,   /* somebody, its client or an upstream, does not take what is written */
    ROSTER_HALF_OPEN, /* the client has ended, its handler has not */
    ROSTER_ENDING,    /* its handler has ended, the client has not */
    ROSTER_DRAINING,  /* its worker waits for its end */
    ROSTER_RUNNING,   /* a program has it */
    ROSTER_STATES
};

#define ROSTER_IDLE_UNKNOWN UINT32_MAX
#define ROSTER_TEXT_SIZE    60

/* The slot of a keeper, which has none. */
#define ROSTER_KEEPER UINT32_MAX

struct roster_head {
    char magic[8];
    uint32_t version;
    uint32_t head_size; /* of the head with its servers: where rows begin */
    uint32_t row_size;
    uint32_t server_count;
    uint64_t row_count;
    uint64_t generation; /* of the worker, as the next two; 0 of a keeper */
    uint32_t slot;       /* ROSTER_KEEPER */
    uint32_t pid;
};

struct roster_server {
    char name[64]; /* ends with a NUL */
};

struct roster_row {
    uint64_t id;
    uint64_t bytes_read;
    uint64_t bytes_written;
    uint64_t queued;  /* bytes that wait to be sent */
    uint32_t age_ds;  /* tenths of a second */
    uint32_t idle_ms; /* since bytes came or went; ROSTER_IDLE_UNKNOWN */
    uint32_t scope;   /* of the peer's address, as the next three */
    uint16_t port;
    uint8_t family; /* AF_UNIX: it has no address */
    uint8_t state;  /* enum roster_state */
    uint8_t ip[16];
    uint16_t server; /* index */
    uint16_t moves;
    char text[ROSTER_TEXT_SIZE]; /* what the handler says; ends with a NUL */
    uint64_t queued_upstream;    /* of `queued`: for companions, as a relay's upstream */

    /* In a keeper's roster, of a program; nobody counts the bytes of such a connection: they are 0.
     */
    uint64_t cpu_ms; /* that the program itself has used */
    uint32_t pid;    /* 0: it waits for its turn, and none runs yet */
    uint32_t unused; /* 0 */
};

/* A roster that was read.  The bytes are borrowed. */
struct roster {
    struct roster_head head;
    const uint8_t *bytes;
};

/* The whole file, malloc'ed, to be freed also after an error.  A worker may go on writing into it,
 * or cut it: a mapping would be dangerous.  0 or a negative code. */
int roster_read_file(int fd, void **bytes, size_t *size);

/* Are the bytes, which a worker may have spoiled, a roster that can be read?  0; -EPROTO: they are
 * none; -EPROTONOSUPPORT: of another version. */
int roster_read(struct roster *roster, const void *bytes, size_t size);

/* A copy of row `index`, of which there are head.row_count; its numbers are in their bounds, its
 * text ends. */
struct roster_row roster_row(const struct roster *roster, uint64_t index);

/* The peer's address with its port, or "unix"; `text` has room for PRONG_ADDRESS_TEXT_SIZE. */
const char *roster_peer(const struct roster_row *row, char *text, size_t size);

/* The name of a server, which is ended with a NUL in `name`. */
const char *roster_server_name(const struct roster *roster, unsigned server,
                               struct roster_server *name);

/* "open", "paused" … */
const char *roster_state_name(enum roster_state state);

/* False: there is no such state. */
bool roster_find_state(const char *name, enum roster_state *state);

#endif
