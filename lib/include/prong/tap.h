/* SPDX-License-Identifier: MIT
 *
 * A tap: somebody looks on at the bytes of one connection as they are read from the kernel and as
 * the kernel takes them.  For debugging; a socket without one pays a test of one bit.
 *
 * The callbacks are an exception to the rule that nothing is called from inside a call of the
 * program: they are called in the middle of reading and writing.  So they only look and copy: of
 * all functions they may call those that read the socket's state, and prong_socket_set_tap().
 */
#ifndef PRONG_TAP_H
#define PRONG_TAP_H

#include <prong/api.h>
#include <stdbool.h>
#include <stddef.h>

PRONG_BEGIN

struct prong_socket;

/* What a tap is told; each member may be NULL.  `user` is that of prong_socket_set_tap(). */
struct prong_tap {
    /* Bytes that were read, before anybody else sees them; borrowed for the call.  Those that come
     * again after prong_socket_unread() are told once. */
    void (*on_input)(struct prong_socket *socket, const void *bytes, size_t size, void *user);

    /* Bytes that the kernel took, in their order, perhaps in several pieces; borrowed. */
    void (*on_output)(struct prong_socket *socket, const void *bytes, size_t size, void *user);

    /* So many went through a pipe(2) of splice.h, and nobody has seen them. */
    void (*on_unseen_input)(struct prong_socket *socket, size_t size, void *user);
    void (*on_unseen_output)(struct prong_socket *socket, size_t size, void *user);

    /* The connection is closed, or was detached (`moved`): a tap does not travel.  Once, and the
     * last; not after prong_socket_set_tap(). */
    void (*on_end)(struct prong_socket *socket, bool moved, void *user);
};

/* Begins, or with NULL ends, to tell the bytes of this connection.  Another tap is replaced without
 * a word.  Borrows `tap` until then or until on_end.
 * 0; PRONG_EDESTROYED when the socket is not connected; -ENOMEM.  NULL never fails. */
PRONG_API int prong_socket_set_tap(struct prong_socket *socket, const struct prong_tap *tap,
                                   void *user);

/* Is there a tap? */
PRONG_API bool prong_socket_is_tapped(const struct prong_socket *socket);

PRONG_END

#endif
