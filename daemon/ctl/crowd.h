/* SPDX-License-Identifier: MIT
 *
 * The crowd: every connection of the service, read from the rosters of its workers and keepers.
 */
#ifndef PRONGCTL_CROWD_H
#define PRONGCTL_CROWD_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "roster.h"

struct call;

struct crowd_member {
    struct roster_row row;
    const char *server;  /* its name, the crowd's */
    uint64_t generation; /* of its worker */
    unsigned slot;
    bool is_program; /* a keeper has it, and it has no worker */
};

struct crowd {
    struct crowd_member *members;
    size_t count, room;
    void **files; /* rosters, malloc'ed: server names stand there */
    size_t file_count;
    unsigned missing;         /* workers that told nothing */
    unsigned missing_keepers; /* likewise */
};

/* Asks for all connections.  One that moves meanwhile, and was seen twice, is there once.  The exit
 * status; when it is not 0, it was said on stderr why.  Clear the crowd in every case. */
int crowd_ask(struct crowd *crowd, struct call *call);

/* Adds what a roster of `size` bytes says.  0 or a negative code. */
int crowd_add(struct crowd *crowd, const struct roster *roster);

/* Of a member: an object for programs, and for table_print(). */
json_t *crowd_describe(const struct crowd_member *member);

/* The peer's address with its port, or "unix". */
const char *crowd_peer(const struct crowd_member *member, char *text, size_t size);

void crowd_clear(struct crowd *crowd);

#endif
