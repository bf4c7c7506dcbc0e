/* SPDX-License-Identifier: MIT
 *
 * One story, told three times: a socket gets into some state, then stays, or moves to another loop,
 * or to another process; what happens to it and to its peer must be the same.
 */
#ifndef MOVING_FIXTURE_H
#define MOVING_FIXTURE_H

#include "net_fixture.h"

/* More than the kernel's buffers hold. */
#define MUCH ((size_t)8 << 20)

enum way { STAY, TO_ANOTHER_LOOP, TO_ANOTHER_PROCESS };

struct story {
    const char *name;
    bool half_open;
    bool connects; /* the socket is a client; otherwise it was accepted */

    /* What its user and its peer do until it moves.  NULL: nothing. */
    void (*before)(struct net *net, struct record *mover, int peer);

    /* Moves inside this callback.  NULL: when `before` has returned. */
    const char *inside;

    void (*user_after)(struct prong_socket *socket);
    void (*peer_after)(int peer);
    const char *events; /* everything, before and after */
    const char *bytes;  /* everything that came in */
    size_t answered;    /* bytes of the pattern that the peer gets */
    bool closed;        /* ... and then the end, which it answers by closing */
};

/* Writes the first `size` bytes of the pattern. */
void write_pattern(struct prong_socket *socket, size_t size);

/* Sends all of `text`. */
void peer_sends(int peer, const char *text);

/* Fails the test when the story does not end as it should. */
void tell(const struct story *story, enum way way);

#endif
