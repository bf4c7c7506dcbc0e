/* SPDX-License-Identifier: MIT
 *
 * store: keys and values in memory of fixed size that all workers share.
 *
 * Items are appended to an arena that goes round: the newest overwrite the oldest.  An index of
 * positions finds them.  Every change becomes true with one store of one word, after everything
 * that it speaks of is written: so a worker that is killed in the middle of one has changed
 * nothing, or all of it, and the next one has nothing to mend.
 *
 * Every function is called under the lock of the memory.
 */
#ifndef KV_STORE_H
#define KV_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define STORE_LEAST    ((size_t)1 << 20)
#define STORE_KEY_MOST 250

struct store;

struct store_key {
    const char *bytes;
    size_t size; /* 1 to STORE_KEY_MOST */
};

struct store_value {
    const void *bytes; /* in the store: until the lock is given back */
    size_t size;
    uint32_t flags;    /* of the client */
    uint32_t expiry_s; /* time(2); 0: never */
};

/* What has happened, in all workers, since the server is new. */
enum store_event { STORE_GET, STORE_HIT, STORE_SET, STORE_DELETED, STORE_EVENTS };

/* Zeroed memory of at least STORE_LEAST bytes, or that of an earlier program.  NULL: it is too
 * small, or what stands there is of another version. */
struct store *store_open(void *memory, size_t size);

/* The longest value. */
size_t store_value_most(const struct store *store);

/* Bytes that items have, and that they may have. */
uint64_t store_used(const struct store *store);
uint64_t store_size(const struct store *store);

void store_count(struct store *store, enum store_event event);
uint64_t store_counted(const struct store *store, enum store_event event);

/* False: there is none, or not any more. */
bool store_get(struct store *store, const struct store_key *key, struct store_value *value);

/* In the place of what was there.  False: it is too long. */
bool store_set(struct store *store, const struct store_key *key, const struct store_value *value);

/* False: there was none. */
bool store_delete(struct store *store, const struct store_key *key);

#endif
