/* SPDX-License-Identifier: MIT
 *
 * The heaviest connections: those that have moved most bytes, of all workers.
 */
#ifndef PRONGD_HEAVIEST_H
#define PRONGD_HEAVIEST_H

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

#include "roster.h"

#define HEAVIEST_COUNT 10

struct heavy {
    struct roster_row row;
    struct roster_server server; /* its name */
    uint64_t generation;         /* of its worker */
    unsigned slot;
};

struct heaviest_list {
    struct heavy heavies[HEAVIEST_COUNT]; /* the heaviest first */
    size_t count;
};

/* All zero: nothing is known. */
struct heaviest {
    struct heaviest_list shown;
    struct heaviest_list next; /* of a moment whose rosters have not all come yet */
};

/* Rosters of another moment are asked for: what is left of an earlier one does not count. */
void heaviest_begin(struct heaviest *heaviest);

/* The roster of one worker, in a file; borrows it.  `more`: so many of the same moment follow.  One
 * that cannot be read counts nothing. */
void heaviest_take(struct heaviest *heaviest, int fd, uint64_t more);

/* Gives [{"id", "server", "peer", "worker", "age_s", "bytes_read", "bytes_written", "queued_bytes",
 * "state"}]; NULL when memory is short. */
json_t *heaviest_json(const struct heaviest *heaviest);

#endif
