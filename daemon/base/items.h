/* SPDX-License-Identifier: MIT
 *
 * Items: what the workers of a server know together of the things that their handler deals with by
 * name, as upstreams.
 *
 * A table of bounded size, a part of the scoreboard's file, so that it outlives generations and an
 * exec of the master.  An item is there once for all workers.  Its figures are atomic, written by
 * any worker and read by all; what they mean say the rows of the handler (<prongd/handler.h>).
 *
 * How many workers have an item, and use it, is counted in shares (shares.h), which the master
 * frees when their worker dies.  The place of an item that nobody has is kept with all its figures,
 * for it may come back, until its place is needed for another one.
 */
#ifndef PRONGD_ITEMS_H
#define PRONGD_ITEMS_H

#include <stdalign.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#define ITEMS          2048
#define ITEM_FIGURES   24
#define ITEM_TEXT_SIZE 128

struct prongd_handler;
struct share;
struct share_key;
struct shares;

/* What an item is found by, each a hash: share_server() of its server's name, and of its own; and
 * of what the figures mean, so that code with others has items of its own. */
struct item_key {
    uint64_t server, name, meaning;
};

struct item_place {
    alignas(64) _Atomic uint64_t server; /* 0: free */
    _Atomic uint64_t name, meaning;
    _Atomic uint32_t is_drained; /* an operator's wish */
    uint32_t reserved;
    char text[ITEM_TEXT_SIZE];   /* its name */
    char origin[ITEM_TEXT_SIZE]; /* what the configuration calls it */
    /* Eight of them share a cache line. */
    alignas(64) _Atomic uint64_t figures[ITEM_FIGURES];
};

struct items {
    alignas(64) _Atomic uint32_t count; /* places that were ever used: those behind are free */
    struct item_place places[ITEMS];
};

/* Of an item of this handler, at the server with this share_server(). */
struct item_key items_key(uint64_t server, const struct prongd_handler *handler, const char *name);

/* The item's place; NULL: there is none. */
struct item_place *items_find(struct items *items, const struct item_key *key);

/* The same, or a new one, with figures that are all 0: for who has the lock (items_lock()).  NULL:
 * every place is taken by an item that somebody has. */
struct item_place *items_make(struct items *items, const struct shares *shares,
                              const struct item_key *key, const char *name, const char *origin);

/* One process at a time makes items.  `fd`: the scoreboard's.  0 or -EBUSY. */
int items_lock(int fd);
void items_unlock(int fd);

/* --- Who has it --- */

struct item_use {
    uint64_t workers; /* that have it */
    uint64_t users;   /* of these: that would send somebody new there */
};

struct item_use items_use(const struct shares *shares, const struct item_key *key);

/* The worker's share that says so.  NULL: the table of shares is full. */
struct share *items_hold(struct shares *shares, uint64_t owner, const struct item_key *key);

/* The holder uses it, or has it only. */
void item_share_set(struct share *share, bool uses);

#endif
