/* SPDX-License-Identifier: MIT
 *
 * A pace: how much one connection may have in a second; bytes, requests, whatever is counted.
 *
 * A bucket of a tenth of a second's units, which fills as time goes by.  Whoever finds it empty
 * waits for a timer; a connection that is idle has none running.  A connection without a limit has
 * no pace at all: NULL, which every function accepts.
 *
 *     if (prongd_pace_room(pace) == 0) {
 *         prong_socket_pause(socket);
 *         prong_socket_unread(socket, rest, size);
 *         prongd_pace_wait(pace); // on_ready resumes
 *         return;
 *     }
 *     prongd_pace_spend(pace, 1);
 */
#ifndef PRONGD_PACE_H
#define PRONGD_PACE_H

#include <prongd/service.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

PRONG_BEGIN

struct prongd_pace;

/* The most that a second may allow. */
#define PRONGD_PACE_MOST (UINT64_C(1) << 40)

typedef void prongd_pace_ready(struct prong_socket *socket);

/* With a full bucket.  Borrows the socket, which outlives it: free it in on_close and on_leave.
 * NULL when `per_second` is 0, and when memory is short (errno ENOMEM). */
PRONGD_API struct prongd_pace *prongd_pace_new(struct prong_socket *socket, uint64_t per_second,
                                               prongd_pace_ready *on_ready);

/* The units that may be spent now; without a limit SIZE_MAX. */
PRONGD_API size_t prongd_pace_room(struct prongd_pace *pace);

/* So many were spent; more than there was room for are a debt that must be paid before there is
 * room again. */
PRONGD_API void prongd_pace_spend(struct prongd_pace *pace, size_t units);

/* on_ready follows once, when the bucket is full again; never from inside the call. */
PRONGD_API void prongd_pace_wait(struct prongd_pace *pace);

/* Is on_ready still to come? */
PRONGD_API bool prongd_pace_waits(const struct prongd_pace *pace);

/* What is left in the bucket, for another worker: a handler's save.  The bytes it takes, 0 without
 * a pace; nothing is written when there is less room. */
PRONGD_API long prongd_pace_save(const struct prongd_pace *pace, void *bytes, size_t size);

/* The inverse, for a new one that may have another limit, or none.  0, or -EPROTO for what was
 * never saved. */
PRONGD_API int prongd_pace_restore(struct prongd_pace *pace, const void *bytes, size_t size);

/* Accepts NULL.  No on_ready follows. */
PRONGD_API void prongd_pace_free(struct prongd_pace *pace);

PRONG_END

#endif
