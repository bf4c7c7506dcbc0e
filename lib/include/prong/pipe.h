/* SPDX-License-Identifier: MIT
 *
 * Pipes: what one socket reads, another one writes.
 */
#ifndef PRONG_PIPE_H
#define PRONG_PIPE_H

#include <prong/api.h>

PRONG_BEGIN

struct prong_socket;

/* From now on the bytes of `source` go to `target` instead of its on_data or on_read; all other
 * events of both come as before.  One direction; for both call it twice, with half-open allowed on
 * both sockets, so that one direction may go on after the other has ended.
 *
 *  - Back-pressure: the source is paused while the target's queue is at its high-water mark, and
 *    resumed when that is empty.  Leave pause() and resume() of a piped source alone.
 *  - End: when the source has ended, the target is ended behind the last byte; that ends the pipe.
 *  - Close: when one of them closes earlier, the other one is destroyed with the same error.
 *  - Detaching one of them ends the pipe and leaves the other one as it is.
 *
 * Both may still be connecting.  Starts reading a paused source.  A socket is the source of at most
 * one pipe and the target of at most one.
 * -EALREADY when it is so already; -EINVAL for sockets of two loops, for a socket and itself, and
 * when the source has ended; -ENOTCONN when the target never began to connect; PRONG_EENDED and
 * PRONG_EDESTROYED when it takes no more, or one of them is closing; -ENOMEM. */
PRONG_API PRONG_CHECK int prong_pipe(struct prong_socket *source, struct prong_socket *target);

/* Ends the pipe whose source this is; both sockets live on, and the source reads on. */
PRONG_API void prong_unpipe(struct prong_socket *source);

PRONG_END

#endif
