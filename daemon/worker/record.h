/* SPDX-License-Identifier: MIT
 *
 * A record: one live connection on its way to another worker, as bytes.
 *
 * What the library knows of the socket, what the worker knows of the connection, and what the
 * handler saved.  It is versioned, every length in it is checked, and a reader trusts none.
 */
#ifndef PRONGD_RECORD_H
#define PRONGD_RECORD_H

#include <prong/socket.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "quota.h"

#define RECORD_VERSION 1

struct record {
    uint64_t id;
    uint32_t opened_ds; /* as in struct connection */
    uint32_t moves;     /* with this one */
    uint32_t state_version;
    char server[64]; /* the section's name */
    char handler[64];
    uint8_t *state; /* what the handler saved; NULL: nothing */
    size_t state_size;
    struct prong_socket_image image;

    /* What it holds of the limits at its giver (quota.h); does not travel. */
    struct share *shares[QUOTAS];
    bool is_counted;
};

/* Closes the descriptor, frees the bytes and gives its shares back. */
void record_clear(struct record *record);

/* How many bytes it takes. */
size_t record_size(const struct record *record);

/* The record as malloc'ed bytes, given; the descriptor stays with the record.  NULL and errno
 * ENOMEM. */
uint8_t *record_encode(const struct record *record, size_t *size);

/* Takes `fd` on success.  0; -EPROTO for an unknown version or anything that does not fit;
 * -ENOMEM. */
int record_decode(struct record *record, const uint8_t *bytes, size_t size, int fd);

#endif
