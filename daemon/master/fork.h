/* SPDX-License-Identifier: MIT
 *
 * From the master to a child: a process with a channel, and nothing else of the master.
 */
#ifndef PRONGD_FORK_H
#define PRONGD_FORK_H

#include <sys/types.h>

#include "ipc.h"

struct slot;

/* What fork_child() gives: in the master all but channel_fd, in the child only that. */
struct child {
    pid_t pid; /* 0: we are the child, and every signal is blocked */
    struct ipc *ipc;
    int channel_fd;
};

/* Forks, with a channel between the two.  Borrows loop and events.  0 in both processes, or a
 * negative code in the only one. */
int fork_child(struct ev_loop *loop, const struct ipc_events *events, void *user,
               struct child *child);

/* Starts the worker of a slot, which has its pid and its channel then.  0 or a negative code. */
int fork_worker(struct slot *slot, const struct ipc_events *events);

#endif
