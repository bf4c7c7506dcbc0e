/* SPDX-License-Identifier: MIT
 *
 * Connecting: where from, in which order, and what is told of each attempt.
 *
 * A name may have several addresses.  They are tried as RFC 8305 says (happy eyeballs): the
 * families take turns, the next attempt starts when one fails or when it is slow, and *beside* it;
 * the first to connect wins (R51, R52).
 */
#ifndef PRONG_CONNECT_H
#define PRONG_CONNECT_H

#include <prong/address.h>
#include <prong/api.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

PRONG_BEGIN

struct prong_block_list;
struct prong_lookup;
struct prong_socket;

/* How long an attempt may take before the next one starts beside it: the default, and the least. */
#define PRONG_STAGGER_MS     250
#define PRONG_STAGGER_MIN_MS 10

/* Finds the addresses of a name in place of the library's resolver.  Never called from inside
 * prong_socket_connect() or prong_server_listen().  Answer each lookup exactly once with
 * prong_lookup_answer(), from inside the call or whenever you know; it stays yours until then, and
 * so does prong_loop_free() refuse.
 */
typedef void prong_resolve(struct prong_lookup *lookup, void *user);

/* The name that is looked up, valid until the answer; the wanted family: AF_INET, AF_INET6, or
 * AF_UNSPEC for both. */
PRONG_API const char *prong_lookup_host(const struct prong_lookup *lookup);
PRONG_API int prong_lookup_family(const struct prong_lookup *lookup);

/* Copies `addresses`, the best first; their ports are ignored, and those of another family are
 * skipped.  Without any, `error` is told: PRONG_ENOTFOUND when it is 0.  Harmless when nobody
 * waits any more. */
PRONG_API void prong_lookup_answer(struct prong_lookup *lookup, int error,
                                   const struct prong_address *addresses, size_t count);

struct prong_connect_options {
    /* AF_INET or AF_INET6: only such addresses of a name, and only the first of them (R50).
     * AF_UNSPEC: both, as far as this machine has addresses of them (R41). */
    int family;

    /* false: only the first address of a name is tried. */
    bool auto_select_family;

    uint32_t stagger_ms; /* 0: the default; below PRONG_STAGGER_MIN_MS: that */

    /* Bound before connecting (R44).  Family 0: any address, but with this port if it is not 0.
     * With either of them only the first answer, of that family, is tried (R50). */
    struct prong_address local;

    /* Addresses that are not connected to: PRONG_EBLOCKED (R60).  Borrowed.  NULL: none. */
    const struct prong_block_list *block_list;

    prong_resolve *resolve; /* NULL: the library's */
    void *resolve_user;
};

/* The process-wide defaults below, and nothing else. */
PRONG_API void prong_connect_options_init(struct prong_connect_options *options);

/* What prong_connect_options_init() will give from now on, in every thread.  Initially true and
 * PRONG_STAGGER_MS.  -EINVAL for 0 ms; less than PRONG_STAGGER_MIN_MS means that. */
PRONG_API void prong_set_default_auto_select_family(bool enabled);
PRONG_API bool prong_default_auto_select_family(void);
PRONG_API PRONG_CHECK int prong_set_default_stagger_ms(uint32_t stagger_ms);
PRONG_API uint32_t prong_default_stagger_ms(void);

/* One address that was tried. */
struct prong_attempt {
    struct prong_address address;
    int error;           /* 0: under way, or it has won */
    const char *syscall; /* "socket", "bind" or "connect", which failed; otherwise "" */
};

enum prong_attempt_event {
    PRONG_ATTEMPT_STARTED,
    PRONG_ATTEMPT_SLOW,  /* it goes on, and the next one starts beside it */
    PRONG_ATTEMPT_FAILED /* silent otherwise, if another one succeeds (R54) */
};

/* Connects to a name or an IP literal; NULL and "" are "localhost".  on_connect, or on_error and
 * on_close, follow; nothing comes before this has returned (R40).  Names are resolved without
 * blocking (c-ares, /etc/hosts).  A socket that was closed may connect again, from inside its
 * on_close or when it is held: its counters restart at 0 (R48). -EALREADY while connecting,
 * -EISCONN when connected: the socket is untouched (R49); PRONG_EDESTROYED while it closes; -EINVAL
 * for port 0, and for an unusable local address; -ENOMEM. */
PRONG_API PRONG_CHECK int prong_socket_connect(struct prong_socket *socket, const char *host,
                                               uint16_t port);

/* The same for an address that is known already: TCP or unix.  A unix socket whose backlog is full
 * is asked again, less and less often, until connect_timeout_ms is over (R58). */
PRONG_API PRONG_CHECK int prong_socket_connect_address(struct prong_socket *socket,
                                                       const struct prong_address *address);

/* Other options for the next connect.  Copies.  -EALREADY while connecting; -ENOMEM. */
PRONG_API PRONG_CHECK int
prong_socket_set_connect_options(struct prong_socket *socket,
                                 const struct prong_connect_options *options);

/* What was to be remembered for connecting goes: options, local address, time limit.  A further
 * connect has the defaults.  Nothing while connecting; in on_connect it makes the socket as small
 * as an accepted one. */
PRONG_API void prong_socket_forget_connect(struct prong_socket *socket);

/* All attempts of the last connect that were started, in their order; `*count` is their number.
 * Borrowed until the socket connects again or is freed, or until its on_connect has returned.
 * NULL when there is none.  on_error tells of the first that failed; the others are here (R54). */
PRONG_API const struct prong_attempt *prong_socket_attempts(const struct prong_socket *socket,
                                                            size_t *count);

PRONG_END

#endif
