/* SPDX-License-Identifier: MIT
 *
 * The scoreboard: shared memory with a cell per worker and per (worker, server).
 *
 * A memfd with a versioned header and a directory of generations, growable, so that it outlives
 * generations and an exec of the master.  The mapping is made once with room to grow: pointers
 * stay valid for the life of the process, and a process that mapped early sees what is added
 * later.  A cell is written by its worker alone (the master clears it between two workers of a
 * slot) and read by all, with relaxed atomics: gauges may be a moment old, never torn.
 */
#ifndef PRONGD_SCOREBOARD_H
#define PRONGD_SCOREBOARD_H

#include <stdalign.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include "access_end.h"
#include "drop.h"

#define SCOREBOARD_VERSION         4
#define SCOREBOARD_MAX_GENERATIONS 16
#define SCOREBOARD_CELL_SIZE       512
#define SCOREBOARD_COUNTERS        16 /* of a handler, for each server */

/* In the order of the design: EMPTY → STARTING → READY → DRAINING → STOPPING → EMPTY,
 * STARTING → RESTING → STARTING. */
enum slot_state {
    SLOT_EMPTY,
    SLOT_STARTING,
    SLOT_READY,
    SLOT_DRAINING,
    SLOT_STOPPING,
    SLOT_RESTING
};

/* "ready" … */
const char *slot_state_name(enum slot_state state);

/* What a worker's loop is in.  TURN: its own work. */
enum scoreboard_callback {
    CALLBACK_TURN,
    CALLBACK_CONNECTION,
    CALLBACK_DATA,
    CALLBACK_BUFFER,
    CALLBACK_READ,
    CALLBACK_HANGUP,
    CALLBACK_DRAIN,
    CALLBACK_END,
    CALLBACK_FINISH,
    CALLBACK_TIMEOUT,
    CALLBACK_ERROR,
    CALLBACK_CLOSE,
    CALLBACK_SAVE,
    CALLBACK_RESTORE,
    CALLBACK_LEAVE,
    CALLBACK_READABLE,
    CALLBACK_WRITABLE,
    CALLBACK_BROADCAST,
    CALLBACK_MESSAGE,
    CALLBACK_LOST
};

/* "on_data" …; "none" for TURN. */
const char *scoreboard_callback_name(enum scoreboard_callback callback);

struct scoreboard_worker {
    alignas(
        SCOREBOARD_CELL_SIZE) _Atomic uint32_t state; /* enum slot_state; the master writes it */
    _Atomic uint32_t pid;                             /* 0: nobody */
    _Atomic uint64_t started_ms;                      /* CLOCK_MONOTONIC */
    _Atomic uint64_t heartbeat_ms;                    /* CLOCK_MONOTONIC of its last turn */
    _Atomic uint64_t turns;                           /* of its loop */
    _Atomic uint64_t last_connection;                 /* the last id given in this slot */

    _Atomic uint64_t lag_us; /* how late its loop came to the last second */
    _Atomic uint64_t cpu_us; /* CPU time that it has used */

    _Atomic uint32_t callback;            /* enum scoreboard_callback: the last one of this turn */
    _Atomic uint64_t callback_connection; /* and for which connection */

    /* The exception, written by others: in this turn it slept on while somebody waited. */
    _Atomic uint64_t missed_turn;
};

struct scoreboard_server {
    alignas(SCOREBOARD_CELL_SIZE) _Atomic uint64_t connections; /* a gauge; the rest are sums */
    _Atomic uint64_t accepted;
    _Atomic uint64_t closed;
    _Atomic uint64_t dropped;
    _Atomic uint64_t bytes_read;
    _Atomic uint64_t bytes_written;

    /* The gate of this worker for this server (worker/gate.c). */
    _Atomic uint64_t recent;    /* accepted lately: a count that halves, and when it was so */
    _Atomic uint32_t load;      /* balance_metric = load: CPU time and loop lag, in permille */
    _Atomic uint32_t is_closed; /* a gauge: 1 while the gate is closed */
    _Atomic uint64_t gate_closed;
    _Atomic uint64_t gate_forced;
    _Atomic uint64_t gate_nudges;
    _Atomic uint32_t is_full;  /* a gauge: 1 while it accepts nobody, for there is no place */
    _Atomic uint64_t was_full; /* how often that began; worker/turnstile.c */
    _Atomic uint64_t queues_relieved; /* accept = reuseport: worker/warden.c */

    _Atomic uint64_t failed; /* of those that were closed: with an error; a sum */

    /* Who was not let in, and who was although (worker/admission.c); sums. */
    _Atomic uint64_t drops[DROP_REASONS]; /* make up `dropped` */
    _Atomic uint64_t shadowed;
    _Atomic uint64_t expelled;

    _Atomic uint64_t cuts[ACCESS_CUTS]; /* who was cut off, from ACCESS_FIRST_CUT on; sums */
    _Atomic uint64_t access_lost; /* lines of the access log that could not be written; a sum */

    /* What the handler counts, in the order of its rows; sums. */
    _Atomic uint64_t counters[SCOREBOARD_COUNTERS];
};

struct scoreboard;

/* A new, empty one.  NULL with errno. */
struct scoreboard *scoreboard_new(void);

/* Maps one that exists (after an exec).  Takes `fd` in every case.  NULL with errno; EPROTO: an
 * unknown version or a damaged header. */
struct scoreboard *scoreboard_adopt(int fd);

int scoreboard_fd(const struct scoreboard *board);

/* Room for a generation of `workers` slots and `servers` servers, zeroed.
 * 0, -EINVAL (no workers), -EEXIST, -ENOSPC (SCOREBOARD_MAX_GENERATIONS), -ENOMEM. */
int scoreboard_add(struct scoreboard *board, uint64_t generation, unsigned workers,
                   unsigned servers);

/* Gives the room back.  0 or -ENOENT. */
int scoreboard_remove(struct scoreboard *board, uint64_t generation);

/* What is in the directory, oldest first.  Returns the number. */
struct scoreboard_entry {
    uint64_t generation;
    uint32_t workers;
    uint32_t servers;
};
size_t scoreboard_generations(const struct scoreboard *board,
                              struct scoreboard_entry entries[SCOREBOARD_MAX_GENERATIONS]);

/* NULL when there is no such cell.  The cells of one server for all slots of a generation are
 * adjacent: scoreboard_server(g, 0, s)[slot] is the same as scoreboard_server(g, slot, s). */
struct scoreboard_worker *scoreboard_worker(const struct scoreboard *board, uint64_t generation,
                                            unsigned slot);
struct scoreboard_server *scoreboard_server(const struct scoreboard *board, uint64_t generation,
                                            unsigned slot, unsigned server);

struct shares;

/* What workers hold of the limits: shares.h. */
struct shares *scoreboard_shares(const struct scoreboard *board);

struct items;

/* What they know of their handlers' items: items.h. */
struct items *scoreboard_items(const struct scoreboard *board);

/* A worker is gone: its gauges become 0, its shares are free; sums stay, the next worker of the
 * slot adds to them. */
void scoreboard_clear_slot(struct scoreboard *board, uint64_t generation, unsigned slot);

/* Accepts NULL. */
void scoreboard_free(struct scoreboard *board);

#endif
