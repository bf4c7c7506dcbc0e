/* SPDX-License-Identifier: MIT
 *
 * The listening handles: opened once, shared by every generation that wants the same address.
 *
 * Only the master opens and closes them, so that no worker's death loses a connection that waits
 * to be accepted, and no reload gives up a port that it goes on using.  Under systemd its
 * descriptor store (store.h) keeps them from one master to the next; those of its socket units are
 * used as they are, for `listen = systemd:NAME`.
 */
#ifndef PRONGD_LISTENERS_H
#define PRONGD_LISTENERS_H

#include <prong/address.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "socket_file.h"

struct config_server;
struct listeners;

/* Of the handles of one address the first is for all workers, or with `accept = reuseport` each for
 * one (reuseport.h).  After a change to fewer, some are left over:
 *
 *     NEW → SERVING ⇄ RETIRED → CLOSING → closed        NEW, CLOSING → RETIRED, SERVING
 */
enum listener_state {
    LISTENER_NEW,     /* opened for a generation that does not serve yet */
    LISTENER_SERVING, /* clients are led to it */
    LISTENER_RETIRED, /* none are; who was led to it before is accepted */
    LISTENER_CLOSING  /* nobody is left in its queue: the workers close it, then the master */
};

/* One handle.  Read only, but for listeners.c. */
struct listener {
    struct listener *next;
    unsigned references;
    enum listener_state state;
    double since;                 /* clock_s(): it is in its state */
    int fd;                       /* -1: given to a worker, in the child */
    struct prong_address address; /* the real one: port 0 resolved */

    /* What it was opened for: the address as configured, and for port 0 also which of the
     * equal addresses of which server, so that each keeps its own port. */
    struct prong_address wanted;
    char *server;
    unsigned ordinal;
    unsigned nth; /* of those for one address; the kernel counts them alike */

    struct socket_file file; /* of a unix socket */

    char *given;  /* its name, when systemd opened it: then it is never closed; NULL: we did */
    char *stored; /* its name in the descriptor store; NULL: it is not there */
};

/* NULL with errno ENOMEM. */
struct listeners *listeners_new(void);

/* How many equal addresses of the same server stand before this one. */
unsigned listeners_ordinal(const struct config_server *server, size_t index);

/* The `nth` handle for the server's address number `index`, not taken; NULL: it is not open. */
struct listener *listeners_find(const struct listeners *listeners,
                                const struct config_server *server, size_t index, unsigned nth);

/* May there be several for its address?  A unix socket has no groups, and those of systemd are as
 * many as they are. */
bool listener_can_be_multiplied(const struct listener *listener);

/* Has the server's address number `index` a handle for each worker? */
bool listeners_is_multiplied(const struct config_server *server, size_t index);

/* How many handles the server's address number `index` has with so many workers: those that are
 * open, retired ones too, but at least 1, or one for each worker. */
unsigned listeners_count(const struct listeners *listeners, const struct config_server *server,
                         size_t index, unsigned workers);

/* The `nth` handle for the server's address number `index`: the one that is open already, or a new
 * one.  Release it once for each time it was taken.  NULL with one sentence in `problem`. */
struct listener *listeners_take(struct listeners *listeners, const struct config_server *server,
                                size_t index, unsigned nth, char *problem, size_t size);

/* The only place that changes the state. */
void listener_enter(struct listener *listener, enum listener_state state);

/* The last release closes the handle, drops it from the store, and unlinks its unix socket's file
 * if that is still ours. */
void listeners_release(struct listeners *listeners, struct listener *listener);

/* While `keeps`, what is in the store stays there with its file: at the end the next master needs
 * it, as it does when the start fails.  So it is in the beginning. */
void listeners_keep(struct listeners *listeners, bool keeps);

/* What a handle of the program before this one was opened for.  All of it is borrowed. */
struct listener_origin {
    const struct prong_address *wanted;
    const char *server;
    unsigned ordinal;
    unsigned nth;
    enum listener_state state;
    const char *stored; /* its name in the store; NULL: it is not there */
};

/* Takes `fd` in every case; nobody has taken it yet.  0 or a negative code. */
int listeners_adopt(struct listeners *listeners, int fd, const struct listener_origin *origin);

/* A handle of a socket unit, which gave it this name: is never closed, its file never unlinked;
 * otherwise the same. */
int listeners_adopt_given(struct listeners *listeners, int fd, const char *name);

/* One more reference to the handle with this descriptor; NULL: there is none. */
struct listener *listeners_take_fd(struct listeners *listeners, int fd);

/* All of them, one after the other; begin with NULL.  NULL at the end. */
struct listener *listeners_next(const struct listeners *listeners, const struct listener *listener);

/* Whom a server's unix sockets belong to; (uid_t)-1 and (gid_t)-1 where nothing is configured.
 * 0, or -ENOENT with one sentence in `problem`. */
int listeners_find_owner(const struct config_server *server, uid_t *owner, gid_t *group,
                         char *problem, size_t size);

/* Accepts NULL.  Closes what is open, but unlinks nothing: also for a child. */
void listeners_free(struct listeners *listeners);

#endif
