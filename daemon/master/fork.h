/* SPDX-License-Identifier: MIT
 *
 * From the master to a worker: a process with a channel, and nothing else of the master.
 */
#ifndef PRONGD_FORK_H
#define PRONGD_FORK_H

#include "ipc.h"

struct slot;

/* Starts the worker of a slot, which has its pid and its channel then.  0 or a negative code. */
int fork_worker(struct slot *slot, const struct ipc_events *events);

#endif
