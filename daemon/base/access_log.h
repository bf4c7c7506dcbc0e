/* SPDX-License-Identifier: MIT
 *
 * An access log as one process writes it: a line for each connection that has ended.
 *
 * Lines are gathered in a buffer of bounded size and written as whole lines, when enough of them
 * are there or a moment has passed.  The loop never waits for a disk that is full, for a pipe that
 * nobody reads or for a slow syslog: what does not fit into the buffer meanwhile is lost and
 * counted.  (A write to a file goes to the page cache: as with every server that writes files, a
 * disk that is slower than the log for minutes makes the kernel hold up who writes.)  A process
 * that crashes takes along what is in its buffer: the lines of the last tenth of a second.
 */
#ifndef PRONGD_ACCESS_LOG_H
#define PRONGD_ACCESS_LOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct access_event;
struct access_format;
struct access_log;
struct ev_loop;

/* What is wanted, all of it borrowed for the call only. */
struct access_log_plan {
    struct ev_loop *loop; /* borrowed for the log's life */
    const char *server;   /* its name in the daemon's log, borrowed for the log's life */
    const char *target;   /* "syslog", "log", or a path */
    const char *format;   /* a template that was checked: access_format.h */
    int fd;               /* of a path: the file, opened for appending.  Taken in every case */
};

/* NULL and errno ENOMEM. */
struct access_log *access_log_new(const struct access_log_plan *plan);

/* Is the event's `fields` asked for? */
bool access_log_wants_fields(const struct access_log *log);

/* One line. */
void access_log_write(struct access_log *log, const struct access_event *event);

/* The path was opened anew, after a rotation: what was gathered still goes to the old file.  Takes
 * `fd`. */
void access_log_adopt(struct access_log *log, int fd);

/* Lines that could not be written, since the beginning. */
uint64_t access_log_lost(const struct access_log *log);

/* Writes what is left, as far as it can go out now.  Accepts NULL. */
void access_log_free(struct access_log *log);

#endif
