/* SPDX-License-Identifier: MIT
 *
 * Where log lines go: stderr, the journal behind stderr, syslog, or a file.
 *
 * Writing never waits for a reader that sleeps: a line that cannot go out at once is lost, and
 * the caller is told.
 */
#ifndef PRONGD_LOG_TARGET_H
#define PRONGD_LOG_TARGET_H

#include <stdbool.h>
#include <stddef.h>
#include <unistd.h>

/* The longest line with its newline: what a pipe takes in one piece (PIPE_BUF). */
#define LOG_LINE_SIZE 4096

enum log_target_kind {
    LOG_TARGET_STDERR,
    LOG_TARGET_JOURNAL, /* stderr, read by systemd's journal */
    LOG_TARGET_SYSLOG,
    LOG_TARGET_FILE
};

struct log_target {
    enum log_target_kind kind;
    int fd;         /* -1: syslog */
    bool is_own;    /* we opened `fd`, so we close it */
    bool may_block; /* ask before writing: the descriptor is shared and not ours to change */
    bool is_socket;
    bool is_torn; /* half a line went out: the next one starts on a new line */
    char *path;   /* of a file */
};

/* What is there before anything was opened: plain stderr. */
#define LOG_TARGET_INITIAL                                                \
    {                                                                     \
        .kind = LOG_TARGET_STDERR, .fd = STDERR_FILENO, .may_block = true \
    }

/* `name` as log_open() takes it.  0 and the old target is closed, or -errno and it stays. */
int log_target_open(struct log_target *target, const char *name);

/* Closes what is ours; the target is LOG_TARGET_INITIAL then. */
void log_target_clear(struct log_target *target);

/* Opens a file's path anew.  0 (for other targets too), or -errno and the old one stays. */
int log_target_reopen(struct log_target *target);

/* Takes `fd`, which another process opened for the same path, in place of the file's own. */
void log_target_adopt(struct log_target *target, int fd);

/* Takes `fd`, a file that another process opened, in place of whatever the target was. */
void log_target_take(struct log_target *target, int fd);

/* Writes `line`, which ends with a newline; `priority` is syslog's.  False: it is lost. */
bool log_target_write(struct log_target *target, int priority, char *line, size_t size);

#endif
