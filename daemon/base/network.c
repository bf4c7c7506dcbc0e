/* SPDX-License-Identifier: MIT
 *
 * Addresses cut to their first bits.
 */
#include "network.h"

#include <prong/address.h>
#include <string.h>
#include <sys/socket.h>

#include "shares.h"

/* IPv4 stands at its mapped place in the IPv6 space. */
#define V4_OFFSET 96

static uint64_t read_half(const uint8_t *bytes)
{
    uint64_t value = 0;

    for (unsigned i = 0; i < 8; i++)
        value = value << 8 | bytes[i];
    return value;
}

/* The first `bits` of 64; more are all of them. */
static uint64_t keep_bits(uint64_t value, unsigned bits)
{
    if (bits == 0)
        return 0;
    return bits >= 64 ? value : value & ~(UINT64_MAX >> bits);
}

bool network_set(struct share_key *key, const struct prong_address *client, unsigned prefix_v4,
                 unsigned prefix_v6)
{
    static const uint8_t mapped[V4_OFFSET / 8] = {[10] = 0xff, [11] = 0xff};
    bool is_v4 = client->family == AF_INET || memcmp(client->ip, mapped, sizeof(mapped)) == 0;
    unsigned prefix = is_v4 ? V4_OFFSET + prefix_v4 : prefix_v6;
    uint8_t bytes[16] = {0};

    if (client->family != AF_INET && client->family != AF_INET6)
        return false;
    if (client->family == AF_INET) {
        memcpy(bytes, mapped, sizeof(mapped));
        memcpy(bytes + sizeof(mapped), client->ip, 4);
    } else {
        memcpy(bytes, client->ip, sizeof(bytes));
    }
    key->high = keep_bits(read_half(bytes), prefix);
    key->low = prefix > 64 ? keep_bits(read_half(bytes + 8), prefix - 64) : 0;
    return true;
}
