/* SPDX-License-Identifier: MIT
 *
 * A pace: how many bytes one connection may move in a second.
 *
 * A bucket of a tenth of a second's bytes, which fills as time goes by.  Whoever finds it empty
 * waits for a timer; a connection that is idle has none running.  A connection without a limit has
 * no pace at all: NULL, which every function accepts.
 */
#ifndef PRONGD_PACE_H
#define PRONGD_PACE_H

#include <stddef.h>
#include <stdint.h>

struct pace;
struct prong_socket;

/* The version of what pace_save() writes. */
#define PACE_VERSION 1

/* The most that a second may allow. */
#define PACE_MOST (UINT64_C(1) << 40)

typedef void pace_ready(struct prong_socket *socket);

/* With a full bucket.  Borrows the socket, which outlives it.  NULL when `bytes_per_second` is 0,
 * and when memory is short (errno ENOMEM). */
struct pace *pace_new(struct prong_socket *socket, uint64_t bytes_per_second, pace_ready *on_ready);

/* The bytes that may be moved now; without a limit SIZE_MAX. */
size_t pace_room(struct pace *pace);

/* So many were moved; not more than there was room for. */
void pace_spend(struct pace *pace, size_t bytes);

/* on_ready follows once, when the bucket is full again; never from inside the call. */
void pace_wait(struct pace *pace);

/* What is left in the bucket, for another worker: a handler's save.  The bytes it takes, 0 without
 * a pace; nothing is written when there is less room. */
long pace_save(const struct pace *pace, void *bytes, size_t size);

/* The inverse, for a new one that may have another limit, or none.  0, or -EPROTO for what was
 * never saved. */
int pace_restore(struct pace *pace, const void *bytes, size_t size);

/* Accepts NULL.  No on_ready follows. */
void pace_free(struct pace *pace);

#endif
