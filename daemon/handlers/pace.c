/* SPDX-License-Identifier: MIT
 *
 * The bucket counts in thousandths of a byte: bytes per second times milliseconds.
 */
#include "pace.h"

#include <errno.h>
#include <prong/socket.h>
#include <prong/timer.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define THOUSANDTHS 1000

/* What the bucket holds, as time. */
#define CAPACITY_MS 100

struct pace {
    struct prong_socket *socket;
    struct prong_timer *timer;
    pace_ready *on_ready;
    uint64_t rate; /* bytes in a second */
    uint64_t filled_ms;
    uint64_t level; /* in thousandths */
};

static uint64_t now_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

/* A byte at least: a slow connection goes on, too. */
static uint64_t capacity(const struct pace *pace)
{
    uint64_t thousandths = pace->rate * CAPACITY_MS;

    return thousandths < THOUSANDTHS ? THOUSANDTHS : thousandths;
}

static void fill(struct pace *pace)
{
    uint64_t now = now_ms(), missing = capacity(pace) - pace->level;
    uint64_t passed_ms = now - pace->filled_ms;

    pace->filled_ms = now;
    if (passed_ms > missing / pace->rate)
        pace->level = capacity(pace);
    else
        pace->level += passed_ms * pace->rate;
}

static void on_timer(struct prong_timer *timer, void *user)
{
    struct pace *pace = user;

    (void)timer;
    pace->on_ready(pace->socket);
}

struct pace *pace_new(struct prong_socket *socket, uint64_t bytes_per_second, pace_ready *on_ready)
{
    struct pace *pace;

    if (bytes_per_second == 0)
        return NULL;
    pace = calloc(1, sizeof(*pace));
    if (pace == NULL)
        return NULL;
    pace->timer = prong_timer_new(prong_socket_loop(socket), on_timer, pace);
    if (pace->timer == NULL) {
        free(pace);
        return NULL;
    }
    pace->socket = socket;
    pace->on_ready = on_ready;
    pace->rate = bytes_per_second;
    pace->filled_ms = now_ms();
    pace->level = capacity(pace);
    return pace;
}

size_t pace_room(struct pace *pace)
{
    if (pace == NULL)
        return SIZE_MAX;
    fill(pace);
    return (size_t)(pace->level / THOUSANDTHS);
}

void pace_spend(struct pace *pace, size_t bytes)
{
    if (pace != NULL)
        pace->level -= (uint64_t)bytes * THOUSANDTHS;
}

void pace_wait(struct pace *pace)
{
    if (pace != NULL)
        prong_timer_start(pace->timer, (capacity(pace) - pace->level) / pace->rate + 1, 0);
}

long pace_save(const struct pace *pace, void *bytes, size_t size)
{
    if (pace == NULL)
        return 0;
    if (size >= sizeof(pace->level))
        memcpy(bytes, &pace->level, sizeof(pace->level));
    return sizeof(pace->level);
}

int pace_restore(struct pace *pace, const void *bytes, size_t size)
{
    uint64_t level;

    if (size == 0)
        return 0;
    if (size != sizeof(level))
        return -EPROTO;
    if (pace == NULL)
        return 0;
    memcpy(&level, bytes, sizeof(level));
    pace->level = level < capacity(pace) ? level : capacity(pace);
    return 0;
}

void pace_free(struct pace *pace)
{
    if (pace == NULL)
        return;
    prong_timer_free(pace->timer);
    free(pace);
}
