/* SPDX-License-Identifier: MIT
 *
 * The handler interface: what is done with a connection.
 *
 * A handler is one const struct.  The worker accepts a connection, gives its socket the
 * handler's events and calls on_connection; from there on the handler works with
 * <prong/socket.h>.  The functions at the end of this header are the worker's services.
 *
 *     static void on_data(struct prong_socket *socket, const void *bytes, size_t size)
 *     {
 *         prong_socket_write(socket, bytes, size);
 *     }
 *
 *     const struct prongd_handler echo_handler = {
 *         .abi = PRONGD_HANDLER_ABI,
 *         .size = sizeof(struct prongd_handler),
 *         .name = "echo",
 *         .help = "Sends back what arrives.",
 *         .events = {.on_data = on_data},
 *     };
 */
#ifndef PRONGD_HANDLER_H
#define PRONGD_HANDLER_H

#include <prong/socket.h>
#include <prongd/option.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Raised when a member changes its meaning; members are only ever added at the end. */
#define PRONGD_HANDLER_ABI 1

struct prongd_handler {
    uint32_t abi;        /* PRONGD_HANDLER_ABI */
    uint32_t size;       /* sizeof(struct prongd_handler) */
    const char *name;    /* the value of `handler =` */
    const char *version; /* shown by -V and status; NULL: the daemon's */
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
};

/* The most that save may write. */
#define PRONGD_STATE_MAX (1024 * 1024)

/* --- The worker's services to a handler: for a socket that on_connection was called with. --- */

/* The handler's own bytes (state_size); NULL when that is 0. */
void *prongd_state(struct prong_socket *socket);

/* What the handler's rows filled for this server; NULL when config_size is 0. */
const void *prongd_config(struct prong_socket *socket);

/* The connection's number: unique in the whole service, and the same over every move. */
uint64_t prongd_connection_id(struct prong_socket *socket);

enum prongd_log_level {
    PRONGD_LOG_ERROR,   /* someone must act */
    PRONGD_LOG_WARNING, /* someone may */
    PRONGD_LOG_NOTICE,  /* start, stop, reload */
    PRONGD_LOG_INFO,    /* one line per client */
    PRONGD_LOG_DEBUG
};

/* A line with the connection's server, number and peer appended.  Never pass bytes of a peer
 * with "%s": prongd_escape() them. */
void prongd_log(struct prong_socket *socket, enum prongd_log_level level, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Would a line of this level be written?  For lines that cost something to make. */
bool prongd_log_wants(enum prongd_log_level level);

/* Printable bytes as they are, others as \n, \t, \xNN; cut with "…" to fit `size` with the NUL.
 * Returns `text`. */
const char *prongd_escape(const void *bytes, size_t length, char *text, size_t size);

#endif
