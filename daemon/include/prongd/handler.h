/* SPDX-License-Identifier: MIT
 *
 * The handler interface: what is done with a connection.
 *
 * A handler is one const struct.  The worker accepts a connection, gives its socket the
 * handler's events and calls on_connection; from there on the handler works with
 * <prong/socket.h> and with the worker's services in <prongd/service.h>.
 *
 * A module is a shared object that exports its handler under the name prongd_module:
 *
 *     static void on_data(struct prong_socket *socket, const void *bytes, size_t size)
 *     {
 *         prong_socket_write(socket, bytes, size);
 *     }
 *
 *     const struct prongd_handler prongd_module = {
 *         PRONGD_HANDLER,
 *         .name = "echo",
 *         .help = "Sends back what arrives.",
 *         .events = {.on_data = on_data},
 *     };
 *
 * Its code runs in workers alone, and in a child of prongd that reads its rows: with the rights of
 * a worker, for a few seconds at most.  The master never loads it.  A worker in which it crashes,
 * exits or never returns is replaced, and its other connections are lost with it; no other worker
 * is touched.  The code of a generation of workers is what the file held when the configuration was
 * loaded: a reload takes the file's new bytes, and a file that is overwritten harms nobody before.
 */
#ifndef PRONGD_HANDLER_H
#define PRONGD_HANDLER_H

#include <prong/socket.h>
#include <prongd/option.h>
#include <prongd/service.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

PRONG_BEGIN

/* Raised when a member changes its meaning; members are only ever added at the end. */
#define PRONGD_HANDLER_ABI 1

/* The most counters that a handler may have. */
#define PRONGD_COUNTERS 16

/* A number that the handler counts up with prongd_count().  prongd adds up what all workers count
 * for a server, those that have died or were replaced included: in `prongctl status`, and as
 * prong_handler_events_total among the metrics.  A reload to code with other counters goes on
 * with those of the same name. */
struct prongd_counter {
    const char *name; /* snake_case, at most 63 bytes: "messages" */
    const char *help; /* one sentence */
};

/* The most figures that a handler may keep of each item, and the most states of an item. */
#define PRONGD_FIGURES     24
#define PRONGD_ITEM_STATES 16

/* What the figure of an item is, and how operators see it. */
enum prongd_figure_kind {
    PRONGD_FIGURE_SUM,    /* it counts up: prongd_item_add() */
    PRONGD_FIGURE_LEVEL,  /* it is as it was set last: prongd_item_set() */
    PRONGD_FIGURE_STATE,  /* its lowest eight bits are a place in `item_states`; the others are the
                           * handler's own */
    PRONGD_FIGURE_MOMENT, /* a moment of CLOCK_MONOTONIC in ms, shown as NAME_s: how many seconds
                           * ago that was; 0: never */
    PRONGD_FIGURE_REASON, /* an error, as a positive errno or as what the negative codes of <prong/
                           * error.h> are without their sign, shown in words; 0: none */
    PRONGD_FIGURE_TAKEN,  /* no figure of its own: what all workers have taken of the limit with the
                           * item's name (prongd_limit_new()) */
    PRONGD_FIGURE_OWN     /* the handler's own affair: nobody is shown it */
};

/* A number that the workers of a server keep together for each item of the handler. */
struct prongd_figure {
    const char *name; /* snake_case, at most 63 bytes: "connects" */
    const char *help; /* one sentence */
    enum prongd_figure_kind kind;
};

/* How an item may be. */
struct prongd_item_state {
    const char *name; /* "up" */
    bool is_well;     /* it does its work; otherwise `prongctl doctor` tells of it */
};

/* Room for socket events, those of later versions too. */
#define PRONGD_EVENTS 24

/* The beginning of every handler: what it was compiled with.  A module that knows only the first
 * members of the structs is served as if the others were zero. */
#define PRONGD_HANDLER                                                \
    .abi = PRONGD_HANDLER_ABI, .size = sizeof(struct prongd_handler), \
    .option_size = sizeof(struct prongd_option)

/* A part of a connection besides its client: see `companions`. */
struct prongd_companion {
    struct prong_socket *socket; /* connected, on the worker's loop; or NULL: */
    int fd;                      /* a plain descriptor */
};

/* The most that one connection may have. */
#define PRONGD_COMPANIONS_MAX 8

/* What a handler keeps of a connection outside of its sockets until somebody takes it: see `held`.
 */
struct prongd_held {
    uint64_t for_client;     /* bytes */
    uint64_t for_companions; /* bytes */
};

struct prongd_handler {
    uint32_t abi;         /* PRONGD_HANDLER_ABI */
    uint32_t size;        /* sizeof(struct prongd_handler) */
    uint32_t option_size; /* sizeof(struct prongd_option) */
    uint32_t reserved;    /* 0 */
    const char *name; /* snake_case, at most 63 bytes; of a built-in one the value of `handler =` */
    const char *version; /* in `prongctl status --json`; NULL: the daemon's */
    const char *help;    /* one sentence */

    /* Its options in the [server NAME] section: rows that fill a struct of config_size
     * zeroed bytes, one for each server that names this handler. */
    const struct prongd_option *options;
    size_t option_count;
    size_t config_size;

    /* Zeroed bytes for each connection, inside the socket's own allocation. */
    size_t state_size;

    /* The socket's events.  on_close is the place to release what the state holds. */
    struct prong_socket_events events;
    void (*reserved_events[PRONGD_EVENTS - sizeof(struct prong_socket_events) / sizeof(void *)])(
        void);

    /* A client is connected; may be NULL.  Writing, destroying and everything else is allowed. */
    void (*on_connection)(struct prong_socket *socket);

    /* --- Moving a live connection to another worker: a reload, an upgrade, an even load. ---
     *
     * The library moves the socket with everything that is unread or unsent, its flags and its
     * idle time; the handler moves its own state.  A handler without state (state_size 0) moves
     * without any of this; one with state and without save cannot move, and its connections
     * stay with the old worker until they end. */

    /* The version of what save writes; raise it when that changes. */
    uint32_t state_version;

    /* Writes the state of this connection: at most `size` bytes.  The bytes it takes (when more
     * than `size`, it is called again with room for them, up to PRONGD_STATE_MAX), or a negative
     * code: this connection stays.  It may call nothing that changes the socket. */
    long (*save)(struct prong_socket *socket, void *bytes, size_t size);

    /* The state is zeroed; takes over what save wrote, perhaps in an older or newer program.  0,
     * or a negative code: the connection goes back to where it came from, where restore takes
     * again what save wrote there a moment ago; were it refused there, too, it would be lost.  The
     * socket does nothing yet: no writing. */
    int (*restore)(struct prong_socket *socket, const void *bytes, size_t size, uint32_t version);

    /* The connection has moved: releases what its state holds, as on_close would have.  The socket
     * is gone already, and no other callback comes here. */
    void (*on_leave)(void *state);

    /* May it move now?  NULL: at any moment.  False: it asks for a message's end first, and is
     * asked again soon, for at most `handoff_timeout`. */
    bool (*can_move)(struct prong_socket *socket);

    /* --- The life of a server in a worker.  All may be NULL. --- */

    /* Once for each server: the rows have filled `config`, which may get more now: a file that is
     * read, a pattern that is compiled.  (Of a handler that is built in: only a look at it,
     * whenever a configuration is read.)  In the child that checks a configuration (-t, a reload),
     * and in each worker before it serves.  0, or a negative code with one sentence in `problem`
     * that says what is wrong: the configuration is refused. */
    int (*configure)(void *config, const char *server, char *problem, size_t size);

    /* The worker is about to serve, with its own rights already.  0, or a negative code: the worker
     * cannot start, and a reload is refused. */
    int (*start)(struct prongd_service *service);

    /* The worker ends; the last connection is gone.  Frees what start has made: timers above all.
     * Sockets of the handler's own that it destroys here are closed right after it. */
    void (*stop)(struct prongd_service *service);

    /* What else moves together with this connection: further sockets (a relay's upstream) and plain
     * descriptors (a child's pipes, with all that is in them).  Lists them, each once, in an order
     * that `adopt` understands, and returns how many.  It is asked right after save, again when
     * the connection starts in its new worker, and at any time of its life for what counts bytes
     * that wait to be sent: `write_timeout`, `max_memory`, `prongctl connections`.  The sockets
     * leave with the client's, all of them or none (one that is still connecting keeps the
     * connection here); their pipes end.  Nothing of what was listed is the handler's when on_leave
     * is called.  NULL: nothing. */
    size_t (*companions)(struct prong_socket *socket, struct prongd_companion *list);

    /* After restore, when a connection brings companions: the same list in the same order, and the
     * handler's now.  The sockets are new ones of this worker's loop without events (set them) that
     * do nothing yet; pipes may be made.  0, or a negative code: then the connection goes back with
     * all of them, what restore made is released with on_leave, and no companion may be touched. */
    int (*adopt)(struct prong_socket *socket, const struct prongd_companion *list, size_t count);

    /* The limit of which this connection has taken one (see <prongd/service.h>), or NULL.  When the
     * connection moves, this one is given back when its new worker, in restore, has taken another:
     * on_leave gives nothing back.  NULL: no connection of this handler has any. */
    struct prongd_limit *(*limit)(struct prong_socket *socket);

    /* What it counts, at most PRONGD_COUNTERS. */
    const struct prongd_counter *counters;
    size_t counter_count;

    /* The connection closes: what the handler has to say of it in the access log, as
     * "upstream=192.0.2.1:80 tries=2", without bytes of a peer that are not escaped.  Right before
     * on_close, where the server has an access log whose format asks for it; and at any time of its
     * life for `prongctl connections`, which shows 59 bytes of it.  At most
     * `size` bytes with a NUL; how many there are, as with snprintf(3).  NULL: nothing. */
    size_t (*describe)(struct prong_socket *socket, char *text, size_t size);

    /* An operator drains an item of this handler in the service, as an upstream, by its name: it
     * gets nothing new from now on, and what goes on with it goes on to its end; or (`drained` is
     * false) it is as before.  In each worker, and in those that start later before they accept.
     * 0; -ENOENT: there is no such item.  NULL: the handler has no items. */
    int (*drain)(struct prongd_service *service, const char *item, bool drained);

    /* --- Broadcast: what prongd_publish() says in one worker is heard in all of them. ---
     *
     * Each server of a handler that has one of the first two has a ring in memory that its workers
     * share (`broadcast_buffer`), over all generations with a handler of this name.  Everybody
     * hears the messages in the same order; those of one worker in the order in which it published
     * them; the publisher hears its own, from its loop and never from inside the call. */

    /* Once in each worker, for each message from the worker's start on: for what the worker itself
     * keeps. */
    void (*on_broadcast)(struct prongd_service *service, const void *bytes, size_t size);

    /* Once for each connection, for each message from its on_connection on, exactly: one that moves
     * to another worker neither misses one nor hears one twice.  Anything may be done with the
     * socket.  Who publishes about a connection puts prongd_connection_id() into the message where
     * that connection should not hear it. */
    void (*on_message)(struct prong_socket *socket, const void *bytes, size_t size);

    /* So many messages were overwritten before they were read here: by the connection, or, with
     * `socket` NULL, by the worker.  It is called before the next message. */
    void (*on_lost)(struct prongd_service *service, struct prong_socket *socket, uint64_t count);

    /* How many bytes all workers of a server share, for what the handler keeps for all of them
     * (prongd_shared()); 0: none, unless `shared_memory` says more. */
    size_t shared_size;

    /* --- Bytes that wait: what `max_memory`, `write_timeout` and `prongctl connections` count. ---
     *
     * The queues of the client's socket and of its companions are counted without the handler.
     * These two add what it keeps elsewhere, as in a kernel pipe. */

    /* Of this connection, at any time of its life; `held` is zeroed.  NULL: nothing. */
    void (*held)(struct prong_socket *socket, struct prongd_held *held);

    /* Of all connections of the service in this worker together: asked with each turn of the loop
     * where `max_memory` is set, so it should not go through all of them.  NULL: nothing. */
    uint64_t (*held_by_all)(struct prongd_service *service);

    /* --- Items: what the handler deals with by name, as a proxy with upstreams. ---
     *
     * Each is there once for all workers of a server, whatever generation they are of: see
     * prongd_item_new() in <prongd/service.h>.  Operators see them in `prongctl servers`, with
     * --json, and in the metrics.  Figures outlive workers, reloads and upgrades; code with other
     * rows than these begins with items of its own, whose figures are 0. */

    /* What one is called: "upstream"; NULL: the handler has none. */
    const char *item_kind;

    /* What is kept of each, at most PRONGD_FIGURES.  Eight at a time share a cache line: put those
     * that are read often apart from those that are written often. */
    const struct prongd_figure *figures;
    size_t figure_count;

    /* How one may be, at most PRONGD_ITEM_STATES; the first at the beginning.  NULL: the items have
     * no states. */
    const struct prongd_item_state *item_states;
    size_t item_state_count;
};

/* A module's one symbol. */
extern PRONGD_API const struct prongd_handler prongd_module;

/* The most that save may write. */
#define PRONGD_STATE_MAX (1024 * 1024)

PRONG_END

#endif
