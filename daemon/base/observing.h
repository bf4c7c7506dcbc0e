/* SPDX-License-Identifier: MIT
 *
 * What the observer inherits over the fork.
 *
 * The observer is the process that answers HTTP on metrics_listen.  It knows what the master sends
 * it, and has nothing else of the service: no client, no server's handle, no rights.
 */
#ifndef PRONGD_OBSERVING_H
#define PRONGD_OBSERVING_H

#include <stdbool.h>
#include <stddef.h>

#include "privileges.h"

struct observing {
    int channel_fd;  /* to the master; given */
    int *listen_fds; /* given, malloc'ed */
    size_t listen_count;
    bool changes_identity;
    struct privileges identity; /* whom it becomes, when it does */
};

/* Called in the child with every signal blocked; never returns. */
typedef void observer_entry(struct observing *observing);

#endif
