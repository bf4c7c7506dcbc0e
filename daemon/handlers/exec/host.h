/* SPDX-License-Identifier: MIT
 *
 * What the worker does for exec, beyond <prongd/service.h>.
 */
#ifndef PRONGD_HOST_H
#define PRONGD_HOST_H

struct prong_socket;
struct prongd_service;

/* The descriptor on which the server's keeper takes connections, the worker's own; -1: there is no
 * keeper. */
int host_keeper(const struct prongd_service *service);

/* Gives the connection to the keeper.  It must be one that is served, and nothing of it may have
 * been read.  0: it is gone from this worker, with on_leave as its last callback.  -EAGAIN: the
 * keeper does not take it now; -EBUSY: it is on its way from another worker still; another code: it
 * closes already, or memory is short.  It is untouched then. */
int host_give(struct prong_socket *socket);

#endif
