/* SPDX-License-Identifier: MIT
 *
 * The only fork.
 */
#include "fork.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include "generation.h"
#include "slot.h"
#include "supervisor.h"

/* In the child: leaves everything of the master behind and never returns. */
static void become_worker(struct slot *slot, int channel_fd)
{
    struct supervisor *supervisor = slot->supervisor;
    worker_entry *entry = supervisor->entry;
    struct inheritance inheritance;

    if (generation_bequeath(slot->generation, slot->index, &inheritance) < 0)
        _exit(EXIT_FAILURE);
    inheritance.channel_fd = channel_fd;
    supervisor->events->on_child(supervisor->user);
    entry(&inheritance);
    abort(); /* unreachable: a worker_entry never returns */
}

/* Signals wait until the worker has its own handlers. */
int fork_worker(struct slot *slot, const struct ipc_events *events)
{
    sigset_t all, before;
    int fds[2], error;

    error = ipc_pair(fds);
    if (error < 0)
        return error;
    slot->ipc = ipc_new(slot->supervisor->loop, fds[0], events, slot);
    if (slot->ipc == NULL) {
        error = -errno;
        close(fds[1]);
        return error;
    }

    sigfillset(&all);
    sigprocmask(SIG_SETMASK, &all, &before);
    slot->pid = fork();
    if (slot->pid == 0)
        become_worker(slot, fds[1]);
    error = slot->pid < 0 ? -errno : 0;
    sigprocmask(SIG_SETMASK, &before, NULL);

    close(fds[1]);
    if (error < 0) {
        slot->pid = 0;
        ipc_free(slot->ipc);
        slot->ipc = NULL;
    }
    return error;
}
