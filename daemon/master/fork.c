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

/* Signals wait until the child has its own handlers. */
int fork_child(struct ev_loop *loop, const struct ipc_events *events, void *user,
               struct child *child)
{
    sigset_t all, before;
    int fds[2], error;

    error = ipc_pair(fds);
    if (error < 0)
        return error;
    child->ipc = ipc_new(loop, fds[0], events, user);
    if (child->ipc == NULL) {
        error = -errno;
        close(fds[1]);
        return error;
    }

    sigfillset(&all);
    sigprocmask(SIG_SETMASK, &all, &before);
    child->pid = fork();
    if (child->pid == 0) {
        ipc_free(child->ipc);
        child->ipc = NULL;
        child->channel_fd = fds[1];
        return 0;
    }
    error = child->pid < 0 ? -errno : 0;
    sigprocmask(SIG_SETMASK, &before, NULL);

    close(fds[1]);
    if (error < 0)
        ipc_free(child->ipc);
    return error;
}

int fork_worker(struct slot *slot, const struct ipc_events *events)
{
    struct child child = {0};
    int error = fork_child(slot->supervisor->loop, events, slot, &child);

    if (error < 0)
        return error;
    if (child.pid == 0)
        become_worker(slot, child.channel_fd);
    slot->ipc = child.ipc;
    slot->pid = child.pid;
    return 0;
}
