/* SPDX-License-Identifier: MIT
 *
 * A tap's stream: what a worker copies of one connection, as records in a pipe.
 *
 * The worker writes, without ever waiting; the master passes the reading end to prongctl and never
 * looks into it.  The format, in the machine's own byte order, is
 *
 *     struct tap_head
 *     records, each a struct tap_record; of INPUT and OUTPUT `size` bytes follow it
 *     a record END, the last one; it is missing when the worker died or the pipe was full
 *
 * A record with its bytes is at most PIPE_BUF long: the kernel takes the whole of it, or nothing.
 * A version that changes the meaning of anything raises TAP_STREAM_VERSION.
 */
#ifndef PRONGD_TAP_STREAM_H
#define PRONGD_TAP_STREAM_H

#include <limits.h>
#include <stddef.h>
#include <stdint.h>

#define TAP_STREAM_MAGIC   "PRONGTAP"
#define TAP_STREAM_VERSION 1

/* AF_INET or AF_INET6; else it has no address. */
struct tap_address {
    uint16_t family;
    uint16_t port;
    uint32_t scope;
    uint8_t ip[16];
};

struct tap_head {
    char magic[8];
    uint32_t version;
    uint32_t head_size; /* of this struct */
    uint64_t connection;
    uint64_t bytes_read; /* before the tap began, as the next */
    uint64_t bytes_written;
    char server[64]; /* ends with a NUL */
    struct tap_address client, local;
};

enum tap_kind {
    TAP_INPUT,  /* bytes from the client */
    TAP_OUTPUT, /* bytes to the client that the kernel took */
    TAP_UNSEEN_INPUT,
    TAP_UNSEEN_OUTPUT, /* so many went past: a relay has the kernel pass them on */
    TAP_DROPPED_INPUT,
    TAP_DROPPED_OUTPUT, /* so many did not fit into the pipe: it was not read fast enough */
    TAP_END,
    TAP_KINDS
};

/* Why a tap ended. */
enum tap_reason { TAP_CLOSED, TAP_MOVED, TAP_BYTES, TAP_TIME, TAP_WORKER, TAP_REASONS };

struct tap_record {
    uint64_t time_us; /* since 1970 */
    uint64_t size;
    uint32_t kind;   /* enum tap_kind */
    uint32_t reason; /* of TAP_END: enum tap_reason; else 0 */
};

#define TAP_DATA_MAX (PIPE_BUF - sizeof(struct tap_record))

/* The head, of which the name is ended; the bytes may be anybody's.  How many bytes it takes; 0:
 * more are needed; -EPROTO: they are none; -EPROTONOSUPPORT: of another version. */
long tap_stream_head(struct tap_head *head, const void *bytes, size_t size);

/* The record at the beginning of `bytes`, whose kind, reason and size are in their bounds; where it
 * has bytes, they follow the struct.  The same results. */
long tap_stream_record(struct tap_record *record, const void *bytes, size_t size);

#endif
