/* SPDX-License-Identifier: MIT
 *
 * Inside struct prong_socket: what socket.c, stream.c, connector.c and image.c share.
 *
 * An idle connection is this struct and nothing else, so its size counts: 176 bytes.  What few
 * sockets need stands in struct socket_rare.
 */
#ifndef PRONG_SOCKET_INTERNAL_H
#define PRONG_SOCKET_INTERNAL_H

#include <prong/socket.h>

#include "endpoint.h"
#include "loop_internal.h"
#include "timeouts.h"

#include <ev.h>
#include <stdalign.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct connector;
struct write_queue;

/* What failed, for prong_error_info.syscall. */
enum socket_call {
    CALL_NONE,
    CALL_READ,
    CALL_WRITE,
    CALL_SHUTDOWN,
    CALL_CONNECT,
    CALL_BIND,
    CALL_SOCKET,
    CALL_GETADDRINFO
};

struct socket_rare {
    struct connector *connector; /* while CONNECTING */
    uint8_t *unread;             /* given back, to be delivered again; malloc'ed */
    size_t unread_size;
    struct prong_keep_alive keep_alive;
    uint32_t user_timeout_ms;
    uint32_t connect_timeout_ms;
    char *host;                  /* the name that was connected to, for errors */
    struct prong_address failed; /* the address that an error is about; family 0: none */
};

/* An idle time, and the timeout that watches it. */
struct socket_idle {
    struct timeout timeout;
    uint32_t ms;
};

struct prong_socket {
    struct ev_io io; /* data: the struct prong_loop.  Fed to itself for deferred work */
    const struct prong_socket_events *events;
    void *user;
    struct prong_server *server;
    struct prong_socket *previous, *next; /* of the server's */
    struct socket_idle *idle;             /* NULL: there never was an idle time */
    struct write_queue *queue;            /* NULL: nothing waits */
    struct socket_rare *rare;
    uint64_t bytes_read;
    uint64_t bytes_written;
    uint32_t high_water_mark;
    struct endpoint local;
    struct endpoint remote;
    int16_t error; /* what on_error will say; 0: nothing */
    uint8_t holds; /* one of the library until CLOSED, one of each running dispatch, the user's */
    uint8_t corked;
    unsigned state : 3;       /* enum prong_socket_state */
    unsigned family : 4;      /* AF_INET, AF_INET6, AF_UNIX; 0: never open */
    unsigned failed_call : 4; /* enum socket_call */
    bool has_extra : 1;
    bool allow_half_open : 1;
    bool no_delay : 1;
    bool unref : 1;
    bool started : 1;       /* false: attached, and not yet told to start */
    bool paused : 1;        /* by the user */
    bool peer_ended : 1;    /* end-of-file was read */
    bool end_delivered : 1; /* on_end was called */
    bool end_wanted : 1;    /* end() was called while connecting */
    bool finished : 1;      /* FIN is sent, or close() will send it */
    bool destroy_soon : 1;
    bool reset_wanted : 1; /* reset() was called while connecting */
    bool need_drain : 1;   /* a write returned 1 */
    bool deferred : 1;     /* fed to itself */
    bool due_connect : 1;  /* callbacks that are owed */
    bool due_unread : 1;
    bool due_drain : 1;
    bool due_finish : 1;
    alignas(8) unsigned char extra[];
};

static inline struct prong_loop *loop_of(const struct prong_socket *socket)
{
    return socket->io.data;
}

/* OPEN or ENDING: there is a connection. */
static inline bool socket_is_connected(const struct prong_socket *socket)
{
    return socket->state == PRONG_SOCKET_OPEN || socket->state == PRONG_SOCKET_ENDING;
}

/* --- socket.c: life, states, watchers, callbacks --- */

/* A NEW socket of its options.  NULL with errno. */
struct prong_socket *socket_new(struct prong_loop *loop, const struct prong_socket_options *options,
                                const struct prong_socket_events *events, void *user);

/* The only place that changes a state. */
void socket_enter(struct prong_socket *socket, enum prong_socket_state state);

/* Gives it a connected descriptor: OPEN.  Takes `fd`. */
void socket_open(struct prong_socket *socket, int fd, uint8_t family);

/* Makes the kernel events those that the state wants. */
void socket_update_watchers(struct prong_socket *socket);
void socket_stop_watchers(struct prong_socket *socket);

/* Has the loop look at what is due, soon, but not inside this call. */
void socket_defer(struct prong_socket *socket);

/* CLOSING for a reason: on_error and on_close follow.  Ignored when it closes already. */
void socket_fail(struct prong_socket *socket, int code, enum socket_call call);

/* Restarts the idle time. */
void socket_touch(struct prong_socket *socket);

/* The rare part, made when there is none; NULL when memory is short. */
struct socket_rare *socket_rare(struct prong_socket *socket);

/* CLOSED, and gone from its server, without a callback: it was detached. */
void socket_vanish(struct prong_socket *socket);

/* --- stream.c: bytes --- */

/* One read for one readiness. */
void stream_read(struct prong_socket *socket);

/* Gives the kernel what waits. */
void stream_flush(struct prong_socket *socket);

/* FIN, when everything before it is sent. */
void stream_finish(struct prong_socket *socket);

/* --- options of the descriptor, socket_options.c --- */

/* Applies what was remembered to a descriptor that has just been connected or accepted. */
void socket_apply_options(struct prong_socket *socket);


#endif
