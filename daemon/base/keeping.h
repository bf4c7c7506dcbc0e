/* SPDX-License-Identifier: MIT
 *
 * What a keeper inherits over the fork.
 *
 * The keeper is the process that runs the programs of one server whose handler is exec: it starts
 * one for each connection that a worker sends it, waits for its end, and outlives workers and
 * reloads.  It knows what stands here and has nothing else of the service.
 */
#ifndef PRONGD_KEEPING_H
#define PRONGD_KEEPING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "exec_options.h"
#include "privileges.h"

struct scoreboard;

struct keeping_limit {
    int resource; /* RLIMIT_… */
    uint64_t most;
};

#define KEEPING_LIMITS 6

struct keeping {
    /* How programs run; all of it malloc'ed. */
    char *server;
    char **arguments;   /* one piece of memory; the first is the program's path */
    char **environment; /* one piece of memory: NAME=VALUE … */
    char *directory;
    char *root; /* NULL: it stays */
    uint64_t umask;
    bool has_nice;
    int nice;
    struct keeping_limit limits[KEEPING_LIMITS];
    size_t limit_count;
    enum exec_stderr standard_error;

    /* As whom. */
    bool changes_identity;
    struct privileges identity;
    bool no_new_privs;

    /* How many, and how long. */
    uint64_t max_processes;
    uint64_t max_processes_per_address;
    unsigned prefix_v4, prefix_v6; /* what counts as one address */
    enum exec_excess excess;
    uint64_t max_runtime_ms;
    uint64_t kill_timeout_ms;

    /* What is written down; malloc'ed. */
    char *access_log; /* NULL: there is no access log */
    char *access_format;
    bool access_refused;

    /* In the child only. */
    int access_fd;                 /* of an access log that is a file; given; -1: none */
    int channel_fd;                /* to the master; given */
    int work_fd;                   /* connections come from it; given */
    struct scoreboard *scoreboard; /* given */
};

/* Accepts NULL.  Not the descriptors and the scoreboard. */
void keeping_free(struct keeping *keeping);

/* Called in the child with every signal blocked; never returns. */
typedef void keeper_entry(struct keeping *keeping);

#endif
