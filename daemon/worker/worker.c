/* SPDX-License-Identifier: MIT
 *
 * Set up after the fork, run, drain, end.
 */
#include "worker.h"

#include <errno.h>
#include <ev.h>
#include <prong/loop.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "accepting.h"
#include "access.h"
#include "bequest.h"
#include "broadcast.h"
#include "config.h"
#include "confine.h"
#include "connection.h"
#include "deadline.h"
#include "exchange.h"
#include "farewell.h"
#include "greeting.h"
#include "inheritance.h"
#include "log.h"
#include "message.h"
#include "post.h"
#include "quota.h"
#include "scoreboard.h"
#include "service.h"
#include "service_handler.h"
#include "shares.h"
#include "title.h"
#include "worker_internal.h"

#define PULSE_PERIOD_S 1.0

/* --- The end --- */

static void on_service_closed(struct service *service, void *user)
{
    struct worker *worker = user;

    (void)service;
    if (--worker->open == 0)
        ev_break(worker->ev, EVBREAK_ALL);
}

/* --- Signals --- */

/* TERM to this worker alone. */
static void on_term(struct ev_loop *loop, ev_signal *watcher, int revents)
{
    struct worker *worker = watcher->data;

    (void)loop;
    (void)revents;
    if (worker->state != WORKER_SERVING)
        return;
    if (worker->channel != NULL)
        (void)ipc_send(worker->channel, MESSAGE_DRAINING, NULL, 0, NULL, 0);
    worker_drain(worker);
}

/* A terminal sends some of them to the whole group; they are meant for the master, whose orders
 * come over the channel. */
static void set_signals(struct worker *worker)
{
    static const int ignored[] = {SIGHUP,  SIGINT,  SIGQUIT, SIGPIPE, SIGUSR1,
                                  SIGUSR2, SIGTTIN, SIGTTOU, SIGWINCH};
    sigset_t none;

    for (size_t i = 0; i < sizeof(ignored) / sizeof(ignored[0]); i++)
        signal(ignored[i], SIG_IGN);
    ev_signal_init(&worker->term, on_term, SIGTERM);
    worker->term.data = worker;
    ev_signal_start(worker->ev, &worker->term);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
}

/* --- Nudges --- */

static void on_nudge(struct ev_loop *loop, ev_io *io, int revents)
{
    struct worker *worker = io->data;
    uint64_t count;

    (void)loop;
    (void)revents;
    if (read(io->fd, &count, sizeof(count)) < 0)
        return;
    for (size_t i = 0; i < worker->service_count; i++)
        accepting_reconsider(&worker->services[i]);
}

static void watch_nudges(struct worker *worker)
{
    ev_io_init(&worker->nudge, on_nudge, worker->inheritance->nudge_fds[worker->inheritance->slot],
               EV_READ);
    worker->nudge.data = worker;
    ev_io_start(worker->ev, &worker->nudge);
}

/* --- Every turn of the loop --- */

static void beat(struct scoreboard_worker *cell)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
    atomic_store_explicit(&cell->heartbeat_ms,
                          (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000,
                          memory_order_relaxed);
    atomic_store_explicit(&cell->turns,
                          atomic_load_explicit(&cell->turns, memory_order_relaxed) + 1,
                          memory_order_relaxed);
}

static void on_turn(struct ev_loop *loop, ev_prepare *watcher, int revents)
{
    struct worker *worker = watcher->data;
    uint64_t connections = 0;

    (void)loop;
    (void)revents;
    beat(worker->cell);
    atomic_store_explicit(&worker->cell->callback, CALLBACK_TURN, memory_order_relaxed);
    for (size_t i = 0; i < worker->service_count; i++) {
        accepting_settle(&worker->services[i]);
        connections += service_publish(&worker->services[i]);
        broadcast_wake(&worker->services[i]);
    }
    pressure_check(&worker->pressure);
    memory_note(&worker->memory, connections);
}

static uint64_t clock_us(clockid_t clock)
{
    struct timespec now;

    clock_gettime(clock, &now);
    return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

/* How late it is tells how long the loop was busy with something else. */
static void on_pulse(struct ev_loop *loop, ev_timer *timer, int revents)
{
    struct worker *worker = timer->data;
    uint64_t now_us = clock_us(CLOCK_MONOTONIC), due_us = worker->pulse_due_us;

    (void)revents;
    worker->pulse_due_us = now_us + (uint64_t)(ev_timer_remaining(loop, timer) * 1e6);
    atomic_store_explicit(&worker->cell->lag_us, now_us > due_us ? now_us - due_us : 0,
                          memory_order_relaxed);
    atomic_store_explicit(&worker->cell->cpu_us, clock_us(CLOCK_PROCESS_CPUTIME_ID),
                          memory_order_relaxed);
    for (size_t i = 0; i < worker->service_count; i++) {
        quota_sweep(&worker->services[i]);
        deadline_check(&worker->services[i]);
        greeting_check(&worker->services[i]);
        broadcast_look(&worker->services[i]);
    }
}

static void start_heartbeat(struct worker *worker)
{
    ev_prepare_init(&worker->turn, on_turn);
    worker->turn.data = worker;
    ev_prepare_start(worker->ev, &worker->turn);
    ev_timer_init(&worker->pulse, on_pulse, PULSE_PERIOD_S, PULSE_PERIOD_S);
    worker->pulse.data = worker;
    ev_timer_start(worker->ev, &worker->pulse);
    worker->pulse_due_us = clock_us(CLOCK_MONOTONIC) + (uint64_t)(PULSE_PERIOD_S * 1e6);
}

/* --- Set-up --- */

static int open_loop(struct worker *worker)
{
    worker->ev = ev_loop_new(EVBACKEND_EPOLL | EVFLAG_NOENV);
    if (worker->ev == NULL)
        return -ENOMEM;
    worker->loop = prong_loop_new(worker->ev);
    if (worker->loop == NULL)
        return -errno;
    worker->channel =
        ipc_new(worker->ev, worker->inheritance->channel_fd, &worker_channel_events, worker);
    worker->inheritance->channel_fd = -1;
    worker->post = post_new(worker->ev);
    return worker->channel == NULL || worker->post == NULL ? -ENOMEM : 0;
}

/* The slot's numbering goes on where the last worker of the slot stopped. */
static void open_cell(struct worker *worker)
{
    const struct inheritance *inheritance = worker->inheritance;
    uint64_t none = 0;

    worker->cell =
        scoreboard_worker(inheritance->scoreboard, inheritance->generation, inheritance->slot);
    atomic_compare_exchange_strong(&worker->cell->last_connection, &none,
                                   connection_id_base(inheritance->generation, inheritance->slot));
}

static int open_services(struct worker *worker)
{
    const struct inheritance *inheritance = worker->inheritance;
    const struct config *config = inheritance->config;

    worker->services = calloc(config->server_count + 1, sizeof(*worker->services));
    worker->farewells = calloc(config->server_count + 1, sizeof(*worker->farewells));
    if (worker->services == NULL || worker->farewells == NULL)
        return -ENOMEM;
    for (unsigned i = 0; i < config->server_count; i++) {
        struct service *service = &worker->services[i];

        service_init(service, config->servers[i], worker->cell,
                     scoreboard_server(inheritance->scoreboard, inheritance->generation, 0, i),
                     inheritance->slot, inheritance->slots);
        service->is_bounded = config->daemon.max_memory_bytes > 0;
        service->has_trail |= service->is_bounded;
        service->generation = inheritance->generation;
        service->workers = scoreboard_worker(inheritance->scoreboard, inheritance->generation, 0);
        service->nudge_fds = inheritance->nudge_fds;
        service->keeper_fd = inheritance->keeper_fds[i];
        service->shares = scoreboard_shares(inheritance->scoreboard);
        service->items = scoreboard_items(inheritance->scoreboard);
        service->items_fd = scoreboard_fd(inheritance->scoreboard);
        service->share_owner = shares_owner(inheritance->generation, inheritance->slot);
        service->share_server = share_server(config->servers[i]->name);
        service->on_closed = on_service_closed;
        service->on_closed_user = worker;
        service->loop = worker->loop;
        service->post = worker->post;
        worker->service_count++;
        if (policy_init(&service->policy, config->servers[i]) < 0)
            return -ENOMEM;
    }
    worker->open = config->server_count;
    return 0;
}

static int each_service(struct worker *worker, int (*act)(struct service *service))
{
    int error = 0;

    for (size_t i = 0; error == 0 && i < worker->service_count; i++)
        error = act(&worker->services[i]);
    return error;
}

/* The access log of each service, and what its workers share. */
static int open_inherited(struct worker *worker)
{
    struct inheritance *inheritance = worker->inheritance;
    int error = 0;

    for (size_t i = 0; error == 0 && i < worker->service_count; i++) {
        int fd = inheritance->access_fds[i];

        inheritance->access_fds[i] = -1;
        error = access_open(&worker->services[i], worker->ev, fd);
        if (error == 0)
            error = service_open_commons(&worker->services[i], &inheritance->commons[i]);
    }
    return error;
}

static int open_exchange(struct worker *worker)
{
    struct exchange_place place = {
        .ev = worker->ev,
        .loop = worker->loop,
        .scoreboard = worker->inheritance->scoreboard,
        .services = worker->services,
        .service_count = worker->service_count,
        .generation = worker->inheritance->generation,
        .slot = worker->inheritance->slot,
        .handoff_timeout_ms = worker->inheritance->config->daemon.handoff_timeout_ms,
    };

    worker->exchange = exchange_new(&place, &worker_exchange_events, worker);
    return worker->exchange == NULL ? -ENOMEM : 0;
}

static int adopt_listeners(struct worker *worker)
{
    struct inheritance *inheritance = worker->inheritance;

    for (size_t i = 0; i < inheritance->listener_count; i++) {
        struct inherited_listener *listener = &inheritance->listeners[i];
        int fd = listener->fd;
        int error;

        listener->fd = -1;
        error =
            service_adopt(&worker->services[listener->server], worker->loop, fd, listener->owner);
        if (error < 0)
            return error;
    }
    return 0;
}

static int set_up(struct worker *worker)
{
    int error = open_loop(worker);

    if (error < 0)
        return error;
    open_cell(worker);
    set_signals(worker);
    error = open_services(worker);
    if (error == 0)
        error = each_service(worker, service_load);
    if (error == 0)
        error = open_inherited(worker);
    if (error == 0)
        error = open_exchange(worker);
    if (error == 0)
        error = adopt_listeners(worker);
    if (error == 0)
        error = confine(worker->inheritance);
    if (error == 0)
        error = each_service(worker, service_start);
    if (error < 0)
        return error;
    worker->walks = (struct walks){
        .ev = worker->ev, .services = worker->services, .service_count = worker->service_count};
    worker->pressure = (struct pressure){
        .limit = worker->inheritance->config->daemon.max_memory_bytes,
        .loop = worker->loop,
        .services = worker->services,
        .service_count = worker->service_count,
    };
    memory_start(&worker->memory, worker->ev);
    watch_nudges(worker);
    start_heartbeat(worker);
    return ipc_send(worker->channel, MESSAGE_READY, NULL, 0, NULL, 0) < 0 ? -EPIPE : 0;
}

/* --- Life --- */

/* Sockets that handlers destroyed in stop() close in the next turn of the loop; one that on_close
 * destroys, in the one after it. */
static void let_close(struct worker *worker)
{
    size_t servers = 0;

    for (size_t i = 0; i < worker->service_count; i++)
        servers += worker->services[i].server_count;
    for (unsigned turn = 0; turn < 3 && prong_loop_objects(worker->loop) > servers; turn++)
        ev_run(worker->ev, EVRUN_NOWAIT);
}

/* Signals wait, as before the set-up: their handlers go with the loop. */
static void tear_down(struct worker *worker)
{
    sigset_t all;

    sigfillset(&all);
    sigprocmask(SIG_SETMASK, &all, NULL);
    walk_stop_all(&worker->walks);
    tap_stop_all(&worker->taps);
    exchange_free(worker->exchange);
    post_close(worker->post);
    for (size_t i = 0; i < worker->service_count; i++) {
        farewell_stop(&worker->farewells[i]);
        service_end(&worker->services[i]);
    }
    ipc_free(worker->channel);
    let_close(worker);
    for (size_t i = 0; i < worker->service_count; i++)
        service_clear(&worker->services[i]);
    post_free(worker->post);
    free(worker->farewells);
    free(worker->services);
    if (prong_loop_free(worker->loop) < 0)
        log_warning("a handler left sockets or timers behind count=%zu",
                    prong_loop_objects(worker->loop));
    else if (worker->ev != NULL)
        ev_loop_destroy(worker->ev);
    bequest_clear(worker->inheritance);
}

int worker_run(struct inheritance *inheritance)
{
    struct worker worker = {.inheritance = inheritance};
    int error;

    log_set_role("worker", (unsigned long)inheritance->generation, (int)inheritance->slot);
    title_set("worker %llu.%u", (unsigned long long)inheritance->generation, inheritance->slot);
    error = set_up(&worker);
    if (error < 0)
        log_code(LOG_LEVEL_ERROR, error, "worker cannot start");
    else
        ev_run(worker.ev, 0);
    tear_down(&worker);
    return error < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
