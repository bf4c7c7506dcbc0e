/* SPDX-License-Identifier: MIT
 *
 * Those ahead: connections that have heard more of their server's messages than their worker has,
 * or came after messages that it has still to hear.  They hear nothing until it has reached them.
 */
#ifndef PRONGD_AHEAD_H
#define PRONGD_AHEAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct prong_socket;

struct ahead_place {
    struct prong_socket *socket;
    uint64_t position; /* of the last message that it does not hear here */
};

/* All zero: none.  The first to be reached is first. */
struct ahead {
    struct ahead_place *list;
    size_t first; /* those before it were reached */
    size_t count;
    size_t room;
};

/* 0 or -ENOMEM. */
int ahead_add(struct ahead *ahead, struct prong_socket *socket, uint64_t position);

/* Takes one out whose position is at most this one.  NULL: there is none. */
struct prong_socket *ahead_reach(struct ahead *ahead, uint64_t reached, uint64_t *position);

/* Where this one is.  False: it is not ahead. */
bool ahead_find(const struct ahead *ahead, const struct prong_socket *socket, uint64_t *position);

/* Takes this one out; harmless when it is not there. */
void ahead_remove(struct ahead *ahead, const struct prong_socket *socket);

void ahead_clear(struct ahead *ahead);

#endif
