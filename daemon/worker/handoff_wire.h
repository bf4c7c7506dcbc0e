/* SPDX-License-Identifier: MIT
 *
 * What the two ends of a handoff say to each other: batches of records one way, answers the other.
 *
 * One SEQPACKET message each.  A record that is too large for the message rides in it as a sealed
 * memfd.
 */
#ifndef PRONGD_HANDOFF_WIRE_H
#define PRONGD_HANDOFF_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "handoff.h"
#include "record.h"

/* Records up to this many bytes stand in the message itself: sixteen of them stay well below the
 * socket's buffer, above which sendmsg() says EMSGSIZE. */
#define WIRE_INLINE_MAX 8192

/* The largest record at all. */
#define WIRE_RECORD_MAX (256U * 1024 * 1024)

struct wire_batch {
    uint32_t sequence;
    size_t count;
    struct record records[HANDOFF_BATCH];
    int damage[HANDOFF_BATCH]; /* on receipt: 0, or why it could not be read; nothing is in it then
                                */
};

struct wire_answer {
    uint32_t sequence;
    uint32_t room; /* descriptors that the taker has room for */
    size_t count;
    uint8_t status[HANDOFF_BATCH]; /* 0: taken; else an errno */
};

/* 0, or -EMSGSIZE when it is larger than any record may be. */
int wire_check(const struct record *record);

/* 0; -EAGAIN: nothing was sent, try again when it is writable; -EPIPE or -ECONNRESET: the other end
 * is gone; another -errno: something that a memfd takes is short.  All or nothing is sent. */
int wire_send_batch(int fd, const struct wire_batch *batch);
int wire_send_answer(int fd, const struct wire_answer *answer);

/* 1: a batch, 0: the other end is closed, -EAGAIN, -ECONNRESET (read on: what was sent before the
 * other end died is still there), -EPROTO.  A batch that lost descriptors on the way (-EMFILE), or
 * a record that cannot be read (-EBADMSG), is reported as damaged: the giver has its copy. */
int wire_receive_batch(int fd, struct wire_batch *batch);
int wire_receive_answer(int fd, struct wire_answer *answer);

#endif
