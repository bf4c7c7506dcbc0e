/* SPDX-License-Identifier: MIT
 *
 * The buffer between connections that end and a file that may be slow.
 */
#include "access_log.h"

#include <errno.h>
#include <ev.h>
#include <prong/error.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "access_format.h"
#include "access_sink.h"
#include "log.h"

/* What is gathered before it is written, for how long at most, and what may wait when it cannot be
 * written. */
#define WRITE_AT ((size_t)16 * 1024)
#define WAIT_S   0.1
#define CAPACITY ((size_t)64 * 1024)

struct access_log {
    struct ev_loop *loop;
    const char *server;
    struct access_format *format;
    struct access_sink sink;
    ev_timer timer;  /* runs while something waits */
    int error;       /* of the last write: nobody tries again before the timer */
    bool told;       /* and the daemon's log says so */
    uint64_t lost;   /* lines, since the beginning */
    uint64_t before; /* `lost` when it was told last */
    size_t size;
    char bytes[CAPACITY];
};

/* --- Writing --- */

/* A reader that is only slow is worth a line when it has cost some. */
static void tell(struct access_log *log, int error)
{
    bool is_trouble = error < 0 && (error != -EAGAIN || log->lost > log->before);

    if (is_trouble && !log->told) {
        log->told = true;
        log_code(LOG_LEVEL_WARNING, error, "access log cannot be written server=%s", log->server);
    }
    if (error < 0 || !log->told)
        return;
    log_notice("access log is written again server=%s lost=%llu", log->server,
               (unsigned long long)(log->lost - log->before));
    log->told = false;
    log->before = log->lost;
}

static void flush(struct access_log *log)
{
    struct access_written written = access_sink_write(&log->sink, log->bytes, log->size);

    log->lost += written.lost;
    log->size -= written.done;
    if (log->size > 0)
        memmove(log->bytes, log->bytes + written.done, log->size);
    log->error = written.error;
    tell(log, written.error);
}

static void on_timer(struct ev_loop *loop, ev_timer *timer, int revents)
{
    struct access_log *log = timer->data;

    (void)revents;
    flush(log);
    if (log->size == 0)
        return;
    ev_timer_set(timer, WAIT_S, 0.);
    ev_timer_start(loop, timer);
}

void access_log_write(struct access_log *log, const struct access_event *event)
{
    if (CAPACITY - log->size < ACCESS_LINE_SIZE) {
        log->lost++;
        tell(log, log->error);
        return;
    }
    log->size += access_format_put(log->format, event, log->bytes + log->size);
    if (log->size >= WRITE_AT && log->error == 0)
        flush(log);
    if (log->size == 0 || ev_is_active(&log->timer))
        return;
    ev_timer_set(&log->timer, WAIT_S, 0.);
    ev_timer_start(log->loop, &log->timer);
}

void access_log_adopt(struct access_log *log, int fd)
{
    flush(log);
    access_sink_adopt(&log->sink, fd);
}

/* Those that wait. */
static uint64_t count_lines(const struct access_log *log)
{
    uint64_t count = 0;

    for (size_t i = 0; i < log->size; i++)
        count += log->bytes[i] == '\n';
    return count;
}

/* --- Life --- */

struct access_log *access_log_new(const struct access_log_plan *plan)
{
    struct access_log *log = malloc(sizeof(*log));
    struct access_format *format = access_format_new(plan->format);

    if (log == NULL || format == NULL) {
        free(log);
        access_format_free(format);
        if (plan->fd >= 0)
            close(plan->fd);
        errno = ENOMEM;
        return NULL;
    }
    memset(log, 0,
           offsetof(struct access_log, bytes)); /* pages that are never needed cost nothing */
    log->loop = plan->loop;
    log->server = plan->server;
    log->format = format;
    access_sink_init(&log->sink, plan->target, plan->fd);
    ev_timer_init(&log->timer, on_timer, WAIT_S, 0.);
    log->timer.data = log;
    return log;
}

bool access_log_wants_fields(const struct access_log *log)
{
    return access_format_wants_fields(log->format);
}

uint64_t access_log_lost(const struct access_log *log)
{
    return log->lost;
}

void access_log_free(struct access_log *log)
{
    if (log == NULL)
        return;
    flush(log);
    log->lost += count_lines(log);
    if (log->lost > log->before)
        log_warning("access log lines lost server=%s lost=%llu", log->server,
                    (unsigned long long)(log->lost - log->before));
    ev_timer_stop(log->loop, &log->timer);
    access_sink_clear(&log->sink);
    access_format_free(log->format);
    free(log);
}
