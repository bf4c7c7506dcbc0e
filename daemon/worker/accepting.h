/* SPDX-License-Identifier: MIT
 *
 * How a service accepts: which of its handles this worker watches, and who decides about that.
 *
 * A handle for all workers is the gate's (gate.h), or with `accept = shared` watched plainly; of
 * those of single workers (`accept = reuseport`) its own is watched plainly, the others are the
 * warden's (warden.h).
 */
#ifndef PRONGD_ACCEPTING_H
#define PRONGD_ACCEPTING_H

#include <stdint.h>

struct service;

/* Accepts from now on.  A service does not accept before. */
void accepting_begin(struct service *service);

/* The load on other workers may have changed. */
void accepting_reconsider(struct service *service);

/* Accepts nobody, but stays open for connections that come back from a handoff. */
void accepting_end(struct service *service);

/* Closes the handle with this inode number, if it is nobody's and here. */
void accepting_close_handle(struct service *service, uint64_t inode);

#endif
