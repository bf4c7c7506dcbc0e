/* SPDX-License-Identifier: MIT
 *
 * Error codes and what is known about a failure.
 *
 * A code is negative: `-errno` for what the system said, PRONG_E… for what it has
 * no number for.  errno(3) lists the first, the enum below the second.
 */
#ifndef PRONG_ERROR_H
#define PRONG_ERROR_H

#include <prong/address.h>
#include <prong/api.h>

PRONG_BEGIN

enum prong_error {
    PRONG_ENOTFOUND = -5001,      /* the name has no address of the wanted family (R42) */
    PRONG_ERESOLVE = -5002,       /* the resolver failed or got no answer; try again later */
    PRONG_EENDED = -5003,         /* write after one's own end() (R81) */
    PRONG_EDESTROYED = -5004,     /* the socket is closing or closed (R83) */
    PRONG_EBEFORECONNECT = -5005, /* closed before it was connected (R46) */
    PRONG_EBLOCKED = -5006,       /* the address is on the block list (R60) */
    PRONG_EMOVED = -5007          /* the socket was detached: the bytes travel with its image */
};

/* Everything about one failure.  The pointers live as long as the callback. */
struct prong_error_info {
    int code;                     /* negative */
    const char *syscall;          /* "connect", "read", "bind", "listen", "getaddrinfo" … or "" */
    const char *host;             /* the name that did not resolve, or NULL */
    struct prong_address address; /* that was listened on or connected to; family 0: none */
    struct prong_address local;   /* that a connect had to bind (R44); family 0: none */
};

/* A sentence for a person; never NULL.  Static storage or strerror's. */
PRONG_API const char *prong_error_text(int code);

/* "ECONNRESET", "PRONG_ENOTFOUND"; "UNKNOWN" for a number that is none.  Never NULL. */
PRONG_API const char *prong_error_name(int code);

PRONG_END

#endif
