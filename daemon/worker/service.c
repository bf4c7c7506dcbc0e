/* SPDX-License-Identifier: MIT
 *
 * Letting clients in, counting them, and closing down.
 */
#include "service.h"

#include <errno.h>
#include <limits.h>
#include <prong/loop.h>
#include <prongd/handler.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "accepting.h"
#include "access.h"
#include "admission.h"
#include "callbacks.h"
#include "config.h"
#include "connection.h"
#include "gate.h"
#include "greeting.h"
#include "log.h"
#include "scoreboard.h"
#include "service_handler.h"
#include "trail.h"

/* Descriptors that are not for connections, but not more than a quarter of all. */
#define RESERVED_FDS 64

/* --- Counting --- */

static void set(_Atomic uint64_t *cell, uint64_t value)
{
    atomic_store_explicit(cell, value, memory_order_relaxed);
}

static uint64_t get(const _Atomic uint64_t *cell)
{
    return atomic_load_explicit(cell, memory_order_relaxed);
}

uint64_t service_connections(const struct service *service)
{
    uint64_t count = 0;

    for (size_t i = 0; i < service->server_count; i++)
        count += prong_server_connections(service->servers[i]);
    return count;
}

static void add_counters(struct prong_server_counters *sum, const struct prong_server *server)
{
    const struct prong_server_counters *counters = prong_server_counters(server);

    sum->accepted += counters->accepted;
    sum->closed += counters->closed;
    sum->dropped += counters->dropped;
    sum->bytes_read += counters->bytes_read;
    sum->bytes_written += counters->bytes_written;
}

/* For the library a refused client was accepted and closed; for the operator it was dropped. */
uint64_t service_publish(struct service *service)
{
    struct scoreboard_server *cell = &service->cells[service->slot];
    struct prong_server_counters sum = service->before;
    uint64_t connections = service_connections(service);

    for (size_t i = 0; i < service->server_count; i++)
        add_counters(&sum, service->servers[i]);
    set(&cell->connections, connections);
    set(&cell->accepted, sum.accepted - service->refused);
    set(&cell->closed, sum.closed - service->refused);
    set(&cell->dropped, sum.dropped + service->refused);
    set(&cell->failed, service->failed);
    set(&cell->shadowed, service->shadowed);
    set(&cell->expelled, service->expelled);
    for (size_t i = 0; i < ACCESS_CUTS; i++)
        set(&cell->cuts[i], service->cuts[i]);
    set(&cell->access_lost, service->access_lost + access_lost(service));
    for (size_t i = 0; i < DROP_REASONS; i++)
        set(&cell->drops[i], service->drops[i]);
    set(&cell->bytes_read, sum.bytes_read);
    set(&cell->bytes_written, sum.bytes_written);
    return connections;
}

/* --- Letting in --- */

/* The other workers' gates look at it at any moment. */
static void show_connections(struct service *service)
{
    set(&service->cells[service->slot].connections, service_connections(service));
}

static bool may_accept(struct prong_server *server)
{
    return accepting_may_accept(prong_server_user(server));
}

static void on_connection(struct prong_server *server, struct prong_socket *socket)
{
    struct service *service = prong_server_user(server);

    show_connections(service);
    if (greeting_is_due(service, socket))
        greeting_await(service, socket);
    else if (admission_admit(service, socket))
        connection_open(service, socket);
    if (service->gate != NULL)
        gate_accepted(service->gate);
}

static void on_connection_close(struct prong_server *server, struct prong_socket *socket)
{
    struct service *service = prong_server_user(server);

    connection_close(socket);
    show_connections(service);
    accepting_note_end(service);
}

/* The library's reasons.  Its own limit is never set. */
static void on_drop(struct prong_server *server, const struct prong_drop *drop)
{
    static const enum drop_reason reasons[] = {
        [PRONG_DROP_MAX_CONNECTIONS] = DROP_MAX_CONNECTIONS,
        [PRONG_DROP_DESCRIPTORS] = DROP_DESCRIPTORS,
        [PRONG_DROP_MEMORY] = DROP_MEMORY,
    };

    admission_note_drop(prong_server_user(server), reasons[drop->reason]);
    access_dropped(prong_server_user(server), drop, reasons[drop->reason]);
}

static void on_error(struct prong_server *server, const struct prong_error_info *error)
{
    const struct service *service = prong_server_user(server);

    log_code(LOG_LEVEL_ERROR, error->code, "%s failed server=%s", error->syscall,
             service->config->name);
}

static void on_close(struct prong_server *server)
{
    struct service *service = prong_server_user(server);

    if (--service->open == 0)
        service->on_closed(service, service->on_closed_user);
}

static const struct prong_server_events server_events = {
    .on_connection = on_connection,
    .on_connection_close = on_connection_close,
    .on_drop = on_drop,
    .on_error = on_error,
    .on_close = on_close,
    .may_accept = may_accept,
};

/* --- Moving --- */

bool service_serves(const struct service *service, const char *name, const char *handler)
{
    return strcmp(service->config->name, name) == 0 && strcmp(service->handler->name, handler) == 0;
}

struct prong_socket *service_attach(struct service *service, struct prong_socket_image *image)
{
    if (service->server_count == 0) {
        errno = ENOENT;
        return NULL;
    }
    return prong_socket_attach(prong_server_loop(service->servers[0]), service->servers[0], image,
                               0, NULL, NULL);
}

struct visit {
    bool (*visit)(struct prong_socket *socket, void *user);
    void *user;
    bool is_over;
};

static bool visit_one(struct prong_socket *socket, void *user)
{
    struct visit *visit = user;

    visit->is_over = !visit->visit(socket, visit->user);
    return !visit->is_over;
}

void service_each_connection(struct service *service,
                             bool (*visit)(struct prong_socket *socket, void *user), void *user)
{
    struct visit own = {.visit = visit, .user = user};

    for (size_t i = 0; i < service->server_count && !own.is_over; i++)
        prong_server_each_connection(service->servers[i], visit_one, &own);
}

/* --- Life --- */

size_t service_descriptors(void)
{
    struct rlimit limit;
    rlim_t reserved;

    if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
        return 0;
    if (limit.rlim_cur > INT_MAX)
        return INT_MAX;
    reserved = limit.rlim_cur / 4 < RESERVED_FDS ? limit.rlim_cur / 4 : RESERVED_FDS;
    return (size_t)(limit.rlim_cur - reserved);
}

void service_init(struct service *service, const struct config_server *config,
                  struct scoreboard_worker *worker_cell, struct scoreboard_server *cells,
                  unsigned slot, unsigned slots)
{
    const struct scoreboard_server *own = &cells[slot];

    memset(service, 0, sizeof(*service));
    service->config = config;
    service->failed = get(&own->failed);
    service->shadowed = get(&own->shadowed);
    service->expelled = get(&own->expelled);
    for (size_t i = 0; i < ACCESS_CUTS; i++)
        service->cuts[i] = get(&own->cuts[i]);
    service->has_trail = config_has_access_log(config) || config->write_timeout_ms > 0;
    service->access_lost = get(&own->access_lost);
    for (size_t i = 0; i < DROP_REASONS; i++)
        service->drops[i] = get(&own->drops[i]);
    service->worker_cell = worker_cell;
    service->cells = cells;
    service->slot = slot;
    service->slots = slots;
    service->keeper_fd = -1;
    service->fd_limit = (int)service_descriptors();
    service->before.accepted = get(&own->accepted);
    service->before.closed = get(&own->closed);
    service->before.dropped = get(&own->dropped);
    service->before.bytes_read = get(&own->bytes_read);
    service->before.bytes_written = get(&own->bytes_written);
}

static uint32_t seconds(uint64_t ms)
{
    return (uint32_t)((ms + 999) / 1000);
}

/* A handler is told to wait before it has written too much. */
static uint32_t high_water_mark(const struct config_server *config)
{
    uint64_t most = config->max_write_queue_bytes;

    return (uint32_t)(most > 0 && most < config->high_water_mark_bytes
                          ? most
                          : config->high_water_mark_bytes);
}

static void set_options(struct prong_server_options *options, const struct service *service)
{
    const struct config_server *config = service->config;
    struct prong_socket_options *socket = &options->socket;

    prong_server_options_init(options);
    options->socket_events = &service->events;
    options->pause_on_connect = config->pause_on_connect;
    options->lingers = config->linger_ms > 0;
    options->max_queue_bytes = config->max_write_queue_bytes;
    socket->allow_half_open = config->allow_half_open;
    socket->no_delay = config->no_delay;
    socket->keep_alive.enabled = config->keep_alive;
    socket->keep_alive.idle_s = seconds(config->keep_alive_idle_ms);
    socket->keep_alive.interval_s = seconds(config->keep_alive_interval_ms);
    socket->keep_alive.count = (uint32_t)config->keep_alive_count;
    socket->user_timeout_ms = (uint32_t)config->user_timeout_ms;
    socket->high_water_mark = high_water_mark(config);
    socket->timeout_ms = (uint32_t)config->timeout_ms;
    socket->extra_bytes =
        connection_extra_bytes(service->handler->state_size) + trail_extra_bytes(service);
}

/* Room for one handle more. */
static int grow(struct service *service)
{
    size_t count = service->server_count + 1;
    struct prong_server **servers =
        realloc(service->servers, count * sizeof(struct prong_server *));
    unsigned *owners;

    if (servers == NULL)
        return -ENOMEM;
    service->servers = servers;
    owners = realloc(service->owners, count * sizeof(*owners));
    if (owners == NULL)
        return -ENOMEM;
    service->owners = owners;
    return 0;
}

int service_adopt(struct service *service, struct prong_loop *loop, int fd, unsigned owner)
{
    struct prong_server_options options;
    struct prong_server *server;
    int error = grow(service);

    if (error < 0) {
        close(fd);
        return error;
    }
    set_options(&options, service);
    server = prong_server_new(loop, &options, &server_events, service);
    if (server == NULL) {
        close(fd);
        return -ENOMEM;
    }
    prong_server_pause(server); /* until accepting_begin() */
    error = prong_server_listen_fd(server, fd, (int)service->config->backlog);
    if (error < 0) {
        prong_server_free(server);
        return error;
    }
    service->owners[service->server_count] = owner;
    service->servers[service->server_count++] = server;
    service->open++;
    return 0;
}

static bool drain_connection(struct prong_socket *socket, void *user)
{
    struct connection *connection = connection_of(socket);

    (void)user;
    if (connection->state == CONNECTION_SERVING)
        connection_enter(connection, CONNECTION_DRAINING);
    return true;
}

void service_drain(struct service *service)
{
    accepting_end(service);
    for (size_t i = 0; i < service->server_count; i++)
        (void)prong_server_close(service->servers[i]); /* only a second close fails */
    service_each_connection(service, drain_connection, NULL);
}

void service_stop(struct service *service)
{
    accepting_end(service);
    for (size_t i = 0; i < service->server_count; i++) {
        (void)prong_server_close(service->servers[i]);
        prong_server_close_all(service->servers[i]);
    }
}

void service_clear(struct service *service)
{
    accepting_end(service);
    policy_clear(&service->policy);
    access_close(service);
    for (size_t i = 0; i < service->server_count; i++)
        prong_server_free(service->servers[i]);
    service_unload(service);
    free(service->servers);
    free(service->owners);
    service->servers = NULL;
    service->owners = NULL;
    service->server_count = 0;
}
