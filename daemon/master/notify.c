/* SPDX-License-Identifier: MIT
 *
 * What is told when.
 *
 * The status is looked at every few seconds and told only when it is another one.  Whenever
 * something takes its time (a start, a reload, a drain), each look also asks for more of it: the
 * master has limits of its own, and only one that is stuck is silent.
 */
#include "notify.h"

#include <ev.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "census.h"
#include "clock.h"
#include "generation.h"
#include "master_internal.h"
#include "scoreboard.h"
#include "slot.h"
#include "systemd.h"

#define LOOK_PERIOD_S 5.0

/* Three looks: two may be late. */
#define MORE_TIME_US (15 * 1000000)

#define STATUS_SIZE 1024

/* Three heartbeats of an idle worker. */
#define LEAST_PATIENCE_MS 3000

/*  STARTING → READY ⇄ RELOADING → STOPPING       any → STOPPING */
enum notify_state { NOTIFY_STARTING, NOTIFY_READY, NOTIFY_RELOADING, NOTIFY_STOPPING };

struct notify {
    struct master *master;
    enum notify_state state;
    char refusal[512]; /* why the last reload was refused; "": it was not */
    char told[STATUS_SIZE];
    ev_timer look;
    ev_timer watchdog;
    uint64_t watchdog_us; /* 0: nobody asks */
};

/* --- The status --- */

/* "8,120": `text` has room for it. */
static const char *with_commas(uint64_t number, char text[32])
{
    char digits[32];
    int length = snprintf(digits, sizeof(digits), "%llu", (unsigned long long)number);
    char *to = text;

    for (int i = 0; i < length; i++) {
        if (i > 0 && (length - i) % 3 == 0)
            *to++ = ',';
        *to++ = digits[i];
    }
    *to = '\0';
    return text;
}

static uint64_t count_connections(const struct master *master)
{
    const struct generation *generation;
    uint64_t sum = 0;

    for (generation = master->generations.first; generation != NULL; generation = generation->next)
        sum += census_generation(generation);
    return sum;
}

static unsigned count_ready(const struct generation *generation)
{
    unsigned count = 0;

    for (unsigned i = 0; i < generation->slot_count; i++)
        count += generation->slots[i].state == SLOT_READY ? 1 : 0;
    return count;
}

/* "4 workers", or "3 of 4 workers". */
static void describe_workers(const struct generation *generation, char *text, size_t size)
{
    unsigned ready = count_ready(generation), all = generation->slot_count;

    if (ready == all)
        snprintf(text, size, "%u worker%s", all, all == 1 ? "" : "s");
    else
        snprintf(text, size, "%u of %u workers", ready, all);
}

static void describe_serving(const struct notify *notify, char *text, size_t size)
{
    const struct master *master = notify->master;
    const struct generation *current = generation_list_current(&master->generations);
    uint64_t connections = count_connections(master);
    char workers[64], number[32];

    if (current == NULL) {
        snprintf(text, size, "No workers");
        return;
    }
    describe_workers(current, workers, sizeof(workers));
    snprintf(text, size, "%s, %s connection%s, generation %llu%s%s", workers,
             with_commas(connections, number), connections == 1 ? "" : "s",
             (unsigned long long)current->number,
             *notify->refusal != '\0' ? "; reload refused: " : "", notify->refusal);
}

static void describe(const struct notify *notify, char *text, size_t size)
{
    uint64_t connections = count_connections(notify->master);
    char number[32];

    switch (notify->state) {
    case NOTIFY_STARTING:
        snprintf(text, size, "Starting");
        return;
    case NOTIFY_READY:
        describe_serving(notify, text, size);
        return;
    case NOTIFY_RELOADING:
        snprintf(text, size, "Reloading");
        return;
    case NOTIFY_STOPPING:
        snprintf(text, size, "Stopping, %s connection%s left", with_commas(connections, number),
                 connections == 1 ? "" : "s");
        return;
    }
}

/* --- Telling --- */

/* A line of its own for each assignment: what stands in one must not begin another. */
static void copy_line(char *to, size_t size, const char *from)
{
    size_t length = strcspn(from, "\n");

    if (length >= size)
        length = size - 1;
    memcpy(to, from, length);
    to[length] = '\0';
}

/* `assignments`, each with its newline, then the status. */
static void tell(struct notify *notify, const char *assignments)
{
    char more[64] = "";

    if (notify->state != NOTIFY_READY)
        snprintf(more, sizeof(more), "EXTEND_TIMEOUT_USEC=%d\n", MORE_TIME_US);
    describe(notify, notify->told, sizeof(notify->told));
    systemd_tell("%s%sSTATUS=%s", assignments, more, notify->told);
}

static void on_look(struct ev_loop *loop, ev_timer *timer, int revents)
{
    struct notify *notify = timer->data;
    char status[STATUS_SIZE];

    (void)loop;
    (void)revents;
    describe(notify, status, sizeof(status));
    if (notify->state != NOTIFY_READY || strcmp(status, notify->told) != 0)
        tell(notify, "");
}

void notify_ready(struct notify *notify)
{
    notify->state = NOTIFY_READY;
    tell(notify, "READY=1\n");
}

void notify_failed(struct notify *notify, const char *why)
{
    char line[512];

    notify->state = NOTIFY_STOPPING;
    copy_line(line, sizeof(line), why);
    systemd_tell("STATUS=Start failed: %s", line);
    systemd_sync();
}

void notify_reloading(struct notify *notify)
{
    struct timespec now;
    char assignments[96];

    if (notify->state == NOTIFY_STOPPING)
        return;
    clock_gettime(CLOCK_MONOTONIC, &now);
    snprintf(assignments, sizeof(assignments), "RELOADING=1\nMONOTONIC_USEC=%llu\n",
             (unsigned long long)now.tv_sec * 1000000 + (unsigned long long)now.tv_nsec / 1000);
    notify->state = NOTIFY_RELOADING;
    tell(notify, assignments);
}

/* The protocol knows no failed reload: that is in the status, and in prongctl's exit status. */
void notify_reloaded(struct notify *notify, const char *why)
{
    if (notify->state != NOTIFY_RELOADING)
        return;
    copy_line(notify->refusal, sizeof(notify->refusal), why != NULL ? why : "");
    notify_ready(notify);
}

void notify_stopping(struct notify *notify)
{
    if (notify->state == NOTIFY_STOPPING)
        return;
    notify->state = NOTIFY_STOPPING;
    tell(notify, "STOPPING=1\n");
}

/* --- The watchdog --- */

static bool beats(const struct slot *slot, uint64_t patience_ms)
{
    uint64_t heartbeat = atomic_load_explicit(&slot->cell->heartbeat_ms, memory_order_relaxed);

    return clock_ms() < heartbeat + patience_ms;
}

/* One stuck worker is the supervisor's business; when all are, nothing but a restart helps.  While
 * none is ready the supervisor is at work. */
static bool is_healthy(const struct notify *notify)
{
    const struct generation *current = generation_list_current(&notify->master->generations);
    uint64_t patience_ms = notify->watchdog_us / 1000;
    unsigned ready = 0;

    if (patience_ms < LEAST_PATIENCE_MS)
        patience_ms = LEAST_PATIENCE_MS;

    for (unsigned i = 0; current != NULL && i < current->slot_count; i++) {
        const struct slot *slot = &current->slots[i];

        if (slot->state != SLOT_READY)
            continue;
        if (beats(slot, patience_ms))
            return true;
        ready++;
    }
    return ready == 0;
}

static void on_watchdog(struct ev_loop *loop, ev_timer *timer, int revents)
{
    const struct notify *notify = timer->data;

    (void)loop;
    (void)revents;
    if (is_healthy(notify))
        systemd_tell("WATCHDOG=1");
}

/* --- Life --- */

static void start_timer(struct notify *notify, ev_timer *timer, double period_s)
{
    ev_timer_set(timer, period_s, period_s);
    ev_timer_start(notify->master->loop, timer);
}

struct notify *notify_new(struct master *master)
{
    struct notify *notify = calloc(1, sizeof(*notify));

    if (notify == NULL)
        return NULL;
    notify->master = master;
    ev_init(&notify->look, on_look);
    ev_init(&notify->watchdog, on_watchdog);
    notify->look.data = notify->watchdog.data = notify;
    return notify;
}

void notify_start(struct notify *notify)
{
    if (!systemd_listens())
        return;
    tell(notify, "");
    start_timer(notify, &notify->look, LOOK_PERIOD_S);
    notify->watchdog_us = systemd_watchdog_us();
    if (notify->watchdog_us > 0)
        start_timer(notify, &notify->watchdog, (double)notify->watchdog_us / 2e6);
}

void notify_free(struct notify *notify)
{
    if (notify == NULL)
        return;
    ev_timer_stop(notify->master->loop, &notify->look);
    ev_timer_stop(notify->master->loop, &notify->watchdog);
    free(notify);
}
