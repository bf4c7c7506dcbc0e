/* SPDX-License-Identifier: MIT
 *
 * The bucket counts in thousandths of a unit: units per second times milliseconds.  A debt is a
 * level below zero.
 */
#include <prongd/pace.h>

#include <errno.h>
#include <prong/socket.h>
#include <prong/timer.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define THOUSANDTHS 1000

/* What the bucket holds, as time. */
#define CAPACITY_MS 100

struct prongd_pace {
    struct prong_socket *socket;
    struct prong_timer *timer;
    prongd_pace_ready *on_ready;
    uint64_t rate; /* units in a second */
    uint64_t filled_ms;
    int64_t level; /* in thousandths */
    bool waits;
};

static uint64_t now_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

/* A unit at least: a slow connection goes on, too. */
static int64_t capacity(const struct prongd_pace *pace)
{
    int64_t thousandths = (int64_t)pace->rate * CAPACITY_MS;

    return thousandths < THOUSANDTHS ? THOUSANDTHS : thousandths;
}

static void fill(struct prongd_pace *pace)
{
    uint64_t now = now_ms(), missing = (uint64_t)(capacity(pace) - pace->level);
    uint64_t passed_ms = now - pace->filled_ms;

    pace->filled_ms = now;
    if (passed_ms > missing / pace->rate)
        pace->level = capacity(pace);
    else
        pace->level += (int64_t)(passed_ms * pace->rate);
}

static void on_timer(struct prong_timer *timer, void *user)
{
    struct prongd_pace *pace = user;

    (void)timer;
    pace->waits = false;
    pace->on_ready(pace->socket);
}

struct prongd_pace *prongd_pace_new(struct prong_socket *socket, uint64_t per_second,
                                    prongd_pace_ready *on_ready)
{
    struct prongd_pace *pace;

    if (per_second == 0)
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
    pace->rate = per_second;
    pace->filled_ms = now_ms();
    pace->level = capacity(pace);
    return pace;
}

size_t prongd_pace_room(struct prongd_pace *pace)
{
    if (pace == NULL)
        return SIZE_MAX;
    fill(pace);
    return pace->level > 0 ? (size_t)(pace->level / THOUSANDTHS) : 0;
}

void prongd_pace_spend(struct prongd_pace *pace, size_t units)
{
    if (pace != NULL)
        pace->level -= (int64_t)units * THOUSANDTHS;
}

void prongd_pace_wait(struct prongd_pace *pace)
{
    if (pace == NULL)
        return;
    pace->waits = true;
    prong_timer_start(pace->timer, (uint64_t)(capacity(pace) - pace->level) / pace->rate + 1, 0);
}

bool prongd_pace_waits(const struct prongd_pace *pace)
{
    return pace != NULL && pace->waits;
}

long prongd_pace_save(const struct prongd_pace *pace, void *bytes, size_t size)
{
    if (pace == NULL)
        return 0;
    if (size >= sizeof(pace->level))
        memcpy(bytes, &pace->level, sizeof(pace->level));
    return sizeof(pace->level);
}

int prongd_pace_restore(struct prongd_pace *pace, const void *bytes, size_t size)
{
    int64_t level;

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

void prongd_pace_free(struct prongd_pace *pace)
{
    if (pace == NULL)
        return;
    prong_timer_free(pace->timer);
    free(pace);
}
