/* SPDX-License-Identifier: MIT
 *
 * A service: one [server NAME] section as one worker runs it.
 *
 * All its addresses together: the library's server of each, who is let in, and what the
 * scoreboard says about it.
 */
#ifndef PRONGD_SERVICE_H
#define PRONGD_SERVICE_H

#include <prong/server.h>
#include <prong/socket.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "access_end.h"
#include "drop.h"
#include "module_code.h"
#include "policy.h"

struct access;
struct config_server;
struct prong_loop;
struct scoreboard_server;
struct scoreboard_worker;
struct shares;

struct broadcast;
struct post;
struct region;

struct service {
    const struct config_server *config;
    const struct prongd_handler *handler; /* the configuration's, or the module's own */
    void *handler_config;                 /* NULL: it has none */
    struct module_code code;              /* of a module */
    bool is_started;
    struct post *post;                 /* the worker's; borrowed */
    struct prong_loop *loop;           /* the worker's; borrowed */
    void *user;                        /* the handler's own */
    struct prong_socket_events events; /* the handler's, and what it leaves out */
    struct prong_server **servers;     /* one for each handle */
    unsigned *owners;                  /* of each: a slot, or what inheritance.h says */
    size_t server_count;
    bool accepts;
    struct gate *gate;           /* of the handles of all; NULL: there is none */
    struct warden *warden;       /* of the handles of others; NULL: there is none */
    struct turnstile *turnstile; /* NULL: nobody waits for a place */
    bool has_reserved;           /* a share for the next client: quota_reserve() */
    size_t open;                 /* servers that accept or have connections */
    uint64_t refused;            /* clients that were over the limit */
    struct policy policy;
    bool is_drained;             /* by an operator: new clients are refused */
    struct access *access;       /* NULL: no access log */
    bool has_trail;              /* trail.h */
    struct broadcast *broadcast; /* NULL: its handler hears nothing */
    struct region *region;       /* NULL: its workers share no memory */
    bool is_told;    /* the log says that its handler does not wait, until that is over */
    bool is_bounded; /* pressure.h: all of the worker's services are, or none */

    /* Sums, those of earlier workers of the slot too. */
    uint64_t failed;              /* connections that ended with an error */
    uint64_t drops[DROP_REASONS]; /* clients that were not let in */
    uint64_t shadowed;            /* let in because of `shadow` */
    uint64_t expelled;            /* sent away by `enforce` */
    uint64_t cuts[ACCESS_CUTS];   /* cut off, by reason, from ACCESS_FIRST_CUT on */
    uint64_t access_lost;         /* lines of the access log; of earlier workers only */

    const int *nudge_fds;                  /* an eventfd for each slot; borrowed */
    struct scoreboard_worker *worker_cell; /* ours */
    struct scoreboard_worker *workers;     /* of all slots */
    struct scoreboard_server *cells;       /* of this service, one for each slot */
    uint64_t generation;                   /* the worker's */
    unsigned slot;                         /* ours is cells[slot] */
    unsigned slots;
    struct shares *shares;               /* of everybody, on the scoreboard */
    uint64_t share_owner;                /* our number there */
    uint64_t share_server;               /* and this server's */
    struct items *items;                 /* of everybody, on the scoreboard; NULL: none */
    int items_fd;                        /* where they are; borrowed */
    struct prongd_item *item_list;       /* that the handler has: item.h */
    bool has_own_items;                  /* there was no room for some, which was told */
    bool has_left;                       /* it accepts nobody any more: it uses no item */
    int keeper_fd;                       /* of exec: host.c; borrowed; -1: none */
    int fd_limit;                        /* descriptors from this number on are not for clients */
    struct prong_server_counters before; /* what earlier workers of this slot counted */

    /* The last of its servers is closed and empty. */
    void (*on_closed)(struct service *service, void *user);
    void *on_closed_user;
};

/* How many descriptors this process may have for its connections: its limit, less what a worker
 * needs for itself, for channels to other workers above all.  A worker at its very last descriptor
 * could not even give its connections away. */
size_t service_descriptors(void);

/* A service without addresses.  `cells`: of this service, one for each of the `slots`.  Borrows all
 * of it; the caller sets nudge_fds, workers, loop, post and on_closed; service_load() makes it
 * whole. */
void service_init(struct service *service, const struct config_server *config,
                  struct scoreboard_worker *worker_cell, struct scoreboard_server *cells,
                  unsigned slot, unsigned slots);

/* Accepts from this handle, too, which is `owner`'s.  Takes `fd` in every case.  0 or a negative
 * code. */
int service_adopt(struct service *service, struct prong_loop *loop, int fd, unsigned owner);

/* Stops accepting; on_closed follows when the last connection is gone. */
void service_drain(struct service *service);

/* Stops accepting and destroys every connection; on_closed follows. */
void service_stop(struct service *service);

/* Writes the counters to the scoreboard.  The number of connections. */
uint64_t service_publish(struct service *service);

/* Is it the section of this name, with this handler? */
bool service_serves(const struct service *service, const char *name, const char *handler);

uint64_t service_connections(const struct service *service);

/* A socket of this service that does nothing yet, from another worker.  Takes the image on success.
 * NULL with errno. */
struct prong_socket *service_attach(struct service *service, struct prong_socket_image *image);

/* Calls `visit` for each connection until it returns false. */
void service_each_connection(struct service *service,
                             bool (*visit)(struct prong_socket *socket, void *user), void *user);

/* Harmless on one that was only initialised.  No event follows. */
void service_clear(struct service *service);

#endif
