/* SPDX-License-Identifier: MIT
 *
 * What the headers of the PROXY protocol consist of (proxy-protocol.txt, section 2).
 */
#ifndef PRONG_PROXY_HEADER_INTERNAL_H
#define PRONG_PROXY_HEADER_INTERNAL_H

#include <prong/proxy_header.h>

/* Of version 1 the whole line, with its CR LF. */
#define V1_SIGNATURE 6
#define V1_MAX       107

extern const char proxy_signature_v1[V1_SIGNATURE + 1];

/* Where things are in the head of version 2; addresses and values follow. */
#define V2_SIGNATURE 12
#define V2_COMMAND   12 /* the version in the high half */
#define V2_FAMILY    13 /* the address's in the high half, the protocol's in the low one */
#define V2_LENGTH    14 /* of what follows */
#define V2_HEAD      16

extern const unsigned char proxy_signature_v2[V2_SIGNATURE];

enum v2_command { V2_LOCAL = 0x20, V2_PROXY = 0x21 };

enum v2_family { V2_FAMILY_NONE, V2_FAMILY_INET, V2_FAMILY_INET6, V2_FAMILY_UNIX };

enum v2_protocol { V2_STREAM = 1, V2_DATAGRAM = 2 };

/* Before each value: its type, and its length in two bytes. */
#define V2_VALUE_HEAD 3

#define V2_TYPE_CRC32C 0x03

#endif
