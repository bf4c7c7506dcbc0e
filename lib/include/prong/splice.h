/* SPDX-License-Identifier: MIT
 *
 * Splicing: bytes go from a socket into a pipe(2), and from a pipe to a socket, without ever being
 * copied to the program.  For relays that move much; what is small is cheaper with on_data.
 *
 * The pipe is the program's own: it makes it, counts what is in it, and closes it.  The events are
 * on_readable and on_writable.  A program that splices to a socket ignores SIGPIPE: splice(2) has
 * no MSG_NOSIGNAL.
 */
#ifndef PRONG_SPLICE_H
#define PRONG_SPLICE_H

#include <prong/api.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

PRONG_BEGIN

struct prong_socket;

/* From now on the library does not read, and on_readable comes instead of on_data, on_read or a
 * prong_pipe(), as long as something is there to be read and the socket is not paused.  Bytes that
 * were given back with prong_socket_unread() still go to on_data, and first.  false: it reads
 * again.  May be changed at any time; a socket that is detached and attached again reads. */
PRONG_API void prong_socket_set_manual_reading(struct prong_socket *socket, bool enabled);
PRONG_API bool prong_socket_manual_reading(const struct prong_socket *socket);

/* Moves at most `most` bytes that have arrived into a pipe.  Counts them as read.
 * How many they are; 0: the peer has ended, and on_end follows.  -EAGAIN: nothing is there, `most`
 * is 0, or the pipe has no room: it may be full with few bytes.  PRONG_EDESTROYED when it is not
 * connected. Other codes are errors of the connection: on_error and on_close follow. */
PRONG_API ssize_t prong_socket_splice_in(struct prong_socket *socket, int pipe_fd, size_t most);

/* Moves `size` bytes, at least one, all of which are in the pipe, to the peer.  Counts them as
 * written.
 * How many the kernel took; -EAGAIN: none, or earlier writes are still queued.  When it is less
 * than `size`, on_writable follows, once, when there is room.  PRONG_EENDED after end(),
 * PRONG_EDESTROYED when it is not connected.  Other codes are errors of the connection: on_error
 * and on_close follow. */
PRONG_API ssize_t prong_socket_splice_out(struct prong_socket *socket, int pipe_fd, size_t size);

PRONG_END

#endif
