/* SPDX-License-Identifier: MIT
 *
 * What the ends of a pipe tell it.  All of it is harmless for a socket without pipes.
 */
#ifndef PRONG_PIPE_INTERNAL_H
#define PRONG_PIPE_INTERNAL_H

#include <stddef.h>

struct prong_socket;

/* The source has read bytes. */
void pipe_feed(struct prong_socket *source, const void *bytes, size_t size);

/* The source's peer has ended. */
void pipe_end(struct prong_socket *source);

/* The target's queue is empty. */
void pipe_drain(struct prong_socket *target);

/* The socket is closing: its pipes end, and so do the sockets at their other ends. */
void pipe_break(struct prong_socket *socket);

/* The socket leaves: its pipes end, and nothing else. */
void pipe_leave(struct prong_socket *socket);

#endif
