/* SPDX-License-Identifier: MIT
 *
 * The life of a connection, and what handlers may ask about it.
 */
#include "connection.h"

#include <assert.h>
#include <prong/server.h>
#include <prong/socket.h>
#include <prongd/handler.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <time.h>

#include "config.h"
#include "log.h"
#include "scoreboard.h"
#include "service.h"

#define GENERATION_BITS 16
#define SLOT_BITS       10

static_assert(CONNECTION_ID_STEP == UINT64_C(1) << (GENERATION_BITS + SLOT_BITS),
              "a step leaves room for generation and slot");
static_assert(sizeof(struct connection) <= 24, "socket, connection and state: 200 bytes");
static_assert((int)PRONGD_LOG_ERROR == (int)LOG_LEVEL_ERROR &&
                  (int)PRONGD_LOG_DEBUG == (int)LOG_LEVEL_DEBUG,
              "a handler's levels are the log's");

#define TO(state) (1U << (state))

static const unsigned allowed[] = {
    [CONNECTION_NEW] = TO(CONNECTION_ADMITTED),
    [CONNECTION_ADMITTED] = TO(CONNECTION_SERVING) | TO(CONNECTION_CLOSED),
    [CONNECTION_SERVING] = TO(CONNECTION_DRAINING) | TO(CONNECTION_CLOSED),
    [CONNECTION_DRAINING] = TO(CONNECTION_CLOSED),
    [CONNECTION_CLOSED] = 0,
};

static const char *const state_names[] = {
    [CONNECTION_NEW] = "new",         [CONNECTION_ADMITTED] = "admitted",
    [CONNECTION_SERVING] = "serving", [CONNECTION_DRAINING] = "draining",
    [CONNECTION_CLOSED] = "closed",
};

static uint32_t now_ds(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
    return (uint32_t)(now.tv_sec * 10 + now.tv_nsec / 100000000);
}

static struct service *service_of(const struct prong_socket *socket)
{
    return prong_server_user(prong_socket_server(socket));
}

uint64_t connection_id_base(uint64_t generation, unsigned slot)
{
    uint64_t low_generation = generation & ((UINT64_C(1) << GENERATION_BITS) - 1);
    uint64_t low_slot = slot & ((1U << SLOT_BITS) - 1);

    return low_generation << SLOT_BITS | low_slot;
}

size_t connection_extra_bytes(size_t state_size)
{
    return sizeof(struct connection) + state_size;
}

struct connection *connection_of(struct prong_socket *socket)
{
    return prong_socket_extra(socket);
}

void connection_enter(struct connection *connection, enum connection_state state)
{
    assert((allowed[connection->state] & TO(state)) != 0);
    log_debug("connection changes connection=%llu from=%s to=%s",
              (unsigned long long)connection->id, state_names[connection->state],
              state_names[state]);
    connection->state = (uint8_t)state;
}

/* The scoreboard keeps the last number: a worker that follows a dead one in the slot reads it. */
static uint64_t next_id(struct scoreboard_worker *cell)
{
    uint64_t id = atomic_load_explicit(&cell->last_connection, memory_order_relaxed);

    id += CONNECTION_ID_STEP;
    atomic_store_explicit(&cell->last_connection, id, memory_order_relaxed);
    return id;
}

void connection_open(struct service *service, struct prong_socket *socket)
{
    const struct prongd_handler *handler = service->config->handler;
    struct connection *connection = connection_of(socket);

    connection->id = next_id(service->worker_cell);
    connection->opened_ds = now_ds();
    connection_enter(connection, CONNECTION_ADMITTED);
    if (handler->on_connection != NULL)
        handler->on_connection(socket);
    connection_enter(connection, CONNECTION_SERVING);
}

void connection_close(struct prong_socket *socket)
{
    struct connection *connection = connection_of(socket);

    if (connection->state == CONNECTION_NEW)
        return;
    if (log_wants(LOG_LEVEL_INFO))
        prongd_log(socket, PRONGD_LOG_INFO, "client gone read=%llu written=%llu seconds=%.1f",
                   (unsigned long long)prong_socket_bytes_read(socket),
                   (unsigned long long)prong_socket_bytes_written(socket),
                   (double)(uint32_t)(now_ds() - connection->opened_ds) / 10);
    connection_enter(connection, CONNECTION_CLOSED);
}

/* --- Services: <prongd/handler.h> --- */

void *prongd_state(struct prong_socket *socket)
{
    if (service_of(socket)->config->handler->state_size == 0)
        return NULL;
    return connection_of(socket) + 1;
}

const void *prongd_config(struct prong_socket *socket)
{
    return service_of(socket)->config->handler_config;
}

uint64_t prongd_connection_id(struct prong_socket *socket)
{
    return connection_of(socket)->id;
}

bool prongd_log_wants(enum prongd_log_level level)
{
    return log_wants((enum log_level)level);
}

void prongd_log(struct prong_socket *socket, enum prongd_log_level level, const char *format, ...)
{
    char text[2048], peer[PRONG_ADDRESS_TEXT_SIZE];
    struct prong_address remote = {0};
    va_list arguments;

    if (!prongd_log_wants(level))
        return;
    va_start(arguments, format);
    vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    (void)prong_socket_remote(socket, &remote);
    log_at((enum log_level)level, "%s server=%s connection=%llu peer=%s", text,
           service_of(socket)->config->name, (unsigned long long)prongd_connection_id(socket),
           prong_address_format(&remote, peer, sizeof(peer)));
}

const char *prongd_escape(const void *bytes, size_t length, char *text, size_t size)
{
    return log_escape(bytes, length, text, size);
}
