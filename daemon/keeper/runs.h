/* SPDX-License-Identifier: MIT
 *
 * All runs of a keeper, to be found by their process.
 */
#ifndef PRONGD_RUNS_H
#define PRONGD_RUNS_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "access_end.h"

struct run;

#define RUNS_BUCKETS 1024

struct runs {
    struct run *buckets[RUNS_BUCKETS]; /* by process id */
    size_t count;
};

void runs_add(struct runs *runs, struct run *run);

/* NULL: it is none of them. */
struct run *runs_find(const struct runs *runs, pid_t pid);

void runs_remove(struct runs *runs, struct run *run);

/* The one of a connection; NULL: none. */
struct run *runs_find_connection(const struct runs *runs, uint64_t connection);

/* Asks every one to end. */
void runs_terminate(const struct runs *runs, enum access_end end);

#endif
