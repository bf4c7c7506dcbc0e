/* SPDX-License-Identifier: MIT
 *
 * What a program writes on its standard error: lines in the log.
 */
#ifndef PRONGD_COMPLAINTS_H
#define PRONGD_COMPLAINTS_H

#include <ev.h>
#include <stddef.h>
#include <sys/types.h>

/* Of a longer line each piece of this size is a line. */
#define COMPLAINTS_LINE 1000

struct complaints {
    ev_io io; /* fd -1: closed */
    struct ev_loop *loop;
    const char *server; /* borrowed */
    pid_t pid;
    size_t used;
    char line[COMPLAINTS_LINE];
};

/* Opens the pipe.  Gives the end that the program writes to: close it.  A negative code: there is
 * none. */
int complaints_open(struct complaints *complaints, struct ev_loop *loop);

/* Reads and logs from now on.  Borrows `server`. */
void complaints_start(struct complaints *complaints, const char *server, pid_t pid);

/* Logs what is left, and closes.  Harmless on one that is closed. */
void complaints_close(struct complaints *complaints);

#endif
