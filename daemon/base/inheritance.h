/* SPDX-License-Identifier: MIT
 *
 * What a worker inherits over the fork.
 *
 * The master fills it in between fork() and the worker's main function, which takes all of it;
 * nothing else of the master is left in the child.
 */
#ifndef PRONGD_INHERITANCE_H
#define PRONGD_INHERITANCE_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "privileges.h"

struct config;
struct scoreboard;

/* Who accepts from a listening handle, when it is not the worker of one slot. */
#define INHERITED_BY_ALL    UINT_MAX
#define INHERITED_BY_NOBODY (UINT_MAX - 1) /* left over: it is only emptied */

struct inherited_listener {
    unsigned server; /* index into the configuration's servers */
    unsigned owner;  /* a slot, or one of the above */
    int fd;          /* given */
};

/* What the workers of a server share in memory; -1: nothing of the kind.  Given. */
struct inherited_common {
    int ring_fd;   /* of its broadcasts */
    int wake_fd;   /* an eventfd: there is news in the ring */
    int region_fd; /* the handler's own memory */
};

struct inheritance {
    struct config *config;         /* given */
    struct scoreboard *scoreboard; /* given */
    uint64_t generation;
    unsigned slot;
    unsigned slots;                   /* of the generation */
    int channel_fd;                   /* to the master; given */
    int *nudge_fds;                   /* an eventfd for each slot; given, malloc'ed */
    int *keeper_fds;                  /* for each server: to its keeper, or -1; given, malloc'ed */
    struct inherited_common *commons; /* one for each server; given, malloc'ed */
    bool changes_identity;
    struct privileges identity;           /* whom it becomes, when it does */
    struct inherited_listener *listeners; /* given, malloc'ed */
    size_t listener_count;
    int *access_fds; /* the access log of each server, or -1; given, malloc'ed */
};

/* Called in the child with every signal blocked; never returns. */
typedef void worker_entry(struct inheritance *inheritance);

#endif
