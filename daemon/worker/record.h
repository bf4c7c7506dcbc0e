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
#include <prongd/handler.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "broadcast.h"
#include "quota.h"
#include "trail.h"

#define RECORD_VERSION 3

/* The client's descriptor, and those of its companions. */
#define RECORD_FDS_MAX (1 + PRONGD_COMPANIONS_MAX)

/* What moves together with the client: another socket, or a plain descriptor. */
struct record_companion {
    bool is_socket;
    struct prong_socket_image image; /* without a socket: nothing but the descriptor */
};

struct record {
    uint64_t id;
    uint32_t opened_ds; /* as in struct connection */
    uint32_t moves;     /* with this one */
    struct trail trail; /* with this worker as its last step */
    uint32_t state_version;
    char server[64]; /* the section's name */
    char handler[64];
    uint8_t *state; /* what the handler saved; NULL: nothing */
    size_t state_size;
    struct broadcast_place place; /* in the messages of its server */
    struct prong_socket_image image;
    struct record_companion *companions; /* NULL: none */
    size_t companion_count;

    /* What it holds of the limits at its giver (quota.h); does not travel. */
    struct share *shares[QUOTAS];
    bool is_counted;
    struct share *handler_share; /* of the handler's own limit, NULL: none; does not travel */
};

/* What arrived: borrowed bytes, and descriptors. */
struct record_bytes {
    const uint8_t *bytes;
    size_t size;
    const int *fds;
    size_t fd_count;
};

/* Closes the descriptors, frees the bytes and gives its shares back. */
void record_clear(struct record *record);

/* How many bytes it takes. */
size_t record_size(const struct record *record);

/* Its descriptors, the client's first: how many. */
size_t record_fds(const struct record *record, int fds[RECORD_FDS_MAX]);

/* The record as malloc'ed bytes, given; the descriptors stay with the record.  NULL and errno
 * ENOMEM. */
uint8_t *record_encode(const struct record *record, size_t *size);

/* The inverse, with its descriptors in the order of record_fds(); takes them on success only.  0;
 * -EPROTO for an unknown version or anything that does not fit; -EBADF; -ENOMEM. */
int record_decode(struct record *record, const struct record_bytes *bytes);

#endif
