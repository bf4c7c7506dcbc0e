/* SPDX-License-Identifier: MIT
 *
 * An IP address and a port in 18 bytes: every connection carries two of them.
 *
 * The family is kept by the owner, once for both.  An IPv6 zone stands in the four bytes after
 * the first four, which are always zero in a link-local address.
 */
#ifndef PRONG_ENDPOINT_H
#define PRONG_ENDPOINT_H

#include <prong/address.h>

#include <stdint.h>

struct endpoint {
    uint8_t ip[16];
    uint16_t port;
};

void endpoint_pack(struct endpoint *endpoint, const struct prong_address *address);
void endpoint_unpack(const struct endpoint *endpoint, uint8_t family,
                     struct prong_address *address);

#endif
