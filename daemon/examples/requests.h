/* SPDX-License-Identifier: MIT
 *
 * requests: the lines of the protocol, and the block that follows a set.
 */
#ifndef KV_REQUESTS_H
#define KV_REQUESTS_H

#include <prong/framing.h>
#include <prong/socket.h>
#include <stdint.h>

#include "store.h"

/* The handler's counters. */
enum { REQUESTS, PACED, ERRORS };

/* A set whose block is still to come.  A connection's state begins with it, and all of it is saved
 * when the connection moves. */
struct block {
    uint64_t size;    /* of the value */
    uint64_t skipped; /* bytes to be dropped: it is too long */
    uint32_t flags;
    uint32_t expiry_s;
    uint8_t is_expected;
    uint8_t is_quiet;
    uint8_t key_size;
    char key[STORE_KEY_MOST];
};

/* Serves a line; after one of set the block says what is to follow. */
void requests_serve_line(struct prong_socket *socket, const struct prong_bytes *line);

/* The block of a set, with the end of its line. */
void requests_finish_set(struct prong_socket *socket, const struct prong_bytes *data);

/* Counts an error, and answers it. */
void requests_refuse(struct prong_socket *socket, const char *text);

#endif
