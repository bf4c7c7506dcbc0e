/* SPDX-License-Identifier: MIT
 *
 * The policy of accepting.
 *
 * Measured with 2, 4 and 8 workers: these numbers keep the deviation below 0.5 % at less CPU time
 * than plain watching.
 */
#include "gate.h"

#include "log.h"

#include <errno.h>
#include <ev.h>
#include <poll.h>
#include <prong/server.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

/* How far above the mean a worker may be.  Smaller closes gates for nothing, larger is uneven. */
#define SLACK 4

/* The same in units of load (permille of CPU time, and one connection accepted lately). */
#define LOAD_SLACK    50
#define LOAD_ACCEPTED 16

/* How soon a closed gate looks whether somebody waits. */
#define RECHECK_MS 5

/* How soon any gate looks into the queue. */
#define HOUSEKEEPING_MS 50

/* Connections taken by one forced take. */
#define FORCED_BATCH 16

/* A count of accepted connections that halves this often: it evens out bursts and forgets. */
#define HALF_LIFE_MS 250

struct gate {
    struct gate_place place;
    struct scoreboard_server *cell; /* its own */
    struct prong_server **handles;
    size_t handle_count;
    struct ev_timer recheck;      /* runs while closed */
    struct ev_timer housekeeping; /* runs always */
    bool is_closed;
    bool is_stopped;
    bool fell_back;       /* said so already */
    uint64_t cpu_ns;      /* at the last look */
    uint64_t measured_ns; /* when that was */
};

/* --- Clocks --- */

static uint64_t clock_ns(clockid_t clock)
{
    struct timespec time;

    clock_gettime(clock, &time);
    return (uint64_t)time.tv_sec * 1000000000U + (uint64_t)time.tv_nsec;
}

static uint64_t now_ms(void)
{
    return clock_ns(CLOCK_MONOTONIC) / 1000000U;
}

static uint64_t load_of(const _Atomic uint64_t *number)
{
    return atomic_load_explicit(number, memory_order_relaxed);
}

static void add_one(_Atomic uint64_t *number)
{
    atomic_store_explicit(number, load_of(number) + 1, memory_order_relaxed);
}

/* --- Accepted lately: 24 bits of count in 1/256, 40 bits of the time when it was so --- */

#define RECENT_TIME_BITS 40
#define RECENT_TIME_MASK ((UINT64_C(1) << RECENT_TIME_BITS) - 1)
#define RECENT_ONE       256
#define RECENT_MOST      ((UINT64_C(1) << 24) - 1)

/* The count of now, in 1/256. */
static uint64_t recent_now(uint64_t recent, uint64_t now)
{
    uint64_t since = (now - recent) & RECENT_TIME_MASK;
    uint64_t count = recent >> RECENT_TIME_BITS;
    uint64_t halvings = since / HALF_LIFE_MS;

    if (halvings >= 24)
        return 0;
    count >>= halvings;
    /* Between two halvings a straight line is close enough. */
    return count - count * (since % HALF_LIFE_MS) / (2 * HALF_LIFE_MS);
}

static void recent_store(struct scoreboard_server *cell, uint64_t count, uint64_t now)
{
    if (count > RECENT_MOST)
        count = RECENT_MOST;
    atomic_store_explicit(&cell->recent, count << RECENT_TIME_BITS | (now & RECENT_TIME_MASK),
                          memory_order_relaxed);
}

/* --- The metric --- */

static uint64_t recent_of(const struct scoreboard_server *cell, uint64_t now)
{
    return recent_now(load_of(&cell->recent), now);
}

/* In 1/256 of a connection, or of a unit of load. */
static uint64_t weight_of(const struct gate *gate, const struct scoreboard_server *cell,
                          uint64_t now)
{
    uint64_t load;

    if (gate->place.metric == GATE_METRIC_CONNECTIONS)
        return load_of(&cell->connections) * RECENT_ONE + recent_of(cell, now);
    load = atomic_load_explicit(&cell->load, memory_order_relaxed);
    return load * RECENT_ONE + recent_of(cell, now) * LOAD_ACCEPTED;
}

static uint64_t slack_of(const struct gate *gate)
{
    return (gate->place.metric == GATE_METRIC_CONNECTIONS ? SLACK : LOAD_SLACK) * RECENT_ONE;
}

/* Does this slot's worker accept?  Its word is doubted when somebody waits all the same. */
static bool counts(const struct gate *gate, unsigned slot, uint64_t now, bool somebody_waits)
{
    const struct scoreboard_worker *worker = &gate->place.workers[slot];
    uint64_t heartbeat, patience;

    if (slot == gate->place.slot)
        return true;
    if (atomic_load_explicit(&worker->state, memory_order_relaxed) != SLOT_READY)
        return false;
    if (!somebody_waits)
        return true;
    /* Somebody waits and this worker did not come.  One that is closed looks every 5 ms. */
    patience = atomic_load_explicit(&gate->place.cells[slot].is_closed, memory_order_relaxed)
                   ? 3 * RECHECK_MS
                   : RECHECK_MS;
    heartbeat = load_of(&worker->heartbeat_ms);
    return now <= heartbeat + patience;
}

/* Not above the mean? */
static bool may_accept(const struct gate *gate, bool somebody_waits)
{
    uint64_t now = now_ms(), sum = 0, own = 0, count = 0;

    for (unsigned slot = 0; slot < gate->place.slots; slot++) {
        uint64_t weight;

        if (!counts(gate, slot, now, somebody_waits))
            continue;
        weight = weight_of(gate, &gate->place.cells[slot], now);
        sum += weight;
        count++;
        if (slot == gate->place.slot)
            own = weight;
    }
    return own * count <= sum + slack_of(gate) * count;
}

/* --- Open and closed --- */

static void watch_handles(struct gate *gate, bool watched)
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
    atomic_store_explicit(&gate->cell->is_closed, 0, memory_order_relaxed);
    ev_timer_stop(gate->place.ev, &gate->recheck);
    watch_handles(gate, true);
}

/* The lightest worker, when it waits behind a closed gate, does not know that it is wanted now. */
static void nudge_lightest(struct gate *gate)
{
    uint64_t now = now_ms(), least = UINT64_MAX, one = 1;
    unsigned lightest = gate->place.slot;

    for (unsigned slot = 0; slot < gate->place.slots; slot++) {
        uint64_t weight;

        if (slot == gate->place.slot || !counts(gate, slot, now, false))
            continue;
        weight = weight_of(gate, &gate->place.cells[slot], now);
        if (weight < least) {
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

static void close_gate(struct gate *gate)
{
    gate->is_closed = true;
    atomic_store_explicit(&gate->cell->is_closed, 1, memory_order_relaxed);
    add_one(&gate->cell->gate_closed);
    watch_handles(gate, false);
    ev_timer_again(gate->place.ev, &gate->recheck);
    nudge_lightest(gate);
}

void gate_accepted(struct gate *gate)
{
    uint64_t now = now_ms();

    recent_store(gate->cell, recent_of(gate->cell, now) + RECENT_ONE, now);
    if (!gate->is_closed && !gate->is_stopped && !may_accept(gate, false))
        close_gate(gate);
}

void gate_reconsider(struct gate *gate)
{
    if (gate->is_closed && !gate->is_stopped && may_accept(gate, false))
        open_gate(gate);
}

static bool somebody_waits(const struct gate *gate)
{
    for (size_t i = 0; i < gate->handle_count; i++) {
        struct pollfd handle = {.fd = prong_server_fd(gate->handles[i]), .events = POLLIN};

        if (poll(&handle, 1, 0) == 1)
            return true;
    }
    return false;
}

static void take(struct gate *gate)
{
    for (size_t i = 0; i < gate->handle_count; i++)
        prong_server_take(gate->handles[i], FORCED_BATCH);
}

static void on_recheck(struct ev_loop *ev, struct ev_timer *timer, int revents)
{
    struct gate *gate = timer->data;

    (void)ev;
    (void)revents;
    gate_reconsider(gate);
    if (!gate->is_closed || !somebody_waits(gate))
        return;
    /* Those who should have come did not: they do not count, and perhaps we are not above now.
     * If we are, we take what waits all the same: nobody waits for a worker that cannot come. */
    if (may_accept(gate, true)) {
        open_gate(gate);
        return;
    }
    add_one(&gate->cell->gate_forced);
    take(gate);
}

/* --- Housekeeping --- */

static void measure_load(struct gate *gate, uint64_t lag_ms)
{
    uint64_t now = clock_ns(CLOCK_MONOTONIC), cpu = clock_ns(CLOCK_PROCESS_CPUTIME_ID);
    uint64_t share, before;

    if (gate->measured_ns != 0 && now > gate->measured_ns) {
        share = (cpu - gate->cpu_ns) * 1000 / (now - gate->measured_ns) + 4 * lag_ms;
        before = atomic_load_explicit(&gate->cell->load, memory_order_relaxed);
        atomic_store_explicit(&gate->cell->load, (uint32_t)((before * 3 + share) / 4),
                              memory_order_relaxed);
    }
    gate->measured_ns = now;
    gate->cpu_ns = cpu;
}

bool gate_is_exclusive(const struct gate *gate)
{
    for (size_t i = 0; i < gate->handle_count; i++) {
        if (!prong_server_is_exclusive(gate->handles[i]))
            return false;
    }
    return true;
}

static void notice_fall_back(struct gate *gate)
{
    if (gate->fell_back || gate_is_exclusive(gate))
        return;
    gate->fell_back = true;
    log_notice("listening handle watched plainly reason=\"no EPOLLEXCLUSIVE\"");
}

static void on_housekeeping(struct ev_loop *ev, struct ev_timer *timer, int revents)
{
    struct gate *gate = timer->data;
    uint64_t now = clock_ns(CLOCK_MONOTONIC), due;

    (void)ev;
    (void)revents;
    if (gate->place.metric == GATE_METRIC_LOAD) {
        due = gate->measured_ns + HOUSEKEEPING_MS * UINT64_C(1000000);
        measure_load(gate, gate->measured_ns != 0 && now > due ? (now - due) / 1000000U : 0);
        gate_reconsider(gate);
    }
    notice_fall_back(gate);
    if (!gate->is_closed)
        take(gate);
}

/* --- Life --- */

/* A new worker has no connections: it begins at the mean and comes down to its own number within a
 * second or two, instead of being given everything that arrives. */
static void start_at_the_mean(struct gate *gate)
{
    uint64_t now = now_ms(), sum = 0, count = 0;

    for (unsigned slot = 0; slot < gate->place.slots; slot++) {
        if (slot == gate->place.slot || !counts(gate, slot, now, false))
            continue;
        sum += weight_of(gate, &gate->place.cells[slot], now);
        count++;
    }
    recent_store(gate->cell, count > 0 ? sum / count : 0, now);
}

struct gate *gate_new(const struct gate_place *place)
{
    struct gate *gate = calloc(1, sizeof(*gate));

    if (gate == NULL)
        return NULL;
    gate->place = *place;
    gate->cell = &place->cells[place->slot];
    atomic_store_explicit(&gate->cell->is_closed, 0, memory_order_relaxed);
    start_at_the_mean(gate);
    ev_timer_init(&gate->recheck, on_recheck, 0., RECHECK_MS / 1e3);
    gate->recheck.data = gate;
    ev_timer_init(&gate->housekeeping, on_housekeeping, HOUSEKEEPING_MS / 1e3,
                  HOUSEKEEPING_MS / 1e3);
    gate->housekeeping.data = gate;
    ev_timer_start(place->ev, &gate->housekeeping);
    return gate;
}

int gate_adopt(struct gate *gate, struct prong_server *handle)
{
    struct prong_server **handles =
        realloc(gate->handles, (gate->handle_count + 1) * sizeof(struct prong_server *));

    if (handles == NULL)
        return -ENOMEM;
    gate->handles = handles;
    handles[gate->handle_count++] = handle;
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
    free(gate->handles);
    free(gate);
}
