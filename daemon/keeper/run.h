/* SPDX-License-Identifier: MIT
 *
 * A run: one program of one connection, from its start to its end.
 */
#ifndef PRONGD_RUN_H
#define PRONGD_RUN_H

#include <ev.h>
#include <prong/address.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "access_end.h"
#include "complaints.h"

struct environment;
struct job;
struct keeping;

/*  RUNNING → TERMINATED → KILLED        it may end in any of them */
enum run_state {
    RUN_RUNNING,
    RUN_TERMINATED, /* it was sent SIGTERM */
    RUN_KILLED      /* and SIGKILL, with everything in its process group */
};

struct run {
    struct run *next; /* runs.c */
    enum run_state state;
    pid_t pid;
    uint64_t connection;
    struct prong_address local, remote;
    enum access_end end; /* who ends it: itself, unless another has begun to */
    double started_at;   /* clock_s() */
    ev_timer limit;      /* RUNNING: max_runtime; TERMINATED: kill_timeout */
    struct ev_loop *loop;
    const struct keeping *keeping; /* borrowed */
    struct complaints complaints;
};

/* Starts a program for the job, and borrows its descriptor only for the call.  A negative code: it
 * could not be started, which is logged.  `*result` is NULL then. */
int run_start(struct run **result, struct ev_loop *loop, const struct keeping *keeping,
              struct environment *environment, const struct job *job);

/* Asks it to end, and notes for whom; it has kill_timeout for that.  Harmless when it was asked
 * already. */
void run_terminate(struct run *run, enum access_end end);

/* Is there a process in its group, be it one that is not buried yet? */
bool run_group_lives(const struct run *run);

/* The process is waited for: logs what it said last, and frees. */
void run_end(struct run *run);

#endif
