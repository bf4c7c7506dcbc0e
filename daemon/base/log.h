/* SPDX-License-Identifier: MIT
 *
 * The log: one event a line, then key=value; or the same as JSON.
 *
 * Context (role, slot) is set once per process.  Only loops log, never a signal handler.
 *
 * A line is one write(2) of at most 4 KiB and never waits for a reader: lines that could not go
 * out are counted and reported by the next one that can.  A line that repeats more than 20 times
 * a second is counted too.  SIGPIPE must be ignored, since stderr may be a pipe.
 */
#ifndef PRONGD_LOG_H
#define PRONGD_LOG_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

/* How a line is written: the event, then key=value; or an object of JSON with the members time,
 * level, process, pid, event, where there are any fields, and error, the text of a code. */
enum log_format { LOG_FORMAT_TEXT, LOG_FORMAT_JSON };

/* In the order of prongd_log_level and of the option's choices. */
enum log_level {
    LOG_LEVEL_ERROR,
    LOG_LEVEL_WARNING,
    LOG_LEVEL_NOTICE,
    LOG_LEVEL_INFO,
    LOG_LEVEL_DEBUG
};

/* "auto" (syslog when detached, else stderr), "stderr", "syslog", or an absolute path.  stderr
 * gets systemd's "<N>" prefixes when JOURNAL_STREAM names it, and times otherwise.
 * A negative code when the file does not open: the log then goes where it went before. */
int log_open(const char *target, enum log_level level);

/* Opens the file anew (after a rotation); a failure keeps the old one.  0 or -errno. */
int log_reopen(void);

/* A worker may not be allowed to open the file.  The master reopens it and sends this descriptor
 * (-1 when the log goes elsewhere); the worker adopts it: takes `fd` in every case. */
int log_file_fd(void);
void log_adopt_file(int fd);

/* The log goes to this file from now on, wherever it went before.  Takes `fd`. */
void log_take_file(int fd);

void log_close(void);

/* The next line has this format. */
void log_set_format(enum log_format format);
enum log_format log_format(void);

void log_set_level(enum log_level level);
enum log_level log_level(void);
bool log_wants(enum log_level level);

/* "worker" with its generation and slot is shown as worker/3.0; "master" has slot -1 and is shown
 * as it is.  Stands in every line of this process; call it after a fork. */
void log_set_role(const char *role, unsigned long generation, int slot);

/* errno is preserved by all of them. */
void log_at(enum log_level level, const char *format, ...) __attribute__((format(printf, 2, 3)));
void log_at_v(enum log_level level, const char *format, va_list arguments)
    __attribute__((format(printf, 2, 0)));

/* The same, with ": " and the text of a negative code appended. */
void log_code(enum log_level level, int code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#define log_error(...)   log_at(LOG_LEVEL_ERROR, __VA_ARGS__)
#define log_warning(...) log_at(LOG_LEVEL_WARNING, __VA_ARGS__)
#define log_notice(...)  log_at(LOG_LEVEL_NOTICE, __VA_ARGS__)
#define log_info(...)    log_at(LOG_LEVEL_INFO, __VA_ARGS__)
#define log_debug(...)   log_at(LOG_LEVEL_DEBUG, __VA_ARGS__)

/* A line that was asked for by name: it is written whatever the level is. */
void log_always(enum log_level level, const char *message);

/* Printable bytes as they are, others as \n, \t, \\, \xNN; cut with "…" to fit `size` with the
 * NUL.  UTF-8 is not interpreted.  Returns `text`. */
const char *log_escape(const void *bytes, size_t length, char *text, size_t size);

#endif
