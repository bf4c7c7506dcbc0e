/* SPDX-License-Identifier: MIT
 *
 * Limits of a handler's own over all workers: what <prongd/service.h> says of prongd_limit_….
 */
#ifndef PRONGD_LIMIT_H
#define PRONGD_LIMIT_H

struct prong_socket;
struct prongd_handler;
struct share;

/* The share that the handler has taken for this connection, which moves: NULL: none. */
struct share *limit_share_of(const struct prongd_handler *handler, struct prong_socket *socket);

#endif
