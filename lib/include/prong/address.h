/* SPDX-License-Identifier: MIT
 *
 * Addresses: IPv4 and IPv6 with a port, unix paths and abstract unix names.
 *
 * A plain value: copy it, compare it with prong_address_equal(), never with memcmp().
 */
#ifndef PRONG_ADDRESS_H
#define PRONG_ADDRESS_H

#include <prong/api.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

PRONG_BEGIN

/* The longest path of a unix socket, with its NUL: unix(7), sun_path. */
#define PRONG_PATH_SIZE 108

/* Enough for every formatted address, with its NUL: a path may be all escapes. */
#define PRONG_ADDRESS_TEXT_SIZE 448

struct prong_address {
    uint16_t family;            /* AF_INET, AF_INET6, AF_UNIX; 0: none */
    uint16_t port;              /* host order; 0 for unix */
    uint32_t scope;             /* IPv6 zone index, 0: none */
    uint8_t ip[16];             /* network order; IPv4 uses the first four bytes */
    uint8_t path_size;          /* bytes of path without a NUL; 0: an unnamed unix socket */
    char path[PRONG_PATH_SIZE]; /* an abstract name begins with '\0', as in unix(7) */
};

/* 4, 6, or 0 when `text` is not an address.  Strict: no leading zeros, no port, no
 * prefix; an IPv6 zone ("fe80::1%eth0") is accepted (R115).  NULL gives 0. */
PRONG_API int prong_is_ip(const char *text);

/* "1.2.3.4" or "::1" with a port.  -EINVAL when `ip` is no address, -ENODEV when its zone is the
 * name of no interface; `*address` is then untouched. */
PRONG_API PRONG_CHECK int prong_address_from_ip(struct prong_address *address, const char *ip,
                                                uint16_t port);

/* A unix path; "@name" is the abstract name "name".  -EINVAL when empty,
 * -ENAMETOOLONG when it does not fit: never truncated (R18). */
PRONG_API PRONG_CHECK int prong_address_from_path(struct prong_address *address, const char *path);

/* "1.2.3.4:80", "[::1]:80", "unix:/path", "unix:@name".  -EINVAL, -ENAMETOOLONG. */
PRONG_API PRONG_CHECK int prong_address_parse(struct prong_address *address, const char *text);

/* The inverse of prong_address_parse(): writes at most `size` bytes with the NUL and
 * returns `text`.  An address without a family gives "-", an unnamed unix socket "unix:".
 * Bytes of a path that are not printable, a space or a backslash are written as \xNN: such a text
 * is for people, and not parsed back. */
PRONG_API const char *prong_address_format(const struct prong_address *address, char *text,
                                           size_t size);

/* Only the IP ("1.2.3.4", "fe80::1%2"), without port or brackets. */
PRONG_API const char *prong_address_format_ip(const struct prong_address *address, char *text,
                                              size_t size);

/* Same family and same value; the port counts. */
PRONG_API bool prong_address_equal(const struct prong_address *left,
                                   const struct prong_address *right);

/* Is it an IPv4 address written as IPv6 (::ffff:a.b.c.d)? */
PRONG_API bool prong_address_is_mapped(const struct prong_address *address);

/* The loop's and the kernel's form.  `*length` is set.  -EAFNOSUPPORT without a family. */
PRONG_API PRONG_CHECK int prong_address_to_sockaddr(const struct prong_address *address,
                                                    struct sockaddr_storage *storage,
                                                    socklen_t *length);

/* Where a socket is bound: the port of a descriptor from elsewhere.  -EBADF, -ENOTSOCK. */
PRONG_API PRONG_CHECK int prong_address_from_fd(struct prong_address *address, int fd);

/* An unknown family gives an address with family 0. */
PRONG_API void prong_address_from_sockaddr(struct prong_address *address,
                                           const struct sockaddr *sockaddr, socklen_t length);

PRONG_END

#endif
