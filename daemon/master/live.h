/* SPDX-License-Identifier: MIT
 *
 * Settings that a reload changes in processes that go on running: the rows whose change is "live".
 *
 * The log changes before the next generation is forked, which inherits it; workers of older
 * generations are told at the commit.
 */
#ifndef PRONGD_LIVE_H
#define PRONGD_LIVE_H

#include <stdbool.h>

#include "log.h"

struct config;
struct generation;
struct master;

/* What a rollback needs. */
struct live {
    bool is_prepared;
    enum log_level level;
    enum log_format format;
    char *target;   /* malloc'ed; NULL: not known */
    bool has_moved; /* the log goes to another target */
};

/* The master logs as `after` says; `before` is the running configuration.  0, or a negative code:
 * nothing has changed. */
int live_prepare(struct live *live, const struct config *before, const struct config *after);

/* Workers of older generations follow, and what drains has the new time limit. */
void live_commit(struct live *live, struct master *master, const struct generation *next);

/* The master logs as before.  Harmless when nothing was prepared. */
void live_rollback(struct live *live);

/* Leaves everything as it is. */
void live_clear(struct live *live);

#endif
