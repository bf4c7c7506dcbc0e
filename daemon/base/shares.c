/* SPDX-License-Identifier: MIT
 *
 * Open addressing with bounded reach; no entry ever moves.
 */
#include "shares.h"

#include <stddef.h>
#include <sys/random.h>
#include <time.h>

#define KEY_OF_LIMITS 2
#define SLOT_BITS     16
#define KEEPERS       (UINT64_C(1) << 63)
#define ACCEPTED_MASK UINT64_C(0xffffffff)

/* In turns of an empty loop: about a microsecond. */
#define STEP_BACK_TURNS 500

static uint64_t this_second(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
    return (uint64_t)now.tv_sec;
}

/* --- Keys --- */

/* The finalizer of MurmurHash3: every bit of the input reaches every bit of the result. */
static uint64_t mix(uint64_t value)
{
    value = (value ^ value >> 33) * UINT64_C(0xff51afd7ed558ccd);
    value = (value ^ value >> 33) * UINT64_C(0xc4ceb9fe1a85ec53);
    return value ^ value >> 33;
}

/* FNV-1a */
uint64_t share_server(const char *name)
{
    uint64_t hash = UINT64_C(0xcbf29ce484222325);

    for (; *name != '\0'; name++)
        hash = (hash ^ (unsigned char)*name) * UINT64_C(0x100000001b3);
    return hash;
}

/* The server's own key is share_server(), that of its clients' networks is the next.  Neither
 * number is 0: no server's own key. */
struct share_key share_limit_key(const char *server, const char *name)
{
    return (struct share_key){.server = share_server(server) + KEY_OF_LIMITS,
                              .high = share_server(name) | 1,
                              .low = share_server(server) | 1};
}

uint64_t shares_owner(uint64_t generation, unsigned slot)
{
    return generation << SLOT_BITS | (slot + 1U);
}

uint64_t shares_keeper(pid_t pid)
{
    return KEEPERS | (uint64_t)pid;
}

void shares_init(struct shares *shares)
{
    /* Without randomness the table works as well, but strangers may know its order. */
    (void)!getrandom(&shares->seed, sizeof(shares->seed), GRND_NONBLOCK);
}

static size_t first_place(const struct shares *shares, const struct share_key *key)
{
    uint64_t hash = mix(shares->seed ^ key->server);

    return mix(mix(hash ^ key->high) ^ key->low) % SHARES;
}

static bool has_key(const struct share *share, const struct share_key *key)
{
    return atomic_load_explicit(&share->low, memory_order_relaxed) == key->low &&
           atomic_load_explicit(&share->high, memory_order_relaxed) == key->high &&
           atomic_load_explicit(&share->server, memory_order_relaxed) == key->server;
}

/* --- One's own entries --- */

struct share *shares_find(struct shares *shares, uint64_t owner, const struct share_key *key)
{
    size_t first = first_place(shares, key);

    for (size_t i = 0; i < SHARES_REACH; i++) {
        struct share *share = &shares->entries[(first + i) % SHARES];

        if (atomic_load_explicit(&share->owner, memory_order_relaxed) == owner &&
            has_key(share, key))
            return share;
    }
    return NULL;
}

static bool claim(struct share *share, uint64_t owner)
{
    uint64_t nobody = 0;

    return atomic_load_explicit(&share->owner, memory_order_relaxed) == 0 &&
           atomic_compare_exchange_strong(&share->owner, &nobody, owner);
}

/* What others read of it before it counts something is of no effect. */
struct share *shares_hold(struct shares *shares, uint64_t owner, const struct share_key *key)
{
    struct share *share = shares_find(shares, owner, key);
    size_t first = first_place(shares, key);

    for (size_t i = 0; share == NULL && i < SHARES_REACH; i++) {
        struct share *place = &shares->entries[(first + i) % SHARES];

        if (!claim(place, owner))
            continue;
        atomic_store_explicit(&place->server, key->server, memory_order_relaxed);
        atomic_store_explicit(&place->high, key->high, memory_order_relaxed);
        atomic_store_explicit(&place->low, key->low, memory_order_relaxed);
        share = place;
    }
    return share;
}

/* Counts first: whoever claims the entry finds them at 0. */
static void free_entry(struct share *share)
{
    atomic_store(&share->connections, 0);
    atomic_store(&share->accepted, 0);
    atomic_store(&share->owner, 0);
}

static uint64_t accepted_in(const struct share *share, uint64_t second)
{
    uint64_t accepted = atomic_load(&share->accepted);

    return accepted >> 32 == second ? accepted & ACCEPTED_MASK : 0;
}

static void free_when_empty(struct share *share, uint64_t second)
{
    if (atomic_load_explicit(&share->connections, memory_order_relaxed) == 0 &&
        accepted_in(share, second) == 0)
        free_entry(share);
}

void share_take(struct share *share)
{
    atomic_store(&share->connections,
                 atomic_load_explicit(&share->connections, memory_order_relaxed) + 1);
}

void share_give(struct share *share)
{
    share_set(share, atomic_load_explicit(&share->connections, memory_order_relaxed) - 1);
}

void share_set(struct share *share, uint64_t count)
{
    atomic_store(&share->connections, count);
    if (count == 0)
        free_when_empty(share, this_second());
}

void share_step_back(uint64_t owner, unsigned attempt)
{
    uint64_t slot = owner & ((UINT64_C(1) << SLOT_BITS) - 1); /* from 1 on */

    for (volatile uint64_t i = 0; i < slot * (attempt + 1) * STEP_BACK_TURNS;)
        i = i + 1;
}

void share_note_accepted(struct share *share)
{
    uint64_t second = this_second();

    atomic_store(&share->accepted, second << 32 | (accepted_in(share, second) + 1));
}

/* In the next second there is nothing to take back. */
void share_note_refused(struct share *share)
{
    uint64_t second = this_second(), accepted = accepted_in(share, second);

    atomic_store(&share->accepted, second << 32 | (accepted > 0 ? accepted - 1 : 0));
}

void shares_sweep(struct shares *shares, uint64_t owner)
{
    uint64_t second = this_second();

    for (size_t i = 0; i < SHARES; i++) {
        struct share *share = &shares->entries[i];

        if (atomic_load_explicit(&share->owner, memory_order_relaxed) == owner)
            free_when_empty(share, second);
    }
}

/* --- Everybody's --- */

/* The count before the key: an entry that is not ready yet counts nothing. */
uint64_t shares_connections(const struct shares *shares, const struct share_key *key)
{
    size_t first = first_place(shares, key);
    uint64_t sum = 0;

    for (size_t i = 0; i < SHARES_REACH; i++) {
        const struct share *share = &shares->entries[(first + i) % SHARES];
        uint64_t connections = atomic_load(&share->connections);

        if (connections > 0 && has_key(share, key))
            sum += connections;
    }
    return sum;
}

uint64_t shares_accepted(const struct shares *shares, const struct share_key *key)
{
    size_t first = first_place(shares, key);
    uint64_t second = this_second(), sum = 0;

    for (size_t i = 0; i < SHARES_REACH; i++) {
        const struct share *share = &shares->entries[(first + i) % SHARES];
        uint64_t accepted = accepted_in(share, second);

        if (accepted > 0 && has_key(share, key))
            sum += accepted;
    }
    return sum;
}

void shares_forget(struct shares *shares, uint64_t owner)
{
    for (size_t i = 0; i < SHARES; i++) {
        if (atomic_load_explicit(&shares->entries[i].owner, memory_order_relaxed) == owner)
            free_entry(&shares->entries[i]);
    }
}
