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
 * No callback comes from inside a call of yours, and any function may be called from inside any
 * callback.  Their order: on_lookup, on_attempt, on_connect, on_data …, on_end, on_close; on_error
 * stands directly before on_close, with no on_end between; on_finish comes when it comes (R92).
 * After destroy() only on_written, on_error and on_close are still to come (R95).
 *
 * Reading and writing end separately.  Without `allow_half_open` (the default) a socket
 * whose peer ended ends itself, after its queue is flushed (R87), and closes when both
 * directions are done (R89).
 */
#ifndef PRONG_SOCKET_H
#define PRONG_SOCKET_H

#include <prong/address.h>
#include <prong/api.h>
#include <prong/connect.h>
#include <prong/error.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
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

    /* What becomes of one address; prong_socket_attempts() has them all.  Also for IP literals and
     * unix paths.  Not for those that lose against another one. */
    void (*on_attempt)(struct prong_socket *socket, enum prong_attempt_event event,
                       const struct prong_attempt *attempt);

    /* Connected; writes queued until now are on their way.  Not for accepted sockets. */
    void (*on_connect)(struct prong_socket *socket);

    /* What one recv(2) gave, at most PRONG_READ_SIZE.  The bytes die with the call. */
    void (*on_data)(struct prong_socket *socket, const void *bytes, size_t size);

    /* Both or none: bytes are read to where on_buffer says, and told by on_read instead of on_data
     * (R70).  on_buffer sets `*size` and gives a place, which is used at once and not kept; when
     * there was nothing to read after all, no on_read follows.  NULL or a `*size` of 0 pauses, as
     * on_read does with false.  Only what prong_socket_unread() gave back is copied. */
    void *(*on_buffer)(struct prong_socket *socket, size_t *size);
    bool (*on_read)(struct prong_socket *socket, void *bytes, size_t size);

    /* With prong_socket_set_manual_reading(): there is something to read, and the library does not.
     * Comes again, with the next turn of the loop, as long as it is so. */
    void (*on_readable)(struct prong_socket *socket);

    /* Once, when there is room after prong_socket_splice_out() took less than it was given. */
    void (*on_writable)(struct prong_socket *socket);

    /* Only while paused, once: the peer has ended, or is gone; bytes that were not read may wait
     * (R67).  Never instead of on_end, which comes when they are read.  A peer that reset the
     * connection is an error also while paused, behind its end, too.  While a queue waits to be
     * sent it may come late, and where descriptors are too short for one more epoll set not at all.
     */
    void (*on_hangup)(struct prong_socket *socket);

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
    uint32_t user_timeout_ms; /* TCP_USER_TIMEOUT; 0: the system's */
    uint8_t type_of_service;  /* IP_TOS, IPV6_TCLASS, also of the first packet; 0: the system's */
    uint32_t high_water_mark; /* bytes; PRONG_HIGH_WATER_MARK after init */
    uint32_t timeout_ms;      /* idle time until on_timeout; 0: never */
    uint32_t connect_timeout_ms; /* limit of the whole connect (R56); 0: the system's */
    bool read_only;              /* prong_socket_from_fd(): counts as ended by us */
    bool write_only;             /* the same: counts as ended by the peer */
    struct prong_connect_options connect;
    size_t extra_bytes; /* zeroed bytes of yours inside the socket's allocation */
};

/* The defaults, which are also meant where NULL is passed for options. */
PRONG_API void prong_socket_options_init(struct prong_socket_options *options);

/* A socket that is not connected.  Borrows `events` for its whole life.  NULL with errno. */
PRONG_API struct prong_socket *prong_socket_new(struct prong_loop *loop,
                                                const struct prong_socket_options *options,
                                                const struct prong_socket_events *events,
                                                void *user);

/* A socket of a descriptor that is connected already: TCP or a unix stream (R62).  Makes it
 * non-blocking and close-on-exec, and reads from the next turn of the loop on; there is no
 * on_connect.  Takes `fd` on success; on failure it is still yours.  NULL with errno: EBADF,
 * ENOTSOCK, EINVAL for other kinds and for a listening one, ENOTCONN, ENOMEM. */
PRONG_API struct prong_socket *prong_socket_from_fd(struct prong_loop *loop, int fd,
                                                    const struct prong_socket_options *options,
                                                    const struct prong_socket_events *events,
                                                    void *user);

/* Takes `bytes` by copying what the kernel does not accept at once.
 * 0: go on.  1: accepted too, but the queue is at the high-water mark; wait for on_drain.
 * PRONG_EENDED after end(), PRONG_EDESTROYED on a closing socket, -ENOTCONN on one that
 * never started to connect, -ENOMEM: nothing was accepted.  -ENOBUFS: more would wait than its
 * server's max_queue_bytes; on_error and on_close follow.  -EPIPE, -ECONNRESET …: the
 * kernel refused; on_error and on_close follow.  While connecting, bytes are queued (R45). */
PRONG_API int prong_socket_write(struct prong_socket *socket, const void *bytes, size_t size);

/* The same for several pieces at once: one gathered write. */
PRONG_API int prong_socket_writev(struct prong_socket *socket, const struct iovec *pieces,
                                  int count);

/* Bytes of a write have been given to the kernel (`error` 0), or never will be: -ECANCELED when
 * the socket was destroyed, PRONG_EBEFORECONNECT when it never was connected, PRONG_EMOVED when it
 * was detached and they travel with the image, or what the kernel said to exactly this write. */
typedef void prong_on_written(struct prong_socket *socket, int error, void *user);

/* The same as prong_socket_write(), with a callback: exactly once, in the order of the writes,
 * never from inside a call, and before on_finish, on_error and on_close (R77, R85).  A negative
 * result has none: the result has told already.  NULL: nobody is told. */
PRONG_API int prong_socket_write_then(struct prong_socket *socket, const void *bytes, size_t size,
                                      prong_on_written *on_written, void *user);

/* The same without a copy: borrows `bytes` until on_written, or until a negative result.  Without
 * on_written they must live as long as the program. */
PRONG_API int prong_socket_write_borrowed(struct prong_socket *socket, const void *bytes,
                                          size_t size, prong_on_written *on_written, void *user);

/* Between cork and the same number of uncorks writes are only queued; then they go out as
 * one gathered write (R79).  end() uncorks. */
PRONG_API void prong_socket_cork(struct prong_socket *socket);
PRONG_API void prong_socket_uncork(struct prong_socket *socket);

/* Flushes the queue, then sends FIN; on_finish follows (R86).  A second end() is harmless.
 * On a socket that never connected: closes it (R47).  PRONG_EDESTROYED on a closing one. */
PRONG_API int prong_socket_end(struct prong_socket *socket);

/* Closes now and discards what is queued or unread; on_close follows (R93).  Unread bytes in the
 * kernel make it send RST instead of FIN (R99).  `error` 0, or a negative code that on_error will
 * report (R94), not below -32768.  A second destroy is ignored. */
PRONG_API void prong_socket_destroy(struct prong_socket *socket, int error);

/* end(), then closes as soon as FIN is out, without waiting for the peer (R96); but see `lingers`
 * in struct prong_server_options. */
PRONG_API void prong_socket_destroy_soon(struct prong_socket *socket);

/* Closes with RST (TCP only: -ENOTSUP for unix).  While connecting, right after on_connect;
 * -ENOTCONN on a new socket, which closes with that error; PRONG_EDESTROYED on a closing one
 * (R98). */
PRONG_API int prong_socket_reset(struct prong_socket *socket);

/* Stops and goes on reading; what was not read stays in the kernel.  Before the connection
 * is open they are remembered (R61).  Cheap enough for back-pressure; see on_hangup. */
PRONG_API void prong_socket_pause(struct prong_socket *socket);
PRONG_API void prong_socket_resume(struct prong_socket *socket);
PRONG_API bool prong_socket_is_paused(const struct prong_socket *socket);

/* Gives back the tail of what on_data delivered: it is delivered again, before anything
 * new, with the next arrival or resume().  When the peer has ended it comes a last time before
 * on_end.  Copies.  -ENOMEM; -EMSGSIZE above PRONG_READ_SIZE in all; PRONG_EDESTROYED. */
PRONG_API int prong_socket_unread(struct prong_socket *socket, const void *bytes, size_t size);
PRONG_API size_t prong_socket_unread_bytes(const struct prong_socket *socket);

/* Idle time until on_timeout; 0 switches it off.  It starts anew when bytes are read or sent, and
 * while connecting with each step (R104).  After on_timeout it waits for that (R105).  It never
 * keeps ev_run() from returning (R109).  Harmless on a closing socket.  -ENOMEM. */
PRONG_API int prong_socket_set_timeout(struct prong_socket *socket, uint32_t timeout_ms);
PRONG_API uint32_t prong_socket_timeout(const struct prong_socket *socket);

/* Before the connection is open they are remembered; the same value again makes no system
 * call (R110).  Harmless on a unix socket.  0, -ENOMEM, or what setsockopt(2) said. */
PRONG_API int prong_socket_set_no_delay(struct prong_socket *socket, bool enabled);
PRONG_API int prong_socket_set_keep_alive(struct prong_socket *socket,
                                          const struct prong_keep_alive *keep_alive);
PRONG_API int prong_socket_set_user_timeout(struct prong_socket *socket, uint32_t timeout_ms);
PRONG_API int prong_socket_set_type_of_service(struct prong_socket *socket, uint8_t value);

/* What was set or remembered, by options or by the functions above. */
PRONG_API bool prong_socket_no_delay(const struct prong_socket *socket);
PRONG_API void prong_socket_keep_alive(const struct prong_socket *socket,
                                       struct prong_keep_alive *keep_alive);
PRONG_API uint32_t prong_socket_user_timeout(const struct prong_socket *socket);

/* What the kernel uses, or what is remembered for it; 0 on a unix socket.  Negative: getsockopt(2)
 * failed. */
PRONG_API int prong_socket_type_of_service(const struct prong_socket *socket);

/* false: it stays when both directions are done (R89), until destroy(), for a program that has
 * something else to finish before.  true, the default: it closes by itself, which may be now.  One
 * that connects again, and one that is detached and attached again, closes by itself. */
PRONG_API void prong_socket_set_auto_close(struct prong_socket *socket, bool enabled);
PRONG_API bool prong_socket_auto_close(const struct prong_socket *socket);

/* Takes effect until on_end has returned (R88). */
PRONG_API void prong_socket_set_allow_half_open(struct prong_socket *socket, bool allowed);
PRONG_API bool prong_socket_allow_half_open(const struct prong_socket *socket);

/* Bytes; 0: every write that is not sent at once returns 1 (R76). */
PRONG_API void prong_socket_set_high_water_mark(struct prong_socket *socket, uint32_t bytes);
PRONG_API uint32_t prong_socket_high_water_mark(const struct prong_socket *socket);

/* Other callbacks from now on.  Borrows `events`. */
PRONG_API void prong_socket_set_events(struct prong_socket *socket,
                                       const struct prong_socket_events *events, void *user);

/* What was given with its events. */
PRONG_API void *prong_socket_user(const struct prong_socket *socket);

/* The extra_bytes of the options; NULL when they were 0. */
PRONG_API void *prong_socket_extra(struct prong_socket *socket);

/* The server that accepted it; NULL for others, and once that server is freed. */
PRONG_API struct prong_server *prong_socket_server(const struct prong_socket *socket);
PRONG_API struct prong_loop *prong_socket_loop(const struct prong_socket *socket);

/* Where it stands in its life; the comment at the top shows which states follow which. */
PRONG_API enum prong_socket_state prong_socket_state(const struct prong_socket *socket);

/* May bytes still arrive?  May they still be written? (R100) */
PRONG_API bool prong_socket_is_readable(const struct prong_socket *socket);
PRONG_API bool prong_socket_is_writable(const struct prong_socket *socket);

/* end() was called, by you or for you; FIN is sent; a write returned 1 and on_drain is owed. */
PRONG_API bool prong_socket_has_ended(const struct prong_socket *socket);
PRONG_API bool prong_socket_has_finished(const struct prong_socket *socket);
PRONG_API bool prong_socket_needs_drain(const struct prong_socket *socket);

/* on_drain is owed, and more was written since: whoever writes does not wait for it.  Not told of
 * what was written before a move. */
PRONG_API bool prong_socket_wrote_on(const struct prong_socket *socket);

/* Corks without their uncork. */
PRONG_API unsigned prong_socket_corked(const struct prong_socket *socket);

/* Bytes read from the kernel, accepted by the kernel, and still queued.  The first two survive
 * the close (R68, R80). */
PRONG_API uint64_t prong_socket_bytes_read(const struct prong_socket *socket);
PRONG_API uint64_t prong_socket_bytes_written(const struct prong_socket *socket);
PRONG_API size_t prong_socket_queue_bytes(const struct prong_socket *socket);

/* Bytes that may still join them before its server's max_queue_bytes is reached; without a limit
 * SIZE_MAX. */
PRONG_API size_t prong_socket_queue_room(const struct prong_socket *socket);

/* Both stay known after the close (R112).  Unix peers have no address (R113): family
 * AF_UNIX, no path.  -ENOTCONN before the connection is open. */
PRONG_API int prong_socket_local(const struct prong_socket *socket, struct prong_address *address);
PRONG_API int prong_socket_remote(const struct prong_socket *socket, struct prong_address *address);

/* What the two functions above tell from now on, also after a move: the addresses of a client for
 * whom a trusted proxy connected, which has told them (proxy_header.h).  Both IP, of one family;
 * that of the descriptor may be another, but then calls that set options of the one may be refused
 * by the other.  -EINVAL for others; -ENOTCONN. */
PRONG_API PRONG_CHECK int prong_socket_set_addresses(struct prong_socket *socket,
                                                     const struct prong_address *local,
                                                     const struct prong_address *remote);

/* Who connected, or listened, at the other end of a unix socket, as of then.  -ENOTSUP for TCP,
 * and for who has IP addresses of a proxy; -ENOTCONN when it is not connected. */
struct prong_credentials {
    pid_t pid;
    uid_t uid;
    gid_t gid;
};
PRONG_API int prong_socket_peer_credentials(const struct prong_socket *socket,
                                            struct prong_credentials *credentials);

/* The descriptor, still the socket's own; -1 when there is none. */
PRONG_API int prong_socket_fd(const struct prong_socket *socket);

/* Whether the socket keeps ev_run() from returning; it does until unref (R114).  Never I/O.  A
 * paused socket with nothing to send does not, and one that connects does in any case. */
PRONG_API void prong_socket_ref(struct prong_socket *socket);
PRONG_API void prong_socket_unref(struct prong_socket *socket);
PRONG_API bool prong_socket_has_ref(const struct prong_socket *socket);

/* Keeps the memory beyond on_close until the same number of releases, at most 200 at a time.
 * Every function is harmless after on_close (R101). */
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
    bool hangup_told;   /* on_hangup was called */
    uint8_t corked;     /* depth */
    bool unref;         /* it does not keep ev_run() from returning */
    bool no_delay;
    struct prong_keep_alive keep_alive;
    uint32_t user_timeout_ms;
};

/* Takes a live connection off its loop: nothing more is read, written or armed, and the
 * kernel's epoll set no longer knows the descriptor (R144, R145).  The socket is gone
 * afterwards, without any callback, once the running callback has returned; its server
 * counts one less.  Gives `*image`: attach it, or clear it.
 * -ENOTCONN when new or connecting, PRONG_EDESTROYED when closing, -ENOMEM: the socket is untouched
 * and the image is empty. */
PRONG_API PRONG_CHECK int prong_socket_detach(struct prong_socket *socket,
                                              struct prong_socket_image *image);

/* The same for several different sockets that belong together, such as both sides of a relay: all
 * of them, or, with an error of one, none.  Pipes between them end, and nothing that was read is
 * anywhere but in the images. */
PRONG_API PRONG_CHECK int prong_socket_detach_all(struct prong_socket *const sockets[],
                                                  struct prong_socket_image *const images[],
                                                  size_t count);

/* Makes a socket of an image; on success takes its descriptor and bytes (the image is left
 * empty), on failure the image is untouched.  The socket does nothing before
 * prong_socket_start(): what is called until then is remembered, and the connection may still be
 * somebody else's.  `server` may be NULL; otherwise the socket counts as one of its connections,
 * and has its events and extra_bytes where `events` is NULL.
 * NULL with errno: EBADF, EAFNOSUPPORT, EMSGSIZE for what is no image; ENOMEM. */
PRONG_API struct prong_socket *
prong_socket_attach(struct prong_loop *loop, struct prong_server *server,
                    struct prong_socket_image *image, size_t extra_bytes,
                    const struct prong_socket_events *events, void *user);

/* From here on an attached socket reads, writes and times out.  Counts as resume(): bytes that were
 * given back with prong_socket_unread() are delivered, unless it is paused. */
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
