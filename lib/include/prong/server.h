/* SPDX-License-Identifier: MIT
 *
 * Servers: accept connections from one listening handle.
 *
 * Creation only initialises; listen() opens or adopts the handle.  A server may listen
 * again after close() or after a failed listen (R6).
 */
#ifndef PRONG_SERVER_H
#define PRONG_SERVER_H

#include <prong/address.h>
#include <prong/api.h>
#include <prong/block_list.h>
#include <prong/connect.h>
#include <prong/error.h>
#include <prong/socket.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

PRONG_BEGIN

struct prong_loop;
struct prong_server;

/* Passed to listen(2) where nothing else is said (R12). */
#define PRONG_BACKLOG 511

/* Why a connection was accepted and closed at once. */
enum prong_drop_reason {
    PRONG_DROP_MAX_CONNECTIONS, /* R27 */
    PRONG_DROP_DESCRIPTORS,     /* EMFILE, ENFILE: the server rests for 100 ms then (R29) */
    PRONG_DROP_MEMORY           /* ENOMEM, ENOBUFS */
};

struct prong_drop {
    enum prong_drop_reason reason;
    struct prong_address local; /* both: family 0 for a unix peer */
    struct prong_address remote;
};

/* Any member may be NULL. */
struct prong_server_events {
    /* Once for each successful listen, never from inside it (R5). */
    void (*on_listening)(struct prong_server *server);

    /* A connected socket, already reading unless pause_on_connect (R26).  It has the
     * options' events and user pointer; prong_socket_set_events() gives it others. */
    void (*on_connection)(struct prong_server *server, struct prong_socket *socket);

    /* One of its sockets is closed and will be freed: comes after that socket's on_close,
     * also when no on_connection was called for it, but not for a detached one. */
    void (*on_connection_close)(struct prong_server *server, struct prong_socket *socket);

    void (*on_drop)(struct prong_server *server, const struct prong_drop *drop);

    /* Listening ("getaddrinfo", "listen") or accepting ("accept") failed; the server is as usable
     * as before, and may listen again in the callback (R6, R9). */
    void (*on_error)(struct prong_server *server, const struct prong_error_info *error);

    /* Closed, and its last connection is gone (R33).  That one's own on_close, and the
     * on_connection_close after it, may still be to come (R34). */
    void (*on_close)(struct prong_server *server);

    /* Before each accept: false leaves who waits to the kernel.  The server should be paused then,
     * or it is asked again in the next turn.  True may be followed by no connection: somebody else
     * may have taken it. */
    bool (*may_accept)(struct prong_server *server);
};

struct prong_server_options {
    struct prong_socket_options socket; /* what accepted sockets get */
    const struct prong_socket_events *socket_events;
    void *socket_user;
    bool pause_on_connect;   /* accepted sockets start paused (R26) */
    int64_t max_connections; /* of this server; 0 drops all, -1 (init) no limit */

    /* Peers to be closed at once and without a callback (R31); borrowed.  NULL: none. */
    const struct prong_block_list *block_list;

    /* How many bytes may wait to be sent on each connection, whoever writes them: a write that
     * would make it more gives -ENOBUFS, and the connection closes with that error and, of TCP,
     * with RST.  0 (init): as
     * many as there is memory for. */
    size_t max_queue_bytes;

    /* prong_socket_destroy_soon() waits for the peer's end when FIN is sent, and discards what
     * comes meanwhile: a close with unread bytes is a reset, which may take from the peer what it
     * was sent last (RFC 1122, 4.2.2.13).  Not where allow_half_open is set.  Nothing limits how
     * long: set a timeout in on_finish. */
    bool lingers;
};

/* The defaults, which are also meant where NULL is passed for options. */
PRONG_API void prong_server_options_init(struct prong_server_options *options);

/* How a handle is opened. */
struct prong_listen_options {
    int backlog;     /* 0: PRONG_BACKLOG */
    bool ipv6_only;  /* IPV6_V6ONLY (R3) */
    bool reuse_port; /* SO_REUSEPORT (R14) */
    unsigned mode;   /* of a unix socket's file; 0: by umask (R15).  An abstract name has none */
    uid_t owner;     /* of the same; (uid_t)-1: unchanged */
    gid_t group;     /* of the same; (gid_t)-1: unchanged */
    bool take_over;  /* replace a unix socket's file when nobody answers there (R16) */
    bool keep_file;  /* close() leaves a unix socket's file where it is (R17) */

    /* Of a name (R4): AF_INET or AF_INET6 for such addresses only, AF_UNSPEC (init) for both; and
     * who finds them, never from inside prong_server_listen(): NULL for the library. */
    int family;
    prong_resolve *resolve;
    void *resolve_user;
};

/* The same for these. */
PRONG_API void prong_listen_options_init(struct prong_listen_options *options);

/* A listening descriptor, non-blocking and close-on-exec; SO_REUSEADDR is set (R13).  NULL
 * options: the defaults.  For programs whose master opens and whose workers adopt.  A unix
 * socket's file is never removed by the library.
 * Returns the descriptor, given to you, or a negative code: -EADDRINUSE (also when a file stands
 * there, R16), -EACCES, -ENOENT (R19); -EINVAL without an address, and for a mode or an owner of an
 * abstract name (R20) … */
PRONG_API PRONG_CHECK int prong_listen_open(const struct prong_address *address,
                                            const struct prong_listen_options *options);

/* The same, but only bound: clients are refused until somebody listens, and of several who are
 * bound to one port the first to listen has it.  Adopt it with prong_server_listen_fd();
 * prong_address_from_fd() tells the port. */
PRONG_API PRONG_CHECK int prong_bound_open(const struct prong_address *address,
                                           const struct prong_listen_options *options);

/* No I/O.  Copies `options` (NULL: defaults), borrows `events` and the options' socket events.
 * NULL with errno ENOMEM. */
PRONG_API struct prong_server *prong_server_new(struct prong_loop *loop,
                                                const struct prong_server_options *options,
                                                const struct prong_server_events *events,
                                                void *user);

/* Listens on a TCP port.  `host`: NULL or "" is every address, IPv6 and IPv4 (R2); an IP
 * literal, or a name, which is resolved first (R4).  Port 0 picks a free one (R1).
 * Without a name to resolve, prong_server_address() is valid when this returns.
 * 0: on_listening or on_error follows.  -EALREADY when it listens, or is about to (R6, R7). */
PRONG_API PRONG_CHECK int prong_server_listen(struct prong_server *server, const char *host,
                                              uint16_t port,
                                              const struct prong_listen_options *options);

/* Listens on a TCP or unix address.  As above; also -EINVAL. */
PRONG_API PRONG_CHECK int prong_server_listen_address(struct prong_server *server,
                                                      const struct prong_address *address,
                                                      const struct prong_listen_options *options);

/* Adopts a bound or listening stream socket (R21).  Takes `fd` in every case but -EEXIST: a server
 * of this loop listens on that very descriptor, and keeps it.  Its unix file is not unlinked by
 * close().  -EALREADY, -EBADF, -ENOTSOCK, -EINVAL. */
PRONG_API PRONG_CHECK int prong_server_listen_fd(struct prong_server *server, int fd, int backlog);

/* Stops accepting; its connections live on; on_close comes when the last is gone (R33).
 * The file of a unix server is unlinked if it is still ours (R17).
 * -ENOTCONN when it does not listen (R35). */
PRONG_API int prong_server_close(struct prong_server *server);

/* Destroys every connection of the server; does not close the server itself. */
PRONG_API void prong_server_close_all(struct prong_server *server);

/* Clients wait in the kernel's queue until resume.  Remembered by a server that does not
 * listen yet.  A paused server listens, and keeps ev_run() from returning. */
PRONG_API void prong_server_pause(struct prong_server *server);
PRONG_API void prong_server_resume(struct prong_server *server);

/* For processes that share the handle: one connection wakes one of them, and pause and resume take
 * effect in the kernel at once (EPOLLEXCLUSIVE in libev's epoll set; resume looks at once whether
 * somebody waits).  A woken process must accept: decide with pause() *after* an accept, in
 * on_connection, never before.  For a server that listens and is not paused; turns the loop once
 * without calling anybody.  0; -ENOTCONN or -EAGAIN when it does not listen or is paused; -ENOTSUP
 * on another backend or where /proc does not show libev's set: then the handle is watched plainly,
 * and everything works, too. */
PRONG_API int prong_server_set_exclusive(struct prong_server *server);

/* Is it watched that way?  libev builds its set anew after fork(2) and other surprises; then the
 * answer is false, and the handle is watched plainly. */
PRONG_API bool prong_server_is_exclusive(struct prong_server *server);

/* Accepts up to `count` connections soon, also while paused and without being told of any by the
 * kernel.  A call that finds nobody costs one system call. */
PRONG_API void prong_server_take(struct prong_server *server, unsigned count);

/* From a listen without a name to resolve, else from on_listening, until close(). */
PRONG_API bool prong_server_is_listening(const struct prong_server *server);

/* -ENOTCONN when it does not listen (R23). */
PRONG_API int prong_server_address(const struct prong_server *server,
                                   struct prong_address *address);

/* Live connections: counted from before on_connection until destroy() (R30). */
PRONG_API size_t prong_server_connections(const struct prong_server *server);

/* As in the options, from the next client on; who is connected already stays (R27). */
PRONG_API void prong_server_set_max_connections(struct prong_server *server, int64_t limit);
PRONG_API int64_t prong_server_max_connections(const struct prong_server *server);

/* Sums over all its connections, past and present: accepted + attached - detached - closed are
 * alive. */
struct prong_server_counters {
    uint64_t accepted;
    uint64_t attached; /* came by prong_socket_attach() */
    uint64_t detached; /* left by prong_socket_detach() */
    uint64_t closed;
    uint64_t dropped; /* on_drop */
    uint64_t blocked; /* on the block list */
    uint64_t bytes_read;
    uint64_t bytes_written;
    uint64_t bytes_queued; /* no sum: what waits to be sent, of all of them together */
};

/* Borrowed; valid until the server is freed. */
PRONG_API const struct prong_server_counters *
prong_server_counters(const struct prong_server *server);

/* Calls `visit` for each connection until it returns false; it may close or detach any of them, and
 * free the server.  Connections that are added meanwhile are not visited. */
PRONG_API void prong_server_each_connection(struct prong_server *server,
                                            bool (*visit)(struct prong_socket *socket, void *user),
                                            void *user);

/* The same a few at a time, over turns of the loop, when there are many.  It keeps its place
 * whatever is closed, detached or added meanwhile: a connection that stays is met exactly once, one
 * that is added later never.  NULL with errno ENOMEM. */
struct prong_server_cursor;
PRONG_API struct prong_server_cursor *prong_server_cursor_new(struct prong_server *server);

/* The next connection; NULL: that was the last one, or the server is freed. */
PRONG_API struct prong_socket *prong_server_cursor_next(struct prong_server_cursor *cursor);

/* Accepts NULL.  The server's memory stays until then; free the cursor before the loop. */
PRONG_API void prong_server_cursor_free(struct prong_server_cursor *cursor);

/* What it was created with, borrowed as before. */
PRONG_API void *prong_server_user(const struct prong_server *server);
PRONG_API struct prong_loop *prong_server_loop(const struct prong_server *server);

/* The listening descriptor, still the server's own; -1 when it does not listen. */
PRONG_API int prong_server_fd(const struct prong_server *server);

/* Whether it keeps ev_run() from returning while it listens; it does until unref (R114). */
PRONG_API void prong_server_ref(struct prong_server *server);
PRONG_API void prong_server_unref(struct prong_server *server);

/* Accepts NULL; may be called at any time.  Closes the handle; no further event of the server
 * comes.  Its connections live on without a server. */
PRONG_API void prong_server_free(struct prong_server *server);

PRONG_END

#endif
