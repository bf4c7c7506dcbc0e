/* SPDX-License-Identifier: MIT
 *
 * A ring: messages from any process to all processes that share its memory.
 *
 * A memfd of fixed size: a header, an index with an entry for each message, and the bytes. Messages
 * are numbered from 1 on; the newest overwrite the oldest.  A position is the number of the message
 * that was read last, so it means the same in every process and may travel with a connection.
 *
 * Several publish, one after the other, under a latch: so the order is the same for all who read,
 * and who is killed in the middle of a message leaves nothing behind: the message is not there
 * before its number is, which is written last, and the next one overwrites what was begun.
 *
 * Who reads takes no lock and writes nothing.  The memory model is that of a sequence lock without
 * fences.  `first` is raised above a message before any of its bytes are overwritten, and bytes are
 * stored with release and loaded with acquire; so a reader that has seen one byte of the new
 * message sees that `first` is above the old one, which it looks at when it has all bytes.
 *
 * Nothing in the memory is believed: a module with a wild pointer may have written there.  Every
 * number is checked or cut to size before it is used, each call looks at one message at most, and a
 * message whose checksum is wrong counts as lost.
 */
#ifndef PRONGD_RING_H
#define PRONGD_RING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Of the bytes; a size between powers of two is rounded up. */
#define RING_LEAST (UINT64_C(64) << 10)
#define RING_MOST  (UINT64_C(1) << 30)

/* The longest message that any ring takes; a small one takes a quarter of its bytes. */
#define RING_MESSAGE_MOST ((size_t)64 << 10)

struct ring;

/* The memory of a new one; the caller closes it.  -EINVAL for another size, or -errno. */
int ring_create(uint64_t size);

/* Is it the memory of a ring that this program knows? */
bool ring_is_known(int fd);

/* Maps it.  Takes `fd` in every case.  NULL with errno; EPROTO: it is none, or of another
 * version. */
struct ring *ring_open(int fd);

/* A number that tells it from every other ring; never 0. */
uint64_t ring_identity(const struct ring *ring);

/* The longest message. */
size_t ring_message_most(const struct ring *ring);

/* The number of the newest message; 0: there was none. */
uint64_t ring_last(const struct ring *ring);

/* 0; -EMSGSIZE: longer than ring_message_most(); -EBUSY: another process holds it and does not
 * run. */
int ring_publish(struct ring *ring, const void *bytes, size_t size);

enum ring_result {
    RING_EMPTY,   /* nothing behind the position */
    RING_MESSAGE, /* the next one */
    RING_LOST     /* some were overwritten before they were read */
};

struct ring_message {
    const void *bytes; /* until the next call; never NULL */
    size_t size;
    uint64_t lost; /* how many; 0 but for RING_LOST */
};

/* What comes behind `position`, which moves on. */
enum ring_result ring_read(struct ring *ring, uint64_t *position, struct ring_message *message);

/* Accepts NULL. */
void ring_free(struct ring *ring);

#endif
