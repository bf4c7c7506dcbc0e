/* SPDX-License-Identifier: MIT
 *
 * Places are looked through from the first one: there are few, and nobody does it often.
 */
#include "items.h"

#include <assert.h>
#include <prongd/handler.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "latch.h"
#include "shares.h"

static_assert(sizeof(struct item_place) == 512, "eight lines of a cache");
static_assert(ITEM_FIGURES == PRONGD_FIGURES, "each figure has its place");

/* share_server() is a server's own key; this one is that of its items (see worker/limit.c). */
#define KEY_OF_ITEMS 3

/* What a worker's share counts: one for having it, and in the upper half one for its use. */
#define USE       UINT32_C(0x10000)
#define HAVE_BITS 16
#define HAVE_MASK (USE - 1)

static uint64_t get(const _Atomic uint64_t *number)
{
    return atomic_load_explicit(number, memory_order_acquire);
}

/* FNV-1a */
static uint64_t hash_on(uint64_t hash, const char *text)
{
    do
        hash = (hash ^ (unsigned char)*text) * UINT64_C(0x100000001b3);
    while (*text++ != '\0');
    return hash;
}

/* Of all that says which figure means what. */
static uint64_t meaning_of(const struct prongd_handler *handler)
{
    uint64_t hash = hash_on(UINT64_C(0xcbf29ce484222325), handler->name);

    for (size_t i = 0; i < handler->figure_count; i++) {
        hash = hash_on(hash, handler->figures[i].name);
        hash = (hash ^ (uint64_t)handler->figures[i].kind) * UINT64_C(0x100000001b3);
    }
    for (size_t i = 0; i < handler->item_state_count; i++)
        hash = hash_on(hash, handler->item_states[i].name);
    return hash;
}

/* None is 0: nobody's. */
struct item_key items_key(uint64_t server, const struct prongd_handler *handler, const char *name)
{
    return (struct item_key){
        .server = server | 1, .name = share_server(name) | 1, .meaning = meaning_of(handler) | 1};
}

static bool is_of(const struct item_place *place, const struct item_key *key)
{
    return get(&place->server) == key->server && get(&place->name) == key->name &&
           get(&place->meaning) == key->meaning;
}

/* Other processes write the count. */
static uint32_t count_of(const struct items *items)
{
    uint32_t count = atomic_load_explicit(&items->count, memory_order_acquire);

    return count < ITEMS ? count : ITEMS;
}

struct item_place *items_find(struct items *items, const struct item_key *key)
{
    uint32_t count = count_of(items);

    for (uint32_t i = 0; i < count; i++) {
        if (is_of(&items->places[i], key))
            return &items->places[i];
    }
    return NULL;
}

static bool is_had(const struct shares *shares, const struct item_place *place)
{
    const struct item_key key = {get(&place->server), get(&place->name), get(&place->meaning)};

    return items_use(shares, &key).workers > 0;
}

/* One that was never used, or one that nobody has any more.  NULL: none. */
static struct item_place *find_room(struct items *items, const struct shares *shares)
{
    uint32_t count = count_of(items);

    if (count < ITEMS)
        return &items->places[count];
    for (uint32_t i = 0; i < ITEMS; i++) {
        if (!is_had(shares, &items->places[i]))
            return &items->places[i];
    }
    return NULL;
}

/* The server last: who looks for an item does not find it half-made. */
static void fill(struct item_place *place, const struct item_key *key, const char *name,
                 const char *origin)
{
    atomic_store(&place->server, 0);
    atomic_store(&place->name, key->name);
    atomic_store(&place->meaning, key->meaning);
    atomic_store(&place->is_drained, 0);
    (void)snprintf(place->text, sizeof(place->text), "%s", name);
    (void)snprintf(place->origin, sizeof(place->origin), "%s", origin);
    for (size_t i = 0; i < ITEM_FIGURES; i++)
        atomic_store(&place->figures[i], 0);
    atomic_store(&place->server, key->server);
}

struct item_place *items_make(struct items *items, const struct shares *shares,
                              const struct item_key *key, const char *name, const char *origin)
{
    struct item_place *place = items_find(items, key);

    if (place != NULL) {
        if (!is_had(shares, place)) /* who drained it has drained one that is gone */
            atomic_store(&place->is_drained, 0);
        return place;
    }
    place = find_room(items, shares);
    if (place == NULL)
        return NULL;
    fill(place, key, name, origin);
    if (place == &items->places[count_of(items)])
        atomic_fetch_add(&items->count, 1);
    return place;
}

int items_lock(int fd)
{
    return latch_take_alone(fd);
}

void items_unlock(int fd)
{
    latch_give_alone(fd);
}

/* --- Who has it --- */

static struct share_key share_key_of(const struct item_key *key)
{
    return (struct share_key){
        .server = key->server + KEY_OF_ITEMS, .high = key->name, .low = key->meaning};
}

struct item_use items_use(const struct shares *shares, const struct item_key *key)
{
    const struct share_key share = share_key_of(key);
    uint64_t sum = shares_connections(shares, &share);

    return (struct item_use){.workers = sum & HAVE_MASK, .users = sum >> HAVE_BITS};
}

struct share *items_hold(struct shares *shares, uint64_t owner, const struct item_key *key)
{
    const struct share_key share = share_key_of(key);

    return shares_hold(shares, owner, &share);
}

void item_share_set(struct share *share, bool uses)
{
    share_set(share, uses ? USE + 1 : 1);
}
