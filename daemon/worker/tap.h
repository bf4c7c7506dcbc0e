/* SPDX-License-Identifier: MIT
 *
 * Taps: an operator looks at the bytes of single connections (base/tap_stream.h).
 *
 * The worker never waits for whoever reads: what does not fit into the pipe is counted and left
 * out.
 */
#ifndef PRONGD_TAP_H
#define PRONGD_TAP_H

#include <stddef.h>

struct message_tap;
struct tap;
struct worker;

/* Those that run at the same time in one worker. */
#define TAPS_MAX 8

/* Zeroed. */
struct taps {
    struct tap *first;
    size_t count;
};

/* Looks for the connection and begins.  Takes `fd`, the writing end of a pipe.  MESSAGE_TOLD with
 * the ticket follows, and the number when the connection is here; its error is -EBUSY when the
 * connection is tapped already, or too many are. */
void tap_start(struct worker *worker, const struct message_tap *order, int fd);

/* Ends all of them. */
void tap_stop_all(struct taps *taps);

#endif
