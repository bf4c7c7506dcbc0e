/* SPDX-License-Identifier: MIT
 *
 * Where lines of an access log go: a file or a FIFO, syslog, or the daemon's own log.
 *
 * Nothing here waits for a reader: what cannot go out at once stays with the caller.
 */
#ifndef PRONGD_ACCESS_SINK_H
#define PRONGD_ACCESS_SINK_H

#include <stdbool.h>
#include <stddef.h>

enum access_sink_kind {
    ACCESS_SINK_FILE,   /* appended to; several processes may have it open */
    ACCESS_SINK_FIFO,   /* somebody reads it, or not */
    ACCESS_SINK_SYSLOG, /* a datagram for each line */
    ACCESS_SINK_LOG     /* the daemon's own log */
};

struct access_sink {
    enum access_sink_kind kind;
    int fd;       /* -1: not open */
    bool is_torn; /* half a line went out: the next one starts on a new line */
};

/* What a write has done. */
struct access_written {
    size_t done;   /* bytes that are settled: written, or given up */
    unsigned lost; /* lines among them that were given up */
    int error;     /* why the rest is not settled; 0: all is */
};

/* Opens a file for appending, as the master does for its workers; a FIFO without waiting for its
 * reader.  A descriptor or -errno. */
int access_sink_open_file(const char *path);

/* "syslog", "log", or a path, whose file is `fd` (taken; -1: it is not open, and every write
 * fails). */
void access_sink_init(struct access_sink *sink, const char *target, int fd);

/* Takes `fd`, the same path opened anew, in place of the file's own; closes it where the sink is no
 * file. */
void access_sink_adopt(struct access_sink *sink, int fd);

/* Whole lines, each with its newline. */
struct access_written access_sink_write(struct access_sink *sink, const char *lines, size_t size);

void access_sink_clear(struct access_sink *sink);

#endif
