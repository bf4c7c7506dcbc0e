/* SPDX-License-Identifier: MIT
 *
 * Bytes that the kernel did not take yet.  Exists only while there are some.
 */
#ifndef PRONG_WRITE_QUEUE_H
#define PRONG_WRITE_QUEUE_H

#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

/* Pieces in one gathered write. */
#define WRITE_QUEUE_PIECES 64

struct write_queue;

/* Copies `pieces` without their first `skip` bytes; makes the queue when `*queue` is NULL.
 * 0 or -ENOMEM: then nothing was added. */
int write_queue_add(struct write_queue **queue, const struct iovec *pieces, int count, size_t skip);

/* The same for one piece, without a copy: borrows `bytes` until they are sent or discarded. */
int write_queue_borrow(struct write_queue **queue, const uint8_t *bytes, size_t size);

/* Bytes in it; 0 for NULL. */
size_t write_queue_bytes(const struct write_queue *queue);

/* The first bytes of a queue that is not empty, for one gathered write; how many pieces there are.
 * They stay where they are. */
int write_queue_pieces(const struct write_queue *queue, struct iovec pieces[WRITE_QUEUE_PIECES]);

/* The kernel took so many: they are gone from the queue, which is freed when it is empty. */
void write_queue_drop(struct write_queue **queue, size_t size);

/* All bytes as one malloc'ed piece; NULL and errno ENOMEM.  The queue must not be empty, and
 * stays as it is. */
uint8_t *write_queue_copy(const struct write_queue *queue);

/* Discards everything.  Accepts an empty one. */
void write_queue_free(struct write_queue **queue);

#endif
