/* SPDX-License-Identifier: MIT
 *
 * What the observer knows of the service: the master's last word, and a few figures of each second
 * before it.
 */
#ifndef PRONGD_SNAPSHOT_H
#define PRONGD_SNAPSHOT_H

#include <jansson.h>
#include <stdbool.h>

#include "heaviest.h"

/* A master that has said nothing for so long hangs. */
#define SNAPSHOT_STALE_S 5

/* How many seconds the history reaches back. */
#define SNAPSHOT_HISTORY 600

/* One second.  Sums, but for connections and workers. */
struct moment {
    double time; /* CLOCK_REALTIME */
    json_int_t connections;
    json_int_t accepted;
    json_int_t bytes_read;
    json_int_t bytes_written;
    json_int_t generation;
    json_int_t workers; /* that serve */
};

struct snapshot {
    json_t *status; /* NULL: nothing was said yet */
    double heard;   /* CLOCK_MONOTONIC */
    struct moment history[SNAPSHOT_HISTORY];
    size_t moments; /* of all time */
    struct heaviest heaviest;

    /* Somebody reads it; NULL: nobody wants to know. */
    void (*on_look)(void *user);
    void *user;
};

/* Takes `status`, an answer to the command status. */
void snapshot_take(struct snapshot *snapshot, json_t *status);

/* NULL: the service is well; else a word on what is wrong. */
const char *snapshot_sickness(const struct snapshot *snapshot);

/* NULL: clients are served; else a word on why they are not, or will not be.  Dies with the next
 * call. */
const char *snapshot_unreadiness(const struct snapshot *snapshot);

/* Gives the status with its "history", the oldest moment first, and "heaviest" (heaviest.h).  NULL
 * when memory is short. */
json_t *snapshot_json(const struct snapshot *snapshot);

void snapshot_clear(struct snapshot *snapshot);

#endif
