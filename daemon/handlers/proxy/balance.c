/* SPDX-License-Identifier: MIT
 *
 * A function for each kind.
 */
#include "balance.h"

#include <math.h>
#include <prong/address.h>
#include <stdbool.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <time.h>

#include "upstream.h"
#include "upstream_item.h"

#define V4_OFFSET 12

/* --- Numbers --- */

/* The finalizer of MurmurHash3: every bit of the input reaches every bit of the result. */
static uint64_t mix(uint64_t value)
{
    value = (value ^ value >> 33) * UINT64_C(0xff51afd7ed558ccd);
    value = (value ^ value >> 33) * UINT64_C(0xc4ceb9fe1a85ec53);
    return value ^ value >> 33;
}

/* xorshift64 */
static uint64_t draw(struct balance *balance)
{
    balance->random ^= balance->random << 13;
    balance->random ^= balance->random >> 7;
    balance->random ^= balance->random << 17;
    return balance->random;
}

void balance_init(struct balance *balance, enum proxy_balance kind)
{
    balance->kind = kind;
    if (getrandom(&balance->random, sizeof(balance->random), GRND_NONBLOCK) < 0)
        balance->random = (uint64_t)time(NULL);
    balance->random |= 1;
}

/* --- Round robin --- */

/* Smooth, as in nginx: each saves up its weight, and the richest pays for all. */
static size_t pick_round_robin(struct balance *balance, struct upstream *const *upstreams,
                               size_t count, const struct prong_address *client)
{
    int64_t total = 0;
    size_t best = 0;

    (void)balance;
    (void)client;
    for (size_t i = 0; i < count; i++) {
        upstreams[i]->turn += upstreams[i]->item->weight;
        total += upstreams[i]->item->weight;
        if (upstreams[i]->turn > upstreams[best]->turn)
            best = i;
    }
    upstreams[best]->turn -= total;
    return best;
}

/* --- By connections --- */

/* Has `left` fewer connections for its weight than `right`? */
static bool is_lighter(const struct upstream *left, const struct upstream *right)
{
    return upstream_connections(left) * right->item->weight <
           upstream_connections(right) * left->item->weight;
}

/* Of equals the next in turn. */
static size_t pick_least_connections(struct balance *balance, struct upstream *const *upstreams,
                                     size_t count, const struct prong_address *client)
{
    size_t best = pick_round_robin(balance, upstreams, count, client);

    for (size_t i = 0; i < count; i++) {
        if (is_lighter(upstreams[i], upstreams[best]))
            best = i;
    }
    return best;
}

/* By weight; `but` is none of them, or left out. */
static size_t draw_one(struct balance *balance, struct upstream *const *upstreams, size_t count,
                       size_t but)
{
    uint64_t total = 0, place;
    size_t last = 0;

    for (size_t i = 0; i < count; i++)
        total += i == but ? 0 : upstreams[i]->item->weight;
    place = total > 0 ? draw(balance) % total : 0;
    for (size_t i = 0; i < count; i++) {
        if (i == but)
            continue;
        last = i;
        if (place < upstreams[i]->item->weight)
            break;
        place -= upstreams[i]->item->weight;
    }
    return last;
}

static size_t pick_random_two(struct balance *balance, struct upstream *const *upstreams,
                              size_t count, const struct prong_address *client)
{
    size_t one = draw_one(balance, upstreams, count, count), other;

    (void)client;
    if (count == 1)
        return one;
    other = draw_one(balance, upstreams, count, one);
    return is_lighter(upstreams[other], upstreams[one]) ? other : one;
}

/* --- By the client's address --- */

static uint64_t read_half(const uint8_t *bytes)
{
    uint64_t value;

    memcpy(&value, bytes, sizeof(value));
    return value;
}

/* IPv4 stands at its mapped place in the IPv6 space.  Clients without an address are one. */
static uint64_t hash_client(const struct prong_address *client)
{
    uint8_t bytes[16] = {[10] = 0xff, [11] = 0xff};

    if (client->family == AF_INET)
        memcpy(bytes + V4_OFFSET, client->ip, sizeof(bytes) - V4_OFFSET);
    else if (client->family == AF_INET6)
        memcpy(bytes, client->ip, sizeof(bytes));
    return mix(mix(read_half(bytes)) ^ read_half(bytes + 8));
}

/* Rendezvous hashing: every upstream draws a time from the exponential distribution of its weight,
 * and the first wins.  An upstream that comes or goes moves its own share of the clients, and
 * nobody else's. */
static size_t pick_hash_source(struct balance *balance, struct upstream *const *upstreams,
                               size_t count, const struct prong_address *client)
{
    uint64_t hash = hash_client(client);
    double least = 0;
    size_t best = 0;

    (void)balance;
    for (size_t i = 0; i < count; i++) {
        double unit = ((double)(mix(hash ^ upstreams[i]->hash) >> 11) + 0.5) / (double)(1ULL << 53);
        double wait = -log(unit) / upstreams[i]->item->weight;

        if (i > 0 && wait >= least)
            continue;
        least = wait;
        best = i;
    }
    return best;
}

typedef size_t pick(struct balance *balance, struct upstream *const *upstreams, size_t count,
                    const struct prong_address *client);

static pick *const picks[] = {
    [PROXY_ROUND_ROBIN] = pick_round_robin,
    [PROXY_LEAST_CONNECTIONS] = pick_least_connections,
    [PROXY_HASH_SOURCE] = pick_hash_source,
    [PROXY_RANDOM_TWO] = pick_random_two,
};

size_t balance_pick(struct balance *balance, struct upstream *const *upstreams, size_t count,
                    const struct prong_address *client)
{
    return picks[balance->kind](balance, upstreams, count, client);
}
