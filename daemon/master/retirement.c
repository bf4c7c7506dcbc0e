/* SPDX-License-Identifier: MIT
 *
 * Closing handles, the last first: the workers', then the master's.
 */
#include "retirement.h"

#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>

#include "clock.h"
#include "generation.h"
#include "listeners.h"
#include "log.h"
#include "master_internal.h"
#include "message.h"
#include "reuseport.h"
#include "supervisor.h"

/* How long workers have to close theirs: the next look but one. */
#define CLOSING_S 1.0

static bool somebody_waits(const struct listener *listener)
{
    struct pollfd queue = {.fd = listener->fd, .events = POLLIN};

    return poll(&queue, 1, 0) != 0;
}

/* --- The workers' --- */

/* One that the next generation has taken already stays. */
static bool may_close(const struct listener *listener)
{
    return listener->state == LISTENER_RETIRED && listener->references == 1 &&
           clock_s() - listener->since >= reuseport_handshake_s() && !somebody_waits(listener);
}

static bool is_last_of_its_address(const struct generation *generation, size_t index)
{
    return index + 1 == generation->listener_count ||
           generation->listeners[index + 1].listener->nth == 0;
}

/* Those that are forked from now on do not get it.  The reference is given back in finish(). */
static void close_in_workers(struct master *master, struct generation *generation, size_t index)
{
    struct listener *listener = generation->listeners[index].listener;
    struct stat status;
    uint64_t inode;

    if (fstat(listener->fd, &status) < 0)
        return;
    inode = status.st_ino;
    supervisor_tell_all(&master->supervisor, MESSAGE_CLOSE_HANDLE, &inode, sizeof(inode), -1);
    listener_enter(listener, LISTENER_CLOSING);
    (void)listeners_take_fd(master->listeners, listener->fd);
    generation_forget_listener(generation, index);
}

/* --- The master's --- */

static void finish(struct master *master)
{
    struct listener *listener = listeners_next(master->listeners, NULL);

    while (listener != NULL) {
        struct listener *next = listeners_next(master->listeners, listener);

        if (listener->state == LISTENER_CLOSING && listener->references == 1 &&
            clock_s() - listener->since >= CLOSING_S) {
            log_info("listening handle closed: it was left over nth=%u", listener->nth);
            listeners_release(master->listeners, listener);
        }
        listener = next;
    }
}

void retirement_look(struct master *master, struct generation *current)
{
    finish(master);
    for (size_t i = current->listener_count; i-- > 0;) {
        if (is_last_of_its_address(current, i) && may_close(current->listeners[i].listener))
            close_in_workers(master, current, i);
    }
}
