/* SPDX-License-Identifier: MIT
 *
 * The supervisor: starts workers, talks to them, notices that they are gone, replaces them.
 *
 * The only place that starts (fork.c) and reaps workers.  One that dies early, before it was ready
 * or within 5 s of it, is replaced after a rest that doubles each time and is long after more than
 * max_respawns; any other at once.
 */
#ifndef PRONGD_SUPERVISOR_H
#define PRONGD_SUPERVISOR_H

#include <ev.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "inheritance.h"
#include "message.h"
#include "scoreboard.h"

struct counters;
struct timeline;
struct generation;
struct generation_list;
struct ipc_frame;
struct message_gave;
struct slot;

struct supervisor_events {
    /* Every worker of the generation is ready; once.  supervisor_accept() lets them begin. */
    void (*on_ready)(struct generation *generation, void *user);

    /* The first worker of a generation on trial is ready, and accepts. */
    void (*on_trial)(struct generation *generation, void *user);

    /* One of its workers failed before all were ready; the others are being stopped. */
    void (*on_failed)(struct generation *generation, const char *why, void *user);

    /* A worker has given its connections away. */
    void (*on_gave)(struct generation *generation, const struct message_gave *gave, void *user);

    /* A worker is ready: it will be told to accept after this. */
    void (*on_worker)(const struct slot *slot, void *user);

    /* A worker has told what it was asked; the frame's descriptors are closed after it. */
    void (*on_told)(const struct slot *slot, const struct ipc_frame *frame, void *user);

    /* A worker is gone, or talks no more. */
    void (*on_lost)(const struct slot *slot, void *user);

    /* The last worker of a generation that sleeps has ended. */
    void (*on_asleep)(struct generation *generation, void *user);

    /* The last worker of a generation that drained or stopped has ended.  May free it. */
    void (*on_gone)(struct generation *generation, void *user);

    /* A child that is no worker has ended; `status` is that of waitpid(). */
    void (*on_other_child)(pid_t pid, int status, void *user);

    /* In a child: frees and closes everything of the master but the scoreboard, with no effect
     * outside this process. */
    void (*on_child)(void *user);
};

struct supervisor {
    struct ev_loop *loop;
    const struct generation_list *generations;
    worker_entry *entry;
    const struct supervisor_events *events;
    void *user;
    struct counters *counters;
    struct timeline *timeline;
    ev_signal child_signal;
};

/* Borrows all of them.  `generations`: whose workers it reaps. */
void supervisor_init(struct supervisor *supervisor, struct ev_loop *loop,
                     const struct generation_list *generations, worker_entry *entry,
                     const struct supervisor_events *events, void *user);

/* Where it counts from now on the workers that it starts, and deaths.  Borrows it; once, before a
 * worker is started. */
void supervisor_count(struct supervisor *supervisor, struct counters *counters,
                      struct timeline *timeline);

/* Starts all its workers.  on_ready or on_failed follows, never from inside the call. */
void supervisor_start(struct supervisor *supervisor, struct generation *generation);

/* Starts its first worker alone.  on_trial or on_failed follows, never from inside the call. */
void supervisor_try(struct supervisor *supervisor, struct generation *generation);

/* The trial was passed: starts the others.  on_ready or on_failed follows; with a single worker
 * on_ready comes from inside the call. */
void supervisor_start_rest(struct supervisor *supervisor, struct generation *generation);

/* The trial was not passed: its worker gives its connections to those it was paired with and ends.
 * on_gone follows. */
void supervisor_withdraw(struct supervisor *supervisor, struct generation *generation,
                         uint64_t timeout_ms);

/* The watchers of a generation that is started, or adopted slot by slot. */
void supervisor_prepare(struct supervisor *supervisor, struct generation *generation);

/* A worker of the program before this one: `pid` lives in the slot (0: nobody) and is at the other
 * end of `fd`.  Takes `fd` in every case.  0 or a negative code. */
int supervisor_adopt_slot(struct slot *slot, pid_t pid, int fd, enum slot_state state);

/* Buries those who died while nobody was looking. */
void supervisor_reap(struct supervisor *supervisor);

/* Its workers, all ready, accept from now on; so do those that replace them. */
void supervisor_accept(struct supervisor *supervisor, struct generation *generation);

/* Its workers stop accepting, give their connections to the workers they were paired with, and end
 * with the last one; otherwise like supervisor_drain(). */
void supervisor_leave(struct supervisor *supervisor, struct generation *generation,
                      uint64_t timeout_ms);

/* Its workers stop accepting and end with their last connection; after `timeout_ms` they are
 * stopped.  on_gone follows, never from inside the call. */
void supervisor_drain(struct supervisor *supervisor, struct generation *generation,
                      uint64_t timeout_ms);

/* Its workers, as they are, end with their last connection; none is started in their places.  It
 * goes on being the current one.  on_asleep follows. */
void supervisor_sleep(struct supervisor *supervisor, struct generation *generation);

/* Its workers end now; who does not is killed.  on_gone follows, never from inside the call.
 * Harmless when they are being stopped already. */
void supervisor_stop(struct supervisor *supervisor, struct generation *generation);

/* Sends a message, and a descriptor (-1: none), to every worker of every generation.  Borrows
 * both. */
void supervisor_tell_all(struct supervisor *supervisor, enum message message, const void *payload,
                         size_t size, int fd);

/* Stops the watchers.  No generation may be left, but in a child. */
void supervisor_clear(struct supervisor *supervisor);

#endif
