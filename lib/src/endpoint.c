/* SPDX-License-Identifier: MIT
 *
 * Packing and unpacking of endpoints.
 */
#include "endpoint.h"

#include <stdbool.h>
#include <string.h>

static bool is_link_local(const uint8_t ip[16])
{
    return ip[0] == 0xfe && (ip[1] & 0xc0) == 0x80;
}

void endpoint_pack(struct endpoint *endpoint, const struct prong_address *address)
{
    memcpy(endpoint->ip, address->ip, sizeof(endpoint->ip));
    endpoint->port = address->port;
    if (address->family == AF_INET6 && is_link_local(address->ip))
        memcpy(endpoint->ip + 4, &address->scope, sizeof(address->scope));
}

void endpoint_unpack(const struct endpoint *endpoint, uint8_t family, struct prong_address *address)
{
    memset(address, 0, sizeof(*address));
    address->family = family;
    if (family == AF_UNIX)
        return;
    address->port = endpoint->port;
    memcpy(address->ip, endpoint->ip, sizeof(endpoint->ip));
    if (family == AF_INET6 && is_link_local(endpoint->ip)) {
        memcpy(&address->scope, endpoint->ip + 4, sizeof(address->scope));
        memset(address->ip + 4, 0, sizeof(address->scope));
    }
}
