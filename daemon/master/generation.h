/* SPDX-License-Identifier: MIT
 *
 * A generation: everything that was started from one configuration.
 *
 * Several live side by side while old ones drain; each has its own configuration, slots and
 * references to the listening handles.
 */
#ifndef PRONGD_GENERATION_H
#define PRONGD_GENERATION_H

#include <ev.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "inheritance.h"
#include "privileges.h"

struct common;
struct commons;
struct config;
struct keepers;
struct listener;
struct listeners;
struct scoreboard;
struct slot;

/*  STARTING → SERVING → DRAINING → STOPPING → freed       STARTING, SERVING → STOPPING */
enum generation_state {
    GENERATION_STARTING, /* not all of its workers were ready yet */
    GENERATION_SERVING,  /* a dead worker is replaced */
    GENERATION_DRAINING, /* its connections may finish, for a while */
    GENERATION_STOPPING  /* its workers were told to end now */
};

struct generation_listener {
    unsigned server; /* index into config->servers */
    struct listener *listener;
};

struct generation {
    struct generation *next; /* in the list */
    uint64_t number;
    enum generation_state state;
    struct config *config;         /* NULL: given to a worker, in the child */
    struct listeners *registry;    /* borrowed */
    struct scoreboard *scoreboard; /* borrowed */
    struct commons *shared;        /* borrowed */
    struct common **commons;       /* of each server what its workers share, or NULL */
    struct generation_listener *listeners;
    size_t listener_count;
    bool changes_identity; /* only root can */
    struct privileges identity;
    struct slot *slots;
    unsigned slot_count;
    int *access_fds;     /* the access log of each server, or -1 */
    int *keeper_fds;     /* for each server: a copy of the workers' end to its keeper, or -1 */
    int *nudge_fds;      /* an eventfd for each slot: its worker may be wanted */
    bool accepts;        /* its workers were told to begin */
    bool is_on_trial;    /* only its first worker was started, and serves beside others */
    bool sleeps;         /* its workers were told to end, and none takes their places */
    bool is_fixed;       /* this program has not every handler of it: no worker can be started */
    ev_timer conclusion; /* its last worker is gone: says so from the loop */
};

/* Those that are alive, the oldest first. */
struct generation_list {
    struct generation *first;
};

void generation_list_append(struct generation_list *list, struct generation *generation);
void generation_list_remove(struct generation_list *list, struct generation *generation);

/* The one that accepts: the newest that is neither draining nor stopping.  NULL: none. */
struct generation *generation_list_current(const struct generation_list *list);

/* Whose worker is this?  NULL: nobody's. */
struct slot *generation_list_find_slot(const struct generation_list *list, pid_t pid);

/* What a generation is made of. */
struct generation_plan {
    uint64_t number;
    struct config *config; /* taken in every case; the rest is borrowed */
    unsigned workers;      /* 0: as the configuration says */
    struct listeners *registry;
    struct keepers *keepers;
    struct commons *shared;
    struct scoreboard *scoreboard;
};

/* Prepares everything that can fail before a worker is started: whom workers become, the listening
 * handles, room on the scoreboard.  NULL with one line in `problem`. */
struct generation *generation_new(const struct generation_plan *plan, char *problem, size_t size);

/* One of the program before this one, with empty slots: its workers live on.  NULL when memory is
 * short or the scoreboard does not know it. */
struct generation *generation_adopt(const struct generation_plan *plan, enum generation_state state,
                                    bool accepts);

/* Takes the handle with this descriptor for a server.  0 or -ENOENT. */
int generation_adopt_listener(struct generation *generation, unsigned server, int fd);

/* Whom the workers of this configuration become, and whom its unix sockets belong to, if anybody.
 * 0, or a negative code with one line in `problem`. */
int generation_find_identity(const struct config *config, bool *changes,
                             struct privileges *identity, char *problem, size_t size);

/* The only place that changes the state. */
void generation_enter(struct generation *generation, enum generation_state state);

/* How many slots have a living worker. */
unsigned generation_workers(const struct generation *generation);

/* Whose worker accepts from the handle: a slot's, or INHERITED_BY_ALL or _NOBODY. */
unsigned generation_owner(const struct generation *generation,
                          const struct generation_listener *entry);

/* Gives the handle number `index` back, which no worker needs any more. */
void generation_forget_listener(struct generation *generation, size_t index);

/* Gives the listening handles back: nothing is accepted any more once the workers, too, have
 * closed theirs. */
void generation_release_listeners(struct generation *generation);

/* In the child: moves what the slot's worker needs into `inheritance`, out of the generation.
 * 0 or -ENOMEM. */
int generation_bequeath(struct generation *generation, unsigned slot,
                        struct inheritance *inheritance);

/* Accepts NULL.  No worker may be left; gives handles and scoreboard room back. */
void generation_free(struct generation *generation);

/* In the child: closes the channels and frees, with no effect outside this process. */
void generation_abandon(struct generation *generation);

#endif
