/* SPDX-License-Identifier: MIT
 *
 * An arena and an index.
 *
 * Positions count bytes from the beginning of time; an item's place in the arena is its position
 * modulo the arena's size.  What lies between `head` and `tail` is whole: `head` is raised before
 * the bytes behind it are overwritten, `tail` and the index when the new item is written.
 */
#include "store.h"

#include <stdatomic.h>
#include <string.h>
#include <time.h>

#define VERSION UINT64_C(0x6b760001)

/* One place of the index for so many bytes of the memory. */
#define BYTES_PER_PLACE 128

/* A key stands at most so many places behind that of its hash. */
#define REACH 16

/* No value takes more of the arena than one part of so many. */
#define PARTS 8

struct store {
    _Atomic uint64_t version;
    uint64_t places; /* of the index; a power of two */
    uint64_t arena;  /* bytes */
    _Atomic uint64_t head;
    _Atomic uint64_t tail;
    _Atomic uint64_t events[STORE_EVENTS];
    _Atomic uint64_t index[]; /* position + 1; 0: free */
};

struct item {
    uint64_t position; /* its own */
    uint32_t value_size;
    uint32_t flags;
    uint32_t expiry_s;
    uint16_t key_size;
    uint16_t reserved;
    char bytes[]; /* the key, then the value */
};

static char *arena_of(struct store *store)
{
    return (char *)&store->index[store->places];
}

static uint64_t round_up(uint64_t size)
{
    return (size + 7) & ~UINT64_C(7);
}

/* --- Memory --- */

static void lay_out(struct store *store, size_t size)
{
    uint64_t places = 1;

    while (places * 2 * BYTES_PER_PLACE <= size)
        places *= 2;
    store->places = places;
    store->arena = (size - sizeof(*store) - places * sizeof(store->index[0])) & ~(size_t)7;
    atomic_store(&store->version, VERSION);
}

struct store *store_open(void *memory, size_t size)
{
    struct store *store = memory;

    if (memory == NULL || size < STORE_LEAST)
        return NULL;
    if (atomic_load(&store->version) == 0)
        lay_out(store, size);
    return atomic_load(&store->version) == VERSION ? store : NULL;
}

size_t store_value_most(const struct store *store)
{
    return (size_t)(store->arena / PARTS);
}

uint64_t store_used(const struct store *store)
{
    return store->tail - store->head;
}

uint64_t store_size(const struct store *store)
{
    return store->arena;
}

void store_count(struct store *store, enum store_event event)
{
    store->events[event]++;
}

uint64_t store_counted(const struct store *store, enum store_event event)
{
    return store->events[event];
}

/* --- Finding --- */

static uint64_t hash_of(const struct store_key *key)
{
    uint64_t hash = UINT64_C(0xcbf29ce484222325);

    for (size_t i = 0; i < key->size; i++)
        hash = (hash ^ (unsigned char)key->bytes[i]) * UINT64_C(0x100000001b3);
    return hash ^ (hash >> 32);
}

static _Atomic uint64_t *place_of(struct store *store, uint64_t hash, uint64_t step)
{
    return &store->index[(hash + step) & (store->places - 1)];
}

/* NULL: it was overwritten, or there never was one. */
static struct item *item_at(struct store *store, uint64_t place)
{
    struct item *item;

    if (place == 0 || place - 1 < store->head || place - 1 >= store->tail)
        return NULL;
    item = (struct item *)(void *)(arena_of(store) + (place - 1) % store->arena);
    return item->position == place - 1 ? item : NULL;
}

static bool has_key(const struct item *item, const struct store_key *key)
{
    return item->key_size == key->size && memcmp(item->bytes, key->bytes, key->size) == 0;
}

static bool is_over(const struct item *item)
{
    return item->expiry_s != 0 && item->expiry_s <= (uint64_t)time(NULL);
}

/* The key's place in the index; NULL: it has none. */
static _Atomic uint64_t *find(struct store *store, const struct store_key *key)
{
    uint64_t hash = hash_of(key);

    for (uint64_t step = 0; step < REACH; step++) {
        _Atomic uint64_t *place = place_of(store, hash, step);
        const struct item *item = item_at(store, *place);

        if (item != NULL && has_key(item, key))
            return place;
    }
    return NULL;
}

/* For a key without one: free, or that of the oldest. */
static _Atomic uint64_t *find_room(struct store *store, const struct store_key *key)
{
    uint64_t hash = hash_of(key);
    _Atomic uint64_t *best = place_of(store, hash, 0);

    for (uint64_t step = 0; step < REACH; step++) {
        _Atomic uint64_t *place = place_of(store, hash, step);

        if (item_at(store, *place) == NULL)
            return place;
        if (*place < *best)
            best = place;
    }
    return best;
}

bool store_get(struct store *store, const struct store_key *key, struct store_value *value)
{
    _Atomic uint64_t *place = find(store, key);
    const struct item *item = place != NULL ? item_at(store, *place) : NULL;

    if (item == NULL || is_over(item))
        return false;
    *value = (struct store_value){.bytes = item->bytes + item->key_size,
                                  .size = item->value_size,
                                  .flags = item->flags,
                                  .expiry_s = item->expiry_s};
    return true;
}

/* --- Changing --- */

/* Where the next item of this size begins: it does not go round the end of the arena. */
static uint64_t begin_of(const struct store *store, uint64_t size)
{
    uint64_t tail = store->tail, rest = store->arena - tail % store->arena;

    return rest < size ? tail + rest : tail;
}

bool store_set(struct store *store, const struct store_key *key, const struct store_value *value)
{
    uint64_t size = round_up(sizeof(struct item) + key->size + value->size);
    uint64_t begin = begin_of(store, size), end = begin + size;
    _Atomic uint64_t *place = find(store, key);
    struct item *item = (struct item *)(void *)(arena_of(store) + begin % store->arena);

    if (value->size > store_value_most(store))
        return false;
    if (place == NULL)
        place = find_room(store, key);
    if (end > store->arena && store->head < end - store->arena)
        store->head = end - store->arena;
    *item = (struct item){.position = begin,
                          .value_size = (uint32_t)value->size,
                          .flags = value->flags,
                          .expiry_s = value->expiry_s,
                          .key_size = (uint16_t)key->size};
    memcpy(item->bytes, key->bytes, key->size);
    memcpy(item->bytes + key->size, value->bytes, value->size);
    store->tail = end;
    *place = begin + 1;
    return true;
}

bool store_delete(struct store *store, const struct store_key *key)
{
    _Atomic uint64_t *place = find(store, key);
    const struct item *item = place != NULL ? item_at(store, *place) : NULL;
    bool was_there = item != NULL && !is_over(item);

    if (place != NULL)
        *place = 0;
    return was_there;
}
