/* SPDX-License-Identifier: MIT
 *
 * Starting a program.
 *
 * Not posix_spawn(3), which cannot set resource limits, umask or priority; but like it: the child
 * shares our memory until it has become the program, and we sleep so long, so that nothing is
 * copied and a failure is known at once.
 */
#ifndef PRONGD_SPAWN_H
#define PRONGD_SPAWN_H

#include <sys/types.h>

struct keeping;

struct spawn {
    const struct keeping *keeping;
    char **environment;
    int socket;         /* standard input and output */
    int standard_error; /* a descriptor */

    const char *step; /* after a failure: what failed */
};

/* A process of the program, the leader of a session of its own, with nothing of ours but what
 * stands above.  Every signal must be at its default or caught, none ignored.  A negative code:
 * there is none. */
pid_t spawn_program(struct spawn *spawn);

#endif
