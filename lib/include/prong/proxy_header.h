/* SPDX-License-Identifier: MIT
 *
 * The header of the PROXY protocol, versions 1 and 2: who the client really is, told by a proxy
 * that stands in front, as the first bytes of a connection.
 *
 * The protocol is HAProxy's (proxy-protocol.txt); nginx, Envoy, and the load balancers of the large
 * clouds speak it, too.  Only a peer that is trusted may be believed: anybody can write a header.
 */
#ifndef PRONG_PROXY_HEADER_H
#define PRONG_PROXY_HEADER_H

#include <prong/address.h>
#include <prong/api.h>
#include <stddef.h>
#include <stdint.h>

PRONG_BEGIN

/* The longest header that is accepted, with all that it carries; and one that is written. */
#define PRONG_PROXY_HEADER_MAX  4096
#define PRONG_PROXY_HEADER_SIZE 108

enum prong_proxy_version {
    PRONG_PROXY_V1 = 1, /* one line of text */
    PRONG_PROXY_V2 = 2  /* binary */
};

/* IP addresses of one family; family 0 in both when the header names none: the proxy speaks for
 * itself (LOCAL), or its client has no IP address (UNKNOWN): then those of the connection hold. */
struct prong_proxy_header {
    struct prong_address source;      /* the client */
    struct prong_address destination; /* where it connected to */
};

/* Reads the header that `bytes` begin with.  What else a header of version 2 carries is skipped,
 * but a checksum (CRC-32C) must be right. How many bytes it takes; 0: it is not there as a whole,
 * and more bytes may complete it; -EPROTO: this is no header; -EMSGSIZE: it is longer than
 * PRONG_PROXY_HEADER_MAX; -EBADMSG: its checksum is wrong.  `*header` is set only with a header. */
PRONG_API PRONG_CHECK int prong_proxy_header_read(struct prong_proxy_header *header,
                                                  const void *bytes, size_t size);

/* Writes the header of a client with this address who connected to `destination`.  Where one of
 * them is no IP address the header names none.  An IPv4 address beside one of IPv6 is written as
 * IPv6 (::ffff:a.b.c.d).  At most PRONG_PROXY_HEADER_SIZE bytes; returns how many. */
PRONG_API size_t prong_proxy_header_write(uint8_t bytes[PRONG_PROXY_HEADER_SIZE],
                                          enum prong_proxy_version version,
                                          const struct prong_address *source,
                                          const struct prong_address *destination);

PRONG_END

#endif
