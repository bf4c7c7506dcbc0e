/* SPDX-License-Identifier: MIT
 *
 * Sockets: one TCP or unix stream connection, accepted by a server or connecting.
 *
 * Life: a socket lives from prong_socket_new(), prong_socket_attach() or its server's
 * on_connection until its on_close has returned.  Every socket gets on_close exactly once,
 * and as its last callback (R91); whoever keeps the pointer longer calls prong_socket_hold().
 * You never free a socket: you end or destroy it.
 *
 *     NEW → CONNECTING → OPEN → ENDING → CLOSING → CLOSED       any → CLOSING
 *
 * Reading and writing end separately.  Without `allow_half_open` (the default) a socket
 * whose peer ended ends itself, after its queue is flushed (R87), and closes when both
 * directions are done (R89).
 */
#ifndef PRONG_SOCKET_H
#define PRONG_SOCKET_H

#include <prong/address.h>
#include <prong/api.h>
#include <prong/error.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

PRONG_BEGIN

struct prong_loop;
struct prong_server;
struct prong_socket;

/* Bytes waiting to be sent above which write() says "wait for on_drain". */
#define PRONG_HIGH_WATER_MARK 65536

enum prong_socket_state {
    PRONG_SOCKET_NEW,        /* not connected, and not trying to */
    PRONG_SOCKET_CONNECTING, /* resolving the name, or waiting for the handshake */
    PRONG_SOCKET_OPEN,       /* writes are accepted */
    PRONG_SOCKET_ENDING,     /* end() was called: the queue is flushed, then FIN is sent */
    PRONG_SOCKET_CLOSING,    /* only on_error and on_close are still to come */
    PRONG_SOCKET_CLOSED      /* on_close was called, or it was detached: only a hold keeps it */
};

/* Any member may be NULL; then the event is skipped.  Without on_data what arrives is
 * discarded (R65), without on_error an error only closes (R102). */
struct prong_socket_events {
    /* An address of the name, or `error` < 0 and address NULL.  Not for IP literals and
     * unix paths (R41). */
    void (*on_lookup)(struct prong_socket *socket, int error, const struct prong_address *address);

    /* Connected; writes queued until now are on their way.  Not for accepted sockets. */
    void (*on_connect)(struct prong_socket *socket);

    /* What one read(2) gave, at most PRONG_READ_SIZE.  The bytes die with the call. */
    void (*on_data)(struct prong_socket *socket, const void *bytes, size_t size);

    /* The queue is empty after a write() that returned 1; once for each such time (R75). */
    void (*on_drain)(struct prong_socket *socket);

    /* The peer sends no more.  Comes after the last on_data. */
    void (*on_end)(struct prong_socket *socket);

    /* One's own end() is done: everything was given to the kernel, and FIN after it. */
    void (*on_finish)(struct prong_socket *socket);

    /* Nothing happened for the idle time.  A notice: nothing is closed (R103). */
    void (*on_timeout)(struct prong_socket *socket);

    /* At most once; on_close follows directly. */
    void (*on_error)(struct prong_socket *socket, const struct prong_error_info *error);

    /* Once, last.  `had_error`: on_error came, or would have. */
    void (*on_close)(struct prong_socket *socket, bool had_error);
};

/* TCP keep-alive: tcp(7).  0 leaves the system's value. */
struct prong_keep_alive {
    bool enabled;
    uint32_t idle_s;
    uint32_t interval_s;
    uint32_t count;
};

struct prong_socket_options {
    bool allow_half_open; /* false: end when the peer ended (R87, R88) */
    bool no_delay;        /* TCP_NODELAY */
    struct prong_keep_alive keep_alive;
    uint32_t user_timeout_ms;    /* TCP_USER_TIMEOUT; 0: the system's */
    uint32_t high_water_mark;    /* bytes; PRONG_HIGH_WATER_MARK after init */
    uint32_t timeout_ms;         /* idle time until on_timeout; 0: never */
    uint32_t connect_timeout_ms; /* limit of the whole connect; 0: the system's */
    size_t extra_bytes;          /* zeroed bytes of yours inside the socket's allocation */
};

/* The defaults, which are also meant where NULL is passed for options. */
PRONG_API void prong_socket_options_init(struct prong_socket_options *options);

/* A socket that is not connected.  Borrows `events` for its whole life.  NULL with errno. */
PRONG_API struct prong_socket *prong_socket_new(struct prong_loop *loop,
                                                const struct prong_socket_options *options,
                                                const struct prong_socket_events *events,
                                                void *user);

/* Connects to a name or an IP literal; NULL is "localhost".  on_connect, or on_error and
 * on_close, follow.  Names are resolved without blocking (c-ares, /etc/hosts).
 * -EALREADY while connecting, -EISCONN when connected: the socket is untouched (R49);
 * PRONG_EDESTROYED while it closes; -EINVAL for port 0. */
PRONG_API PRONG_CHECK int prong_socket_connect(struct prong_socket *socket, const char *host,
                                               uint16_t port);

/* The same for an address that is known already: TCP or unix. */
PRONG_API PRONG_CHECK int prong_socket_connect_address(struct prong_socket *socket,
                                                       const struct prong_address *address);

/* Takes `bytes` by copying what the kernel does not accept at once.
 * 0: go on.  1: accepted too, but the queue is at the high-water mark; wait for on_drain.
 * PRONG_EENDED after end(), PRONG_EDESTROYED on a closing socket, -ENOTCONN on one that
 * never started to connect, -ENOMEM: nothing was accepted.  -EPIPE, -ECONNRESET …: the
 * kernel refused; on_error and on_close follow.  While connecting, bytes are queued (R45). */
PRONG_API int prong_socket_write(struct prong_socket *socket, const void *bytes, size_t size);

/* The same for several pieces at once: one gathered write. */
PRONG_API int prong_socket_writev(struct prong_socket *socket, const struct iovec *pieces,
                                  int count);

/* Between cork and the same number of uncorks writes are only queued; then they go out as
 * one gathered write (R79).  end() uncorks. */
PRONG_API void prong_socket_cork(struct prong_socket *socket);
PRONG_API void prong_socket_uncork(struct prong_socket *socket);

/* Flushes the queue, then sends FIN; on_finish follows (R86).  A second end() is harmless.
 * On a socket that never connected: closes it (R47).  PRONG_EDESTROYED on a closing one. */
PRONG_API int prong_socket_end(struct prong_socket *socket);

/* Closes now and discards what is queued or unread; on_close follows (R93).  `error` 0, or
 * a negative code that on_error will report (R94).  A second destroy is ignored. */
PRONG_API void prong_socket_destroy(struct prong_socket *socket, int error);

/* end(), then closes as soon as FIN is out, without waiting for the peer (R96). */
PRONG_API void prong_socket_destroy_soon(struct prong_socket *socket);

/* Closes with RST (TCP only: -ENOTSUP for unix).  While connecting, after the connect;
 * -ENOTCONN on a new socket, PRONG_EDESTROYED on a closing one (R98). */
PRONG_API int prong_socket_reset(struct prong_socket *socket);

/* Stops and goes on reading; what was not read stays in the kernel.  Before the connection
 * is open they are remembered (R61). */
PRONG_API void prong_socket_pause(struct prong_socket *socket);
PRONG_API void prong_socket_resume(struct prong_socket *socket);
PRONG_API bool prong_socket_is_paused(const struct prong_socket *socket);

/* Gives back the tail of what on_data delivered: it is delivered again, before anything
 * new, with the next arrival or resume().  Copies.  -ENOMEM; PRONG_EDESTROYED. */
PRONG_API int prong_socket_unread(struct prong_socket *socket, const void *bytes, size_t size);

/* Idle time until on_timeout; 0 switches it off.  Reading and writing start it anew.
 * -ENOMEM. */
PRONG_API int prong_socket_set_timeout(struct prong_socket *socket, uint32_t timeout_ms);
PRONG_API uint32_t prong_socket_timeout(const struct prong_socket *socket);

/* Before the connection is open they are remembered; the same value again makes no system
 * call (R110).  Harmless on a unix socket. */
PRONG_API int prong_socket_set_no_delay(struct prong_socket *socket, bool enabled);
PRONG_API int prong_socket_set_keep_alive(struct prong_socket *socket,
                                          const struct prong_keep_alive *keep_alive);

PRONG_API void prong_socket_set_allow_half_open(struct prong_socket *socket, bool allowed);

/* Other callbacks from now on.  Borrows `events`. */
PRONG_API void prong_socket_set_events(struct prong_socket *socket,
                                       const struct prong_socket_events *events, void *user);

PRONG_API void *prong_socket_user(const struct prong_socket *socket);

/* The extra_bytes of the options; NULL when they were 0. */
PRONG_API void *prong_socket_extra(struct prong_socket *socket);

/* The server that accepted it; NULL for others, and once that server is freed. */
PRONG_API struct prong_server *prong_socket_server(const struct prong_socket *socket);
PRONG_API struct prong_loop *prong_socket_loop(const struct prong_socket *socket);

PRONG_API enum prong_socket_state prong_socket_state(const struct prong_socket *socket);

/* May bytes still arrive?  May they still be written? (R100) */
PRONG_API bool prong_socket_is_readable(const struct prong_socket *socket);
PRONG_API bool prong_socket_is_writable(const struct prong_socket *socket);

/* Bytes read from the kernel, accepted by the kernel, and still queued. */
PRONG_API uint64_t prong_socket_bytes_read(const struct prong_socket *socket);
PRONG_API uint64_t prong_socket_bytes_written(const struct prong_socket *socket);
PRONG_API size_t prong_socket_queue_bytes(const struct prong_socket *socket);

/* Both stay known after the close (R112).  Unix peers have no address (R113): family
 * AF_UNIX, no path.  -ENOTCONN before the connection is open. */
PRONG_API int prong_socket_local(const struct prong_socket *socket, struct prong_address *address);
PRONG_API int prong_socket_remote(const struct prong_socket *socket, struct prong_address *address);

/* The descriptor, still the socket's own; -1 when there is none. */
PRONG_API int prong_socket_fd(const struct prong_socket *socket);

/* Whether the socket keeps ev_run() from returning; it does until unref (R114). */
PRONG_API void prong_socket_ref(struct prong_socket *socket);
PRONG_API void prong_socket_unref(struct prong_socket *socket);

/* Keeps the memory beyond on_close until the same number of releases.  A held socket may
 * connect again after its on_close: counters restart at 0 (R48). */
PRONG_API void prong_socket_hold(struct prong_socket *socket);
PRONG_API void prong_socket_release(struct prong_socket *socket);

/* A live connection without a loop: what travels when it moves to another loop or process.
 * Plain data but for the descriptor and the two byte strings. */
struct prong_socket_image {
    int fd;          /* owned by the image */
    uint8_t *unread; /* delivered before anything new; malloc'ed or NULL */
    size_t unread_size;
    uint8_t *unsent; /* sent before anything new; malloc'ed or NULL */
    size_t unsent_size;
    uint64_t bytes_read;
    uint64_t bytes_written;
    uint32_t timeout_ms;      /* the idle time, 0: none */
    uint32_t timeout_left_ms; /* what was left of it; 0: it has fired already */
    uint32_t high_water_mark;
    struct prong_address local;
    struct prong_address remote;
    bool allow_half_open;
    bool paused;
    bool peer_ended;    /* end-of-file was read (on_end may be still to come) */
    bool end_delivered; /* on_end was called */
    bool ending;        /* end() was called; FIN follows the unsent bytes */
    bool finished;      /* FIN is sent */
    bool destroy_soon;  /* close when FIN is out */
    bool need_drain;    /* a write returned 1; on_drain is owed */
    uint8_t corked;     /* depth */
    bool unref;         /* it does not keep ev_run() from returning */
    bool no_delay;
    struct prong_keep_alive keep_alive;
};

/* Takes a live connection off its loop: nothing more is read, written or armed, and the
 * kernel's epoll set no longer knows the descriptor (R144, R145).  The socket is gone
 * afterwards, without any callback, once the running callback has returned; its server
 * counts one less.  Gives `*image`: attach it, or clear it.
 * -ENOTCONN when new or connecting, PRONG_EDESTROYED when closing, -ENOMEM: untouched. */
PRONG_API PRONG_CHECK int prong_socket_detach(struct prong_socket *socket,
                                              struct prong_socket_image *image);

/* Makes a socket of an image; on success takes its descriptor and bytes (the image is left
 * empty), on failure the image is untouched.  The socket does nothing before
 * prong_socket_start().  `server` may be NULL; otherwise the socket counts as one of its
 * connections, and has its events and extra_bytes where `events` is NULL.
 * NULL with errno. */
PRONG_API struct prong_socket *
prong_socket_attach(struct prong_loop *loop, struct prong_server *server,
                    struct prong_socket_image *image, size_t extra_bytes,
                    const struct prong_socket_events *events, void *user);

/* From here on an attached socket reads, writes and times out. */
PRONG_API void prong_socket_start(struct prong_socket *socket);

/* Writes an image without its descriptor as bytes for another process on this machine.  Returns how
 * many they are; nothing is written where `size` is smaller.  Never fails. */
PRONG_API size_t prong_socket_image_encode(const struct prong_socket_image *image, uint8_t *buffer,
                                           size_t size);

/* The inverse, with the descriptor that came beside the bytes (close-on-exec: MSG_CMSG_CLOEXEC);
 * takes `fd` on success only.  -EPROTO for another version and for everything that does not fit or
 * makes no sense, -EBADF, -ENOMEM: the image is empty then. */
PRONG_API PRONG_CHECK int prong_socket_image_decode(struct prong_socket_image *image,
                                                    const uint8_t *buffer, size_t size, int fd);

/* Closes the descriptor and frees the bytes.  Harmless on an empty image. */
PRONG_API void prong_socket_image_clear(struct prong_socket_image *image);

PRONG_END

#endif
