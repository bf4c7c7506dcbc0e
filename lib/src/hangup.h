/* SPDX-License-Identifier: MIT
 *
 * Paused sockets whose peer is gone (R67).
 *
 * libev knows readable and writable only, and a paused socket wants neither.  So a loop has a
 * second epoll set, which libev watches as one descriptor.  It is made for the first socket that
 * needs it, and it asks for EPOLLRDHUP with EPOLLET: bytes that arrive cost nothing.
 *
 * A socket enters when it is still paused after its callbacks have returned, and stays when it
 * reads on: pausing for back-pressure costs one system call in the life of a socket.
 *
 * One whose end was read may be paused, too: then it learns of a reset that follows.
 *
 * A hang-up is a notice here and never an end-of-file: that is what recv(2) says, behind the last
 * byte (R71).
 */
#ifndef PRONG_HANGUP_H
#define PRONG_HANGUP_H

#include "socket_internal.h"

#include <stdbool.h>

struct hangups;

/* Is it paused, and out of the set? */
static inline bool hangup_is_wanted(const struct prong_socket *socket)
{
    return socket->paused && !socket->hangup_watched && socket->started && socket->queue == NULL &&
           socket_is_connected(socket);
}

void hangup_watch(struct prong_socket *socket);

/* Out of the set: before its descriptor is closed or leaves the process.  Costs nothing when it is
 * not in it. */
void hangup_forget(struct prong_socket *socket);

/* Accepts NULL. */
void hangups_free(struct hangups *hangups);

#endif
