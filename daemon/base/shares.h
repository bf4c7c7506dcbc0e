/* SPDX-License-Identifier: MIT
 *
 * Shares: what each worker holds of the limits of a server, in memory that all of them see.
 *
 * A table of bounded size, a part of the scoreboard's file, so that it outlives generations and an
 * exec of the master.  An entry is what one worker holds for one key (a server, or a network at a
 * server); it is claimed with one compare-and-swap, and from then on written by its owner alone.
 * What all hold of a key is the sum of the entries with that key.
 *
 * Nobody holds a lock.  Who wants one more first shows it and then counts all, in one order that
 * all agree on: of several who meet at a limit at least one sees the others, so that it is never
 * exceeded; it may be missed by a moment.
 *
 * A worker that is killed leaves entries, whole or half-made: half-made ones count nothing.  The
 * master frees all of them with the worker's owner number.
 *
 * An entry stands at most SHARES_REACH places behind that of its key's hash.  Where these are all
 * taken by others there is none to hold: the table is full for that key.  So a key can be held by
 * no more than SHARES_REACH workers.
 */
#ifndef PRONGD_SHARES_H
#define PRONGD_SHARES_H

#include <stdalign.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#define SHARES       32768
#define SHARES_REACH 128

/* How often a worker tries to be let in at the very limit. */
#define SHARE_ATTEMPTS 3

struct share_key {
    uint64_t server;    /* share_server() */
    uint64_t high, low; /* the network; for a whole server 0 */
};

struct share {
    alignas(64) _Atomic uint64_t owner; /* shares_owner(); 0: free */
    _Atomic uint64_t server, high, low;
    _Atomic uint64_t connections;
    _Atomic uint64_t accepted; /* in one second: its number above, the count in the low 32 bits */
};

struct shares {
    alignas(64) uint64_t seed; /* of the hash: strangers choose the keys */
    struct share entries[SHARES];
};

/* Of a table that is all zero. */
void shares_init(struct shares *shares);

/* Never 0, and another one for each worker that ever was. */
uint64_t shares_owner(uint64_t generation, unsigned slot);

/* The same for the keeper with this process id, while it lives. */
uint64_t shares_keeper(pid_t pid);

/* A server's name as a number: the same in every generation. */
uint64_t share_server(const char *name);

/* What is counted under this name for this server by a handler: worker/limit.h. */
struct share_key share_limit_key(const char *server, const char *name);

/* The entry that the owner has for the key.  NULL: none. */
struct share *shares_find(struct shares *shares, uint64_t owner, const struct share_key *key);

/* The same, or a new one.  NULL: the table is full. */
struct share *shares_hold(struct shares *shares, uint64_t owner, const struct share_key *key);

/* What all owners hold of the key. */
uint64_t shares_connections(const struct shares *shares, const struct share_key *key);

/* What all owners accepted for the key in this second. */
uint64_t shares_accepted(const struct shares *shares, const struct share_key *key);

/* One connection more or less.  With the last one the entry is free, unless it is needed to count
 * what was accepted in this second: do not use it afterwards. */
void share_take(struct share *share);
void share_give(struct share *share);

/* It counts so many, whatever they are; with 0 it is free, as with the last one. */
void share_set(struct share *share, uint64_t count);

/* A while, short and another one for each worker: of several who met at a limit, showed their
 * shares and took them back. */
void share_step_back(uint64_t owner, unsigned attempt);

/* One accepted more, or less after all, in this second. */
void share_note_accepted(struct share *share);
void share_note_refused(struct share *share);

/* Frees entries of the owner that count nothing any more.  To be called every second by a worker
 * that notes what it accepts. */
void shares_sweep(struct shares *shares, uint64_t owner);

/* The owner is dead. */
void shares_forget(struct shares *shares, uint64_t owner);

#endif
