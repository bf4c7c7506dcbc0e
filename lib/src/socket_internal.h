/* SPDX-License-Identifier: MIT
 *
 * Inside struct prong_socket: what the files that make up a socket share.
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
#include "written.h"

#include <ev.h>
#include <stdalign.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct attempts;
struct connector;
struct prong_tap;
struct write_queue;

/* What failed, for prong_error_info.syscall. */
enum socket_call {
    CALL_NONE,
    CALL_READ,
    CALL_WRITE,
    CALL_SHUTDOWN,
    CALL_CONNECT, /* or what comes before it: the attempt knows */
    CALL_GETADDRINFO
};

struct socket_rare {
    struct connector *connector;           /* while CONNECTING */
    struct attempts *attempts;             /* of the last connect, until on_connect has returned */
    struct prong_connect_options *connect; /* NULL: the defaults */
    struct written_list written;           /* callbacks of writes, in order */
    struct prong_socket *piped_to, *piped_from;
    uint8_t *unread; /* given back, to be delivered again; malloc'ed */
    size_t unread_size;
    char *host; /* the name that is connected to */
    struct prong_keep_alive keep_alive;
    const struct prong_tap *tap; /* while the bit `tapped` is set */
    void *tap_user;
    uint32_t user_timeout_ms;
    uint32_t connect_timeout_ms;
    uint8_t type_of_service;
    bool reset_wanted; /* reset() was called while connecting */
    bool wrote_on;     /* a write returned 1, and another one was made all the same */
    bool pipe_waits;   /* paused until piped_to has room */
};

/* An idle time, and the timeout that watches it. */
struct socket_idle {
    struct timeout timeout;
    uint32_t ms;
};

/* Corks beyond are not counted. */
#define CORKED_MAX 63

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
    uint8_t corked : 6;       /* depth */
    bool tapped : 1;          /* somebody looks on (tap.h) */
    bool stays : 1;           /* does not close when both directions are done */
    unsigned state : 3;       /* enum prong_socket_state */
    unsigned family : 4;      /* AF_INET, AF_INET6, AF_UNIX; 0: never open */
    unsigned failed_call : 3; /* enum socket_call */
    bool has_extra : 1;
    bool allow_half_open : 1;
    bool no_delay : 1;
    bool unref : 1;
    bool started : 1;       /* false: attached, and not yet told to start */
    bool paused : 1;        /* by the user */
    bool peer_ended : 1;    /* end-of-file was read */
    bool end_delivered : 1; /* on_end was called */
    bool end_wanted : 1;    /* end() was called */
    bool finished : 1;      /* FIN is sent, or close() will send it */
    bool destroy_soon : 1;
    bool need_drain : 1;     /* a write returned 1 */
    bool hangup_watched : 1; /* in the loop's set of paused sockets */
    bool hangup_told : 1;    /* on_hangup was called */
    bool deferred : 1;       /* fed to itself */
    bool due_connect : 1;    /* callbacks that are owed */
    bool due_unread : 1;
    bool due_drain : 1;
    bool due_finish : 1;
    bool due_hangup : 1;
    bool manual_reading : 1; /* on_readable comes, and the user reads */
    bool wants_writable : 1; /* on_writable is owed when there is room */
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

static inline bool socket_is_tcp(const struct prong_socket *socket)
{
    return socket->family == AF_INET || socket->family == AF_INET6;
}

static inline bool socket_has_unread(const struct prong_socket *socket)
{
    return socket->rare != NULL && socket->rare->unread != NULL;
}

/* --- socket.c: life and states --- */

/* A NEW socket of its options.  NULL with errno. */
struct prong_socket *socket_new(struct prong_loop *loop, const struct prong_socket_options *options,
                                const struct prong_socket_events *events, void *user);

/* The only place that changes a state. */
void socket_enter(struct prong_socket *socket, enum prong_socket_state state);

/* Gives it a connected descriptor: OPEN.  Takes `fd`. */
void socket_open(struct prong_socket *socket, int fd, uint8_t family);

/* CLOSING for a reason: on_error and on_close follow.  Ignored when it closes already. */
void socket_fail(struct prong_socket *socket, int code, enum socket_call call);

/* Its close will be a reset (TCP only).  0, -ENOTSUP or -errno. */
int socket_will_reset(struct prong_socket *socket);

/* The rare part, made when there is none; NULL when memory is short. */
struct socket_rare *socket_rare(struct prong_socket *socket);

/* Frees the rare part when nothing is in it any more. */
void socket_trim(struct prong_socket *socket);

/* CLOSED, and gone from its server, without a callback but on_written: it was detached. */
void socket_vanish(struct prong_socket *socket);

/* --- dispatch.c: the watcher and the callbacks --- */

void socket_init_watcher(struct prong_socket *socket);

/* Makes the kernel events those that the state wants. */
void socket_update_watchers(struct prong_socket *socket);
void socket_stop_watchers(struct prong_socket *socket);

/* Has the loop look at what is due, soon, but not inside this call. */
void socket_defer(struct prong_socket *socket);

/* --- idle.c --- */

/* Restarts the idle time. */
void socket_touch(struct prong_socket *socket);

/* It runs no more; the time itself is kept, or forgotten. */
void socket_stop_idle(struct prong_socket *socket);
void socket_free_idle(struct prong_socket *socket);

/* --- input.c, output.c: bytes --- */

/* One read for one readiness. */
void input_read(struct prong_socket *socket);

/* So many bytes were read; end-of-file was. */
void input_count(struct prong_socket *socket, size_t size);
void input_end(struct prong_socket *socket);

/* Delivers what was given back. */
void input_deliver_unread(struct prong_socket *socket);

/* May the kernel be asked at once, without overtaking what waits? */
bool output_can_write_through(const struct prong_socket *socket);

/* So many bytes were taken by the kernel. */
void output_count(struct prong_socket *socket, size_t size);

/* Gives the kernel what waits. */
void output_flush(struct prong_socket *socket);

/* ENDING: no more writes, and no more corks. */
void output_end(struct prong_socket *socket);

/* FIN, when everything before it is sent. */
void output_finish(struct prong_socket *socket);

/* Bytes given to the kernel and bytes that wait, since the connection began. */
uint64_t output_position(const struct prong_socket *socket);

/* --- socket_options.c: options of the descriptor --- */

/* Applies what was remembered to a descriptor that has just been connected or accepted. */
void socket_apply_options(struct prong_socket *socket);

/* Of a descriptor that is not connected yet, as far as the kernel lets it. */
void socket_apply_type_of_service(int fd, uint16_t family, uint8_t value);

#endif
