/* SPDX-License-Identifier: MIT
 *
 * The policy of accepting.
 */
#include "gate.h"

#include "burden.h"
#include "log.h"
#include "scoreboard.h"

#include <errno.h>
#include <ev.h>
#include <poll.h>
#include <prong/server.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

/* How soon a closed gate looks whether somebody waits, and how soon again when somebody does. */
#define RECHECK_MS 5
#define WAITING_MS 2

/* So many looks in a row may find somebody waiting before we take who does.  The first only
 * remembers who slept, from the second on those who still sleep do not count. */
#define LOOKS 3

/* How soon any gate looks into the queue. */
#define HOUSEKEEPING_MS 50

/* Connections taken by one forced take. */
#define FORCED_BATCH 16

/* However light another worker is, this part of its fair share of what arrives remains to each: so
 * one that comes back is not flooded.  Where little arrives (less than FLOOD at the mean, lately)
 * there is no flood. */
#define FAIR_PART 4
#define FLOOD     (UINT64_C(16) * 256)

struct gate {
    struct gate_place place;
    struct scoreboard_server *cell; /* its own */
    struct prong_server **handles;
    struct pollfd *queues; /* of each handle: what the last look found */
    size_t handle_count;
    uint64_t *turns;              /* of each slot's loop, when somebody waited first */
    struct ev_timer recheck;      /* runs while closed */
    struct ev_timer housekeeping; /* runs always */
    struct load_meter load_meter;
    unsigned waited; /* looks in a row that found somebody waiting */
    size_t rounds;   /* of housekeeping */
    bool is_closed;
    bool is_held;
    bool is_stopped;
    bool fell_back; /* said so already */
};

static uint64_t now_ms(void)
{
    struct timespec time;

    clock_gettime(CLOCK_MONOTONIC, &time);
    return (uint64_t)time.tv_sec * 1000U + (uint64_t)time.tv_nsec / 1000000U;
}

static uint64_t get(const _Atomic uint64_t *number)
{
    return atomic_load_explicit(number, memory_order_relaxed);
}

static void add_one(_Atomic uint64_t *number)
{
    atomic_store_explicit(number, get(number) + 1, memory_order_relaxed);
}

/* --- The others --- */

/* Does this slot's worker accept?  Not one that slept on while somebody waited. */
static bool counts(const struct gate *gate, unsigned slot)
{
    const struct scoreboard_worker *worker = &gate->place.workers[slot];

    if (slot == gate->place.slot)
        return true;
    return atomic_load_explicit(&worker->state, memory_order_relaxed) == SLOT_READY &&
           get(&worker->turns) != get(&worker->missed_turn);
}

static void remember_turns(struct gate *gate)
{
    for (unsigned slot = 0; slot < gate->place.slots; slot++)
        gate->turns[slot] = get(&gate->place.workers[slot].turns);
}

/* Somebody has waited for a while, and they did not even turn: they do not count until they do. */
static void doubt_sleepers(struct gate *gate)
{
    for (unsigned slot = 0; slot < gate->place.slots; slot++) {
        struct scoreboard_worker *worker = &gate->place.workers[slot];

        if (slot != gate->place.slot && get(&worker->turns) == gate->turns[slot])
            atomic_store_explicit(&worker->missed_turn, gate->turns[slot], memory_order_relaxed);
    }
}

static struct burden sum_up(const struct gate *gate, uint64_t now)
{
    struct burden sum = {0};

    for (unsigned slot = 0; slot < gate->place.slots; slot++) {
        struct burden one;

        if (!counts(gate, slot))
            continue;
        one = burden_of(&gate->place.cells[slot], now);
        burden_add(&sum, &one);
    }
    return sum;
}

/* --- The decision --- */

static bool is_above_the_mean(const struct gate *gate, const struct burden *own,
                              const struct burden *sum)
{
    enum gate_metric metric = gate->place.metric;

    return burden_weight(own, sum, metric) >
           burden_weight(sum, sum, metric) / sum->workers + burden_slack(metric);
}

/* Does nearly everything that arrives go to others? */
static bool is_passed_over(const struct gate *gate, const struct burden *own,
                           const struct burden *sum)
{
    return gate->place.metric == GATE_METRIC_CONNECTIONS && sum->recent > FLOOD * sum->workers &&
           own->recent * FAIR_PART * sum->workers < sum->recent;
}

static bool may_accept(const struct gate *gate)
{
    uint64_t now = now_ms();
    struct burden own = burden_of(gate->cell, now), sum = sum_up(gate, now);

    /* Where nothing happens nobody need look every few milliseconds. */
    if (sum.recent == 0)
        return true;
    return !is_above_the_mean(gate, &own, &sum) || is_passed_over(gate, &own, &sum);
}

/* --- Open and closed --- */

/* One look into all queues: it is made often, so it is one system call. */
static bool somebody_waits(struct gate *gate)
{
    for (size_t i = 0; i < gate->handle_count; i++)
        gate->queues[i] =
            (struct pollfd){.fd = prong_server_fd(gate->handles[i]), .events = POLLIN};
    return poll(gate->queues, gate->handle_count, 0) > 0;
}

/* By the last look. */
static bool waits_at(const struct gate *gate, size_t handle)
{
    return gate->queues[handle].revents != 0;
}

static void look_again_in(struct gate *gate, unsigned ms)
{
    gate->recheck.repeat = ms / 1e3;
    ev_timer_again(gate->place.ev, &gate->recheck);
}

static void watch_all(struct gate *gate, bool watched)
{
    for (size_t i = 0; i < gate->handle_count; i++) {
        if (watched)
            prong_server_resume(gate->handles[i]);
        else
            prong_server_pause(gate->handles[i]);
    }
}

static void open_gate(struct gate *gate)
{
    gate->is_closed = false;
    gate->waited = 0;
    atomic_store_explicit(&gate->cell->is_closed, 0, memory_order_relaxed);
    ev_timer_stop(gate->place.ev, &gate->recheck);
    watch_all(gate, !gate->is_held);
}

/* The lightest worker, when it waits behind a closed gate, does not know that it is wanted now. */
static void nudge_lightest(struct gate *gate)
{
    uint64_t now = now_ms(), one = 1;
    struct burden sum = sum_up(gate, now);
    unsigned lightest = gate->place.slot;
    double least = 0;

    for (unsigned slot = 0; slot < gate->place.slots; slot++) {
        struct burden burden = burden_of(&gate->place.cells[slot], now);
        double weight = burden_weight(&burden, &sum, gate->place.metric);

        if (slot == gate->place.slot || !counts(gate, slot))
            continue;
        if (lightest == gate->place.slot || weight < least) {
            least = weight;
            lightest = slot;
        }
    }
    if (lightest == gate->place.slot || gate->place.nudge_fds == NULL ||
        !atomic_load_explicit(&gate->place.cells[lightest].is_closed, memory_order_relaxed))
        return;
    add_one(&gate->cell->gate_nudges);
    /* A counter that is full is as good as one that was written. */
    (void)!write(gate->place.nudge_fds[lightest], &one, sizeof(one));
}

/* With several handles the wake-up for another one may be in our hands already: one who waits there
 * is ours, or nobody's. */
static void keep_promises(struct gate *gate)
{
    if (gate->handle_count < 2 || !somebody_waits(gate))
        return;
    for (size_t i = 0; i < gate->handle_count; i++) {
        if (waits_at(gate, i))
            prong_server_take(gate->handles[i], 1);
    }
}

static void close_gate(struct gate *gate)
{
    gate->is_closed = true;
    atomic_store_explicit(&gate->cell->is_closed, 1, memory_order_relaxed);
    add_one(&gate->cell->gate_closed);
    watch_all(gate, false);
    keep_promises(gate);
    look_again_in(gate, RECHECK_MS);
    nudge_lightest(gate);
}

void gate_accepted(struct gate *gate)
{
    burden_note_accepted(gate->cell, now_ms());
    if (!gate->is_closed && !gate->is_stopped && !may_accept(gate))
        close_gate(gate);
}

void gate_reconsider(struct gate *gate)
{
    if (gate->is_closed && !gate->is_stopped && may_accept(gate))
        open_gate(gate);
}

static void take_all(struct gate *gate)
{
    for (size_t i = 0; i < gate->handle_count; i++)
        prong_server_take(gate->handles[i], FORCED_BATCH);
}

static void take_all_the_same(struct gate *gate)
{
    add_one(&gate->cell->gate_forced);
    take_all(gate);
}

/* Those who should have come did not: first the ones that sleep do not count any more, and perhaps
 * we are not above the mean of the others.  If we still are, we take who waits all the same. */
static void look_after_those_who_wait(struct gate *gate)
{
    if (!somebody_waits(gate)) {
        gate->waited = 0;
        look_again_in(gate, RECHECK_MS);
        return;
    }
    if (gate->waited++ == 0) {
        remember_turns(gate);
        look_again_in(gate, WAITING_MS);
        return;
    }
    doubt_sleepers(gate);
    nudge_lightest(gate);
    gate_reconsider(gate);
    if (gate->is_closed && gate->waited >= LOOKS)
        take_all_the_same(gate);
}

static void on_recheck(struct ev_loop *ev, struct ev_timer *timer, int revents)
{
    struct gate *gate = timer->data;

    (void)ev;
    (void)revents;
    gate_reconsider(gate);
    if (gate->is_closed)
        look_after_those_who_wait(gate);
}

/* --- Housekeeping --- */

/* Every handle is asked: one whose entry is not in force any more is mended by that. */
bool gate_is_exclusive(const struct gate *gate)
{
    bool all = true;

    for (size_t i = 0; i < gate->handle_count; i++)
        all = prong_server_is_exclusive(gate->handles[i]) && all;
    return all;
}

/* They stand in the same set, so one handle is asked each time, and the others when it lost its
 * entry. */
static void notice_fall_back(struct gate *gate)
{
    if (gate->fell_back || gate->handle_count == 0 ||
        prong_server_is_exclusive(gate->handles[gate->rounds++ % gate->handle_count]))
        return;
    (void)gate_is_exclusive(gate);
    gate->fell_back = true;
    log_notice("listening handle watched plainly reason=\"no EPOLLEXCLUSIVE\"");
}

/* Somebody waits although this worker sleeps: the wake-up went to one that did not come.  Watching
 * anew has the kernel look. */
static void watch_anew(struct gate *gate)
{
    if (!somebody_waits(gate))
        return;
    for (size_t i = 0; i < gate->handle_count; i++) {
        if (!waits_at(gate, i))
            continue;
        prong_server_pause(gate->handles[i]);
        prong_server_resume(gate->handles[i]);
    }
}

static void on_housekeeping(struct ev_loop *ev, struct ev_timer *timer, int revents)
{
    struct gate *gate = timer->data;

    (void)ev;
    (void)revents;
    if (gate->place.metric == GATE_METRIC_LOAD) {
        load_meter_read(&gate->load_meter, gate->cell, HOUSEKEEPING_MS);
        gate_reconsider(gate);
    }
    notice_fall_back(gate);
    if (!gate->is_closed && !gate->is_held)
        watch_anew(gate);
}

/* --- Held --- */

void gate_hold(struct gate *gate, bool held)
{
    gate->is_held = held;
    if (!gate->is_closed)
        watch_all(gate, !held);
    else if (held)
        ev_timer_stop(gate->place.ev, &gate->recheck);
    else
        look_again_in(gate, RECHECK_MS);
}

void gate_take(struct gate *gate)
{
    if (!gate->is_closed)
        take_all(gate);
}

/* --- Life --- */

struct gate *gate_new(const struct gate_place *place)
{
    struct gate *gate = calloc(1, sizeof(*gate));

    if (gate == NULL)
        return NULL;
    gate->turns = calloc(place->slots, sizeof(*gate->turns));
    if (gate->turns == NULL) {
        free(gate);
        return NULL;
    }
    gate->place = *place;
    gate->cell = &place->cells[place->slot];
    atomic_store_explicit(&gate->cell->is_closed, 0, memory_order_relaxed);
    ev_init(&gate->recheck, on_recheck);
    gate->recheck.data = gate;
    ev_timer_init(&gate->housekeeping, on_housekeeping, HOUSEKEEPING_MS / 1e3,
                  HOUSEKEEPING_MS / 1e3);
    gate->housekeeping.data = gate;
    ev_timer_start(place->ev, &gate->housekeeping);
    return gate;
}

/* Room for one handle more. */
static int grow(struct gate *gate)
{
    size_t count = gate->handle_count + 1;
    struct prong_server **handles = realloc(gate->handles, count * sizeof(struct prong_server *));
    struct pollfd *queues;

    if (handles == NULL)
        return -ENOMEM;
    gate->handles = handles;
    queues = realloc(gate->queues, count * sizeof(*queues));
    if (queues == NULL)
        return -ENOMEM;
    gate->queues = queues;
    return 0;
}

int gate_adopt(struct gate *gate, struct prong_server *handle)
{
    int error = grow(gate);

    if (error < 0)
        return error;
    gate->handles[gate->handle_count++] = handle;
    (void)prong_server_set_exclusive(handle); /* housekeeping tells when it is not to be had */
    return 0;
}

void gate_stop(struct gate *gate)
{
    gate->is_stopped = true;
    ev_timer_stop(gate->place.ev, &gate->recheck);
    ev_timer_stop(gate->place.ev, &gate->housekeeping);
}

void gate_free(struct gate *gate)
{
    if (gate == NULL)
        return;
    gate_stop(gate);
    free(gate->turns);
    free(gate->handles);
    free(gate->queues);
    free(gate);
}
