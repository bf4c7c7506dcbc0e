/* SPDX-License-Identifier: MIT
 *
 * Starting, watching and replacing workers.
 *
 * Every state of a slot that should not last has a time limit, the slot's one timer:
 * STARTING (then the worker is given up), RESTING (then it is tried again), DRAINING (then it is
 * stopped), STOPPING (then it is killed).
 */
#include "supervisor.h"

#include <assert.h>
#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>

#include "clock.h"
#include "config.h"
#include "counters.h"
#include "fork.h"
#include "generation.h"
#include "ipc.h"
#include "log.h"
#include "reports.h"
#include "routing.h"
#include "slot.h"
#include "timeline.h"

/* The longest rest of the last slot of a generation. */
#define LAST_REST_S 1.0

static void spawn(struct slot *slot);

static uint64_t monotonic_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

/* --- The end of a generation --- */

/* Lets on_gone follow, from the loop, when nobody is left. */
static void conclude(struct supervisor *supervisor, struct generation *generation)
{
    if (generation_workers(generation) == 0)
        ev_timer_start(supervisor->loop, &generation->conclusion);
}

static void conclude_sleep(struct supervisor *supervisor, struct generation *generation)
{
    if (generation->sleeps && generation_workers(generation) == 0)
        supervisor->events->on_asleep(generation, supervisor->user);
}

static void on_conclusion(struct ev_loop *loop, ev_timer *timer, int revents)
{
    struct generation *generation = timer->data;
    struct supervisor *supervisor = generation->slots[0].supervisor;

    (void)revents;
    ev_timer_stop(loop, timer); /* a signal in the same turn may have concluded it once more */
    supervisor->events->on_gone(generation, supervisor->user);
}

static void fail(struct supervisor *supervisor, struct generation *generation, const char *why)
{
    supervisor_stop(supervisor, generation);
    supervisor->events->on_failed(generation, why, supervisor->user);
}

/* --- What becomes of a slot whose worker is gone --- */

/* Without its last worker the service would wait for the rest of a rest. */
static double rest_of(const struct slot *slot)
{
    double rest_s = slot_rest_s(slot->early_deaths, slot->generation->config->daemon.max_respawns);

    return rest_s > LAST_REST_S && slot_is_last(slot) ? LAST_REST_S : rest_s;
}

static void refill(struct slot *slot)
{
    bool is_too_often = slot->early_deaths > slot->generation->config->daemon.max_respawns;
    double rest_s = rest_of(slot);

    if (rest_s > 0) {
        log_at(is_too_often ? LOG_LEVEL_ERROR : LOG_LEVEL_NOTICE,
               "slot rests slot=%u generation=%llu seconds=%.1f early_deaths=%u", slot->index,
               (unsigned long long)slot->generation->number, rest_s, slot->early_deaths);
        slot_enter_for(slot, SLOT_RESTING, rest_s);
        return;
    }
    slot_enter(slot, SLOT_EMPTY);
    spawn(slot);
}

/* `how` it ended, as words. */
static void settle(struct slot *slot, const char *how)
{
    struct generation *generation = slot->generation;
    char why[160];

    slot->early_deaths = slot_died_early(slot, clock_s()) ? slot->early_deaths + 1 : 0;
    switch (generation->state) {
    case GENERATION_STARTING:
        slot_enter(slot, SLOT_EMPTY);
        snprintf(why, sizeof(why), "the worker of slot %u ended before all were ready: %s",
                 slot->index, how);
        fail(slot->supervisor, generation, why);
        return;
    case GENERATION_SERVING:
        if (generation->is_fixed || generation->sleeps) {
            slot_enter(slot, SLOT_EMPTY); /* the next reload fills the place */
            conclude_sleep(slot->supervisor, generation);
        } else {
            refill(slot);
        }
        return;
    case GENERATION_DRAINING:
    case GENERATION_STOPPING:
        slot_enter(slot, SLOT_EMPTY);
        conclude(slot->supervisor, generation);
        return;
    }
}

/* --- Starting --- */

/* Starts a worker in an empty or rested slot.  A failure is settled from the loop. */
static void spawn(struct slot *slot)
{
    int error;

    slot_enter_for(slot, SLOT_STARTING,
                   (double)slot->generation->config->daemon.ready_timeout_ms / 1000);
    error = fork_worker(slot, &reports_events);
    if (error < 0) {
        log_code(LOG_LEVEL_ERROR, error, "worker cannot be started slot=%u", slot->index);
        ev_timer_stop(slot->supervisor->loop, &slot->timer);
        ev_timer_set(&slot->timer, 0., 0.);
        ev_timer_start(slot->supervisor->loop, &slot->timer);
        return;
    }
    slot->supervisor->counters->worker_starts++;
    atomic_store_explicit(&slot->cell->pid, (uint32_t)slot->pid, memory_order_relaxed);
    atomic_store_explicit(&slot->cell->started_ms, monotonic_ms(), memory_order_relaxed);
    log_info("worker started slot=%u generation=%llu pid=%d", slot->index,
             (unsigned long long)slot->generation->number, (int)slot->pid);
}

/* --- Time limits --- */

static void on_not_ready(struct slot *slot)
{
    char why[96];

    if (!slot_is_occupied(slot)) {
        settle(slot, "it could not be started");
        return;
    }
    if (slot->generation->state == GENERATION_STARTING) {
        snprintf(why, sizeof(why), "the worker of slot %u was not ready within %.3g s", slot->index,
                 (double)slot->generation->config->daemon.ready_timeout_ms / 1000);
        fail(slot->supervisor, slot->generation, why);
        return;
    }
    log_error("worker was not ready in time slot=%u pid=%d", slot->index, (int)slot->pid);
    kill(slot->pid, SIGKILL);
}

static void on_limit(struct ev_loop *loop, ev_timer *timer, int revents)
{
    struct slot *slot = timer->data;

    (void)loop;
    (void)revents;
    switch (slot->state) {
    case SLOT_STARTING:
        on_not_ready(slot);
        return;
    case SLOT_RESTING:
        spawn(slot);
        return;
    case SLOT_DRAINING:
        log_warning("worker did not finish in time slot=%u pid=%d", slot->index, (int)slot->pid);
        slot_stop(slot);
        return;
    case SLOT_STOPPING:
        log_warning("worker is killed slot=%u pid=%d", slot->index, (int)slot->pid);
        kill(slot->pid, SIGKILL);
        return;
    case SLOT_EMPTY:
    case SLOT_READY:
        assert(!"a state that may last has no limit");
    }
}

/* --- Deaths --- */

static const char *describe_end(int status, char *text, size_t size)
{
    if (WIFSIGNALED(status))
        snprintf(text, size, "signal %d (%s)%s", WTERMSIG(status), strsignal(WTERMSIG(status)),
                 WCOREDUMP(status) ? ", core dumped" : "");
    else
        snprintf(text, size, "exit status %d", WEXITSTATUS(status));
    return text;
}

static void note_death(const struct slot *slot, const char *how)
{
    struct supervisor *supervisor = slot->supervisor;
    char detail[128];

    snprintf(detail, sizeof(detail), "slot %u: %s", slot->index, how);
    supervisor->counters->worker_deaths++;
    timeline_add(supervisor->timeline, TIMELINE_DEATH, slot->generation->number, detail);
}

static void bury(struct slot *slot, int status)
{
    bool expected = slot->state == SLOT_DRAINING || slot->state == SLOT_STOPPING;
    char how[96];

    describe_end(status, how, sizeof(how));
    log_at(expected && status == 0 ? LOG_LEVEL_INFO : LOG_LEVEL_ERROR,
           "worker ended slot=%u generation=%llu pid=%d state=%s how=\"%s\"", slot->index,
           (unsigned long long)slot->generation->number, (int)slot->pid,
           slot_state_name(slot->state), how);
    if (!expected)
        note_death(slot, how);
    slot->pid = 0;
    if (slot->state == SLOT_DRAINING && slot->ipc != NULL)
        ipc_read_rest(slot->ipc); /* what became of its connections */
    slot->supervisor->events->on_lost(slot, slot->supervisor->user);
    ipc_free(slot->ipc);
    slot->ipc = NULL;
    scoreboard_clear_slot(slot->generation->scoreboard, slot->generation->number, slot->index);
    settle(slot, how);
}

/* As process 1 of a container the master is also given children that are not its own. */
void supervisor_reap(struct supervisor *supervisor)
{
    struct slot *slot;
    int status;
    pid_t pid;

    while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
        slot = generation_list_find_slot(supervisor->generations, pid);
        if (slot != NULL)
            bury(slot, status);
        else
            supervisor->events->on_other_child(pid, status, supervisor->user);
    }
}

static void on_child_signal(struct ev_loop *loop, ev_signal *watcher, int revents)
{
    (void)loop;
    (void)revents;
    supervisor_reap(watcher->data);
}

/* --- The interface --- */

void supervisor_init(struct supervisor *supervisor, struct ev_loop *loop,
                     const struct generation_list *generations, worker_entry *entry,
                     const struct supervisor_events *events, void *user)
{
    supervisor->loop = loop;
    supervisor->generations = generations;
    supervisor->entry = entry;
    supervisor->events = events;
    supervisor->user = user;
    ev_signal_init(&supervisor->child_signal, on_child_signal, SIGCHLD);
    supervisor->child_signal.data = supervisor;
    ev_signal_start(loop, &supervisor->child_signal);
}

void supervisor_count(struct supervisor *supervisor, struct counters *counters,
                      struct timeline *timeline)
{
    supervisor->counters = counters;
    supervisor->timeline = timeline;
}

static void watch_slot(struct supervisor *supervisor, struct slot *slot)
{
    slot->supervisor = supervisor;
    ev_timer_init(&slot->timer, on_limit, 0., 0.);
    slot->timer.data = slot;
}

void supervisor_prepare(struct supervisor *supervisor, struct generation *generation)
{
    ev_timer_init(&generation->conclusion, on_conclusion, 0., 0.);
    generation->conclusion.data = generation;
    for (unsigned i = 0; i < generation->slot_count; i++)
        watch_slot(supervisor, &generation->slots[i]);
}

void supervisor_start(struct supervisor *supervisor, struct generation *generation)
{
    supervisor_prepare(supervisor, generation);
    for (unsigned i = 0; i < generation->slot_count; i++)
        spawn(&generation->slots[i]);
}

void supervisor_try(struct supervisor *supervisor, struct generation *generation)
{
    generation->is_on_trial = true;
    supervisor_prepare(supervisor, generation);
    spawn(&generation->slots[0]);
}

void supervisor_start_rest(struct supervisor *supervisor, struct generation *generation)
{
    generation->is_on_trial = false;
    for (unsigned i = 1; i < generation->slot_count; i++)
        spawn(&generation->slots[i]);
    reports_serve_when_ready(supervisor, generation);
}

void supervisor_withdraw(struct supervisor *supervisor, struct generation *generation,
                         uint64_t timeout_ms)
{
    generation_enter(generation, GENERATION_DRAINING);
    for (unsigned i = 0; i < generation->slot_count; i++)
        slot_leave(&generation->slots[i], timeout_ms);
    conclude(supervisor, generation);
}

int supervisor_adopt_slot(struct slot *slot, pid_t pid, int fd, enum slot_state state)
{
    double limit_s = (double)slot->generation->config->daemon.shutdown_timeout_ms / 1000;

    if (pid == 0)
        return 0;
    if (fd >= 0) {
        slot->ipc = ipc_new(slot->supervisor->loop, fd, &reports_events, slot);
        if (slot->ipc == NULL)
            return -errno;
    }
    slot->pid = pid;
    slot->state = SLOT_STARTING; /* that of a worker which was never ready, until told below */
    if (state == SLOT_READY || state == SLOT_DRAINING)
        slot_enter(slot, SLOT_READY);
    if (state == SLOT_DRAINING)
        slot_enter_for(slot, SLOT_DRAINING, limit_s);
    if (state != SLOT_READY && state != SLOT_DRAINING)
        slot_stop(slot);
    return 0;
}

void supervisor_accept(struct supervisor *supervisor, struct generation *generation)
{
    (void)supervisor;
    generation->accepts = true;
    for (unsigned i = 0; i < generation->slot_count; i++)
        slot_accept(&generation->slots[i]);
    routing_begin(generation);
}

static void end_serving(struct supervisor *supervisor, struct generation *generation,
                        void (*end)(struct slot *slot, uint64_t timeout_ms), uint64_t timeout_ms)
{
    if (generation->state != GENERATION_SERVING) {
        supervisor_stop(supervisor, generation);
        return;
    }
    generation_enter(generation, GENERATION_DRAINING);
    for (unsigned i = 0; i < generation->slot_count; i++)
        end(&generation->slots[i], timeout_ms);
    conclude(supervisor, generation);
}

void supervisor_drain(struct supervisor *supervisor, struct generation *generation,
                      uint64_t timeout_ms)
{
    end_serving(supervisor, generation, slot_drain, timeout_ms);
}

void supervisor_leave(struct supervisor *supervisor, struct generation *generation,
                      uint64_t timeout_ms)
{
    end_serving(supervisor, generation, slot_leave, timeout_ms);
}

void supervisor_sleep(struct supervisor *supervisor, struct generation *generation)
{
    generation->sleeps = true;
    for (unsigned i = 0; i < generation->slot_count; i++)
        slot_drain(&generation->slots[i], generation->config->daemon.shutdown_timeout_ms);
    conclude_sleep(supervisor, generation);
}

void supervisor_stop(struct supervisor *supervisor, struct generation *generation)
{
    if (generation->state == GENERATION_STOPPING)
        return;
    generation_enter(generation, GENERATION_STOPPING);
    for (unsigned i = 0; i < generation->slot_count; i++)
        slot_stop(&generation->slots[i]);
    conclude(supervisor, generation);
}

void supervisor_tell_all(struct supervisor *supervisor, enum message message, const void *payload,
                         size_t size, int fd)
{
    struct generation *generation;

    for (generation = supervisor->generations->first; generation != NULL;
         generation = generation->next) {
        for (unsigned i = 0; i < generation->slot_count; i++) {
            if (generation->slots[i].ipc != NULL)
                (void)ipc_send(generation->slots[i].ipc, message, payload, size, &fd,
                               fd >= 0 ? 1 : 0);
        }
    }
}

void supervisor_clear(struct supervisor *supervisor)
{
    ev_signal_stop(supervisor->loop, &supervisor->child_signal);
}
