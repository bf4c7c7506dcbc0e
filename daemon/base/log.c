/* SPDX-License-Identifier: MIT
 *
 * The log: puts a line together and hands it to the target.
 *
 * Not thread-safe: a process of prongd has one thread.
 */
#include "log.h"

#include <errno.h>
#include <prong/error.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

#include "clock.h"
#include "json_line.h"
#include "log_fields.h"
#include "log_repeat.h"
#include "log_target.h"
#include "log_text.h"

struct level_row {
    const char *name;
    int priority; /* syslog's, and the number in systemd's "<N>" */
};

static const struct level_row levels[] = {
    [LOG_LEVEL_ERROR] = {"error", LOG_ERR},      [LOG_LEVEL_WARNING] = {"warning", LOG_WARNING},
    [LOG_LEVEL_NOTICE] = {"notice", LOG_NOTICE}, [LOG_LEVEL_INFO] = {"info", LOG_INFO},
    [LOG_LEVEL_DEBUG] = {"debug", LOG_DEBUG},
};

/* One event. */
struct event {
    enum log_level level;
    const char *message; /* "event key=value …", perhaps with ": the text of a code" */
    size_t error_at;     /* where that begins, behind the colon and the space; 0: there is none */
};

static struct {
    enum log_level level;
    enum log_format format;
    char role[48];
    struct log_target target;
    struct log_repeat repeat;
    unsigned long lost; /* lines that did not go out, and that no line told of yet */
} state = {
    .level = LOG_LEVEL_NOTICE,
    .role = "prongd",
    .target = LOG_TARGET_INITIAL,
};

/* "2026-03-01T12:00:00.123+01:00" */
static void format_time(char *text, size_t size)
{
    struct timespec now;
    struct tm local;
    size_t length;
    long offset;

    (void)clock_gettime(CLOCK_REALTIME, &now);
    if (localtime_r(&now.tv_sec, &local) == NULL)
        memset(&local, 0, sizeof(local));
    offset = local.tm_gmtoff / 60;
    length = strftime(text, size, "%Y-%m-%dT%H:%M:%S", &local);
    (void)snprintf(text + length, size - length, ".%03ld%c%02ld:%02ld", now.tv_nsec / 1000000,
                   offset < 0 ? '-' : '+', labs(offset) / 60, labs(offset) % 60);
}

/* The journal and syslog know time, level and pid themselves. */
static void format_head(char *text, size_t size, enum log_level level)
{
    char time[64];

    switch (state.target.kind) {
    case LOG_TARGET_JOURNAL:
        (void)snprintf(text, size, "<%d>%s ", levels[level].priority, state.role);
        return;
    case LOG_TARGET_SYSLOG:
        (void)snprintf(text, size, "%s ", state.role);
        return;
    case LOG_TARGET_STDERR:
    case LOG_TARGET_FILE:
        format_time(time, sizeof(time));
        (void)snprintf(text, size, "%s %s %s[%ld] ", time, levels[level].name, state.role,
                       (long)getpid());
        return;
    }
}

/* --- Lines --- */

/* Without the newline; how long it is. */
static size_t format_text(const struct event *event, char *bytes, size_t size)
{
    char head[160];
    struct log_text line;

    format_head(head, sizeof(head), event->level);
    log_text_init(&line, bytes, size);
    log_text_add(&line, head, strlen(head));
    log_text_add_line(&line, event->message);
    return line.length;
}

static void add_message(struct json_line *line, const struct event *event)
{
    char message[LOG_LINE_SIZE];
    size_t name_size;

    (void)snprintf(message, sizeof(message), "%s", event->message);
    if (event->error_at > 0)
        message[event->error_at - 2] = '\0';
    name_size = log_fields_event(message);
    json_line_bytes(line, "event", message, name_size);
    if (event->error_at > 0)
        json_line_text(line, "error", event->message + event->error_at);
    if (message[name_size] == '\0')
        return;
    json_line_open(line, "fields");
    log_fields_to_json(message + name_size, line);
}

static size_t format_json(const struct event *event, char *bytes, size_t size)
{
    size_t head_size = 0;
    struct json_line line;
    char time[64];

    format_time(time, sizeof(time));
    if (state.target.kind == LOG_TARGET_JOURNAL) /* systemd looks for it before anything else */
        head_size = (size_t)snprintf(bytes, size, "<%d>", levels[event->level].priority);
    json_line_begin(&line, bytes + head_size, size - head_size);
    json_line_text(&line, "time", time);
    json_line_text(&line, "level", levels[event->level].name);
    json_line_text(&line, "process", state.role);
    json_line_number(&line, "pid", (uint64_t)getpid());
    add_message(&line, event);
    return head_size + json_line_end(&line);
}

static size_t (*const formats[])(const struct event *event, char *bytes, size_t size) = {
    [LOG_FORMAT_TEXT] = format_text,
    [LOG_FORMAT_JSON] = format_json,
};

/* The newline takes the place of the NUL. */
static bool put(const struct event *event)
{
    char bytes[LOG_LINE_SIZE];
    size_t length = formats[state.format](event, bytes, sizeof(bytes));

    bytes[length] = '\n';
    return log_target_write(&state.target, levels[event->level].priority, bytes, length + 1);
}

static bool put_lost(void)
{
    char message[64];

    if (state.lost == 0)
        return true;
    (void)snprintf(message, sizeof(message), "log lines lost count=%lu", state.lost);
    if (!put(&(struct event){.level = LOG_LEVEL_WARNING, .message = message}))
        return false;
    state.lost = 0;
    return true;
}

static void put_or_count(const struct event *event)
{
    if (!put_lost() || !put(event))
        state.lost++;
}

static void put_repeated(enum log_level level, unsigned long hidden)
{
    char message[64];

    if (hidden == 0)
        return;
    (void)snprintf(message, sizeof(message), "last message repeated times=%lu", hidden);
    put_or_count(&(struct event){.level = level, .message = message});
}

static void write_event(const struct event *event)
{
    enum log_level before = state.repeat.level;
    unsigned long hidden;

    if (log_repeat_hides(&state.repeat, event->level, event->message, clock_ms(), &hidden))
        return;
    put_repeated(before, hidden);
    put_or_count(event);
}

/* --- Where it goes, and how much --- */

int log_open(const char *target, enum log_level level)
{
    state.level = level;
    return log_target_open(&state.target, target);
}

int log_reopen(void)
{
    return log_target_reopen(&state.target);
}

int log_file_fd(void)
{
    return state.target.kind == LOG_TARGET_FILE ? state.target.fd : -1;
}

void log_adopt_file(int fd)
{
    log_target_adopt(&state.target, fd);
}

void log_take_file(int fd)
{
    log_target_take(&state.target, fd);
}

void log_close(void)
{
    put_repeated(state.repeat.level, state.repeat.hidden);
    (void)put_lost();
    state.repeat = (struct log_repeat){0};
    state.lost = 0;
    log_target_clear(&state.target);
}

void log_set_format(enum log_format format)
{
    state.format = format;
}

enum log_format log_format(void)
{
    return state.format;
}

void log_set_level(enum log_level level)
{
    state.level = level;
}

enum log_level log_level(void)
{
    return state.level;
}

bool log_wants(enum log_level level)
{
    return level <= state.level;
}

/* What the parent hid or lost before the fork is the parent's to tell. */
void log_set_role(const char *role, unsigned long generation, int slot)
{
    if (slot < 0)
        (void)snprintf(state.role, sizeof(state.role), "%s", role);
    else
        (void)snprintf(state.role, sizeof(state.role), "%s/%lu.%d", role, generation, slot);
    state.repeat = (struct log_repeat){0};
    state.lost = 0;
}

static void format_message(char *message, size_t size, const char *format, va_list arguments)
    __attribute__((format(printf, 3, 0)));

static void format_message(char *message, size_t size, const char *format, va_list arguments)
{
    if (vsnprintf(message, size, format, arguments) < 0)
        message[0] = '\0';
}

void log_at_v(enum log_level level, const char *format, va_list arguments)
{
    char message[LOG_LINE_SIZE];
    int saved = errno;

    if (!log_wants(level))
        return;
    format_message(message, sizeof(message), format, arguments);
    write_event(&(struct event){.level = level, .message = message});
    errno = saved;
}

void log_at(enum log_level level, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    log_at_v(level, format, arguments);
    va_end(arguments);
}

void log_code(enum log_level level, int code, const char *format, ...)
{
    char message[LOG_LINE_SIZE];
    int saved = errno;
    va_list arguments;
    size_t length;

    if (!log_wants(level))
        return;
    va_start(arguments, format);
    format_message(message, sizeof(message), format, arguments);
    va_end(arguments);
    length = strlen(message);
    (void)snprintf(message + length, sizeof(message) - length, ": %s", prong_error_text(code));
    write_event(&(struct event){.level = level,
                                .message = message,
                                .error_at = strlen(message) > length + 2 ? length + 2 : 0});
    errno = saved;
}

void log_always(enum log_level level, const char *message)
{
    int saved = errno;

    write_event(&(struct event){.level = level, .message = message});
    errno = saved;
}
