/* SPDX-License-Identifier: MIT
 *
 * Telling a tap.  To be called only when the socket's bit `tapped` is set.
 */
#ifndef PRONG_TAP_INTERNAL_H
#define PRONG_TAP_INTERNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/uio.h>

struct prong_socket;

void tap_input(struct prong_socket *socket, const void *bytes, size_t size);

/* The kernel took the first `size` bytes of the pieces. */
void tap_output(struct prong_socket *socket, const struct iovec *pieces, size_t size);

void tap_unseen_input(struct prong_socket *socket, size_t size);
void tap_unseen_output(struct prong_socket *socket, size_t size);

/* The connection is gone from here. */
void tap_end(struct prong_socket *socket, bool moved);

#endif
