/* SPDX-License-Identifier: MIT
 *
 * The life of a connection.
 */
#include "connection.h"

#include <assert.h>
#include <errno.h>
#include <prong/server.h>
#include <prong/socket.h>
#include <prongd/handler.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "access.h"
#include "admission.h"
#include "broadcast.h"
#include "callbacks.h"
#include "companions.h"
#include "config.h"
#include "deadline.h"
#include "limit.h"
#include "log.h"
#include "pressure.h"
#include "quota.h"
#include "record.h"
#include "scoreboard.h"
#include "service.h"
#include "shares.h"

#define GENERATION_BITS 16
#define SLOT_BITS       10

static_assert(CONNECTION_ID_STEP == UINT64_C(1) << (GENERATION_BITS + SLOT_BITS),
              "a step leaves room for generation and slot");
static_assert(sizeof(struct connection) <= 24, "socket, connection and state: 200 bytes");

/* The unit of `moved`, and what is lately. */
#define MOVED_UNIT_DS 160U
#define MOVED_LATELY  4U

#define TO(state) (1U << (state))

static const unsigned allowed[] = {
    [CONNECTION_NEW] = TO(CONNECTION_GREETING) | TO(CONNECTION_ADMITTED),
    [CONNECTION_GREETING] = TO(CONNECTION_ADMITTED),
    [CONNECTION_ADMITTED] = TO(CONNECTION_SERVING) | TO(CONNECTION_LEAVING) | TO(CONNECTION_CLOSED),
    [CONNECTION_SERVING] = TO(CONNECTION_LEAVING) | TO(CONNECTION_DRAINING) | TO(CONNECTION_CLOSED),
    [CONNECTION_LEAVING] = 0,
    [CONNECTION_DRAINING] = TO(CONNECTION_LEAVING) | TO(CONNECTION_CLOSED),
    [CONNECTION_CLOSED] = 0,
};

static const char *const state_names[] = {
    [CONNECTION_NEW] = "new",           [CONNECTION_GREETING] = "greeting",
    [CONNECTION_ADMITTED] = "admitted", [CONNECTION_SERVING] = "serving",
    [CONNECTION_LEAVING] = "leaving",   [CONNECTION_DRAINING] = "draining",
    [CONNECTION_CLOSED] = "closed",
};

uint32_t connection_now_ds(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
    return (uint32_t)(now.tv_sec * 10 + now.tv_nsec / 100000000);
}

/* 1 to 255, over and over. */
static uint8_t moved_now(void)
{
    return (uint8_t)(connection_now_ds() / MOVED_UNIT_DS % 255 + 1);
}

bool connection_moved_lately(const struct connection *connection)
{
    return connection->moved != 0 && (moved_now() + 255U - connection->moved) % 255 < MOVED_LATELY;
}

uint64_t connection_age_ms(const struct connection *connection)
{
    return (uint64_t)(uint32_t)(connection_now_ds() - connection->opened_ds) * 100;
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

void connection_greet(struct prong_socket *socket)
{
    struct connection *connection = connection_of(socket);

    connection->opened_ds = connection_now_ds();
    connection_enter(connection, CONNECTION_GREETING);
}

void connection_open(struct service *service, struct prong_socket *socket)
{
    const struct prongd_handler *handler = service->handler;
    struct connection *connection = connection_of(socket);

    connection->id = next_id(service->worker_cell);
    connection->opened_ds = connection_now_ds();
    access_opened(service, socket);
    broadcast_welcome(service, socket);
    connection_enter(connection, CONNECTION_ADMITTED);
    callbacks_note(socket, CALLBACK_CONNECTION);
    prong_socket_hold(socket); /* the handler may give it away */
    if (handler->on_connection != NULL)
        handler->on_connection(socket);
    if (connection->state == CONNECTION_ADMITTED)
        connection_enter(connection, CONNECTION_SERVING);
    prong_socket_release(socket);
}

/* --- Moving --- */

size_t connection_descriptors(struct prong_socket *socket)
{
    return companions_descriptors(service_of(socket)->handler, socket);
}

bool connection_can_move(struct prong_socket *socket)
{
    const struct prongd_handler *handler = service_of(socket)->handler;

    return handler->can_move == NULL || handler->can_move(socket);
}

/* What the handler keeps for this connection, as bytes. */
static int save_state(struct prong_socket *socket, struct record *record)
{
    const struct prongd_handler *handler = service_of(socket)->handler;
    long size, room = 1024;

    if (handler->save == NULL)
        return handler->state_size == 0 ? 0 : -ENOTSUP;
    callbacks_note(socket, CALLBACK_SAVE);
    do {
        free(record->state);
        record->state = malloc((size_t)room);
        if (record->state == NULL)
            return -ENOMEM;
        size = handler->save(socket, record->state, (size_t)room);
        if (size <= room)
            break;
        room = size;
    } while (room <= PRONGD_STATE_MAX);
    if (size < 0 || size > room)
        return size < 0 ? (int)size : -EMSGSIZE;
    record->state_size = (size_t)size;
    return 0;
}

static int restore_state(struct service *service, struct prong_socket *socket,
                         const struct record *record)
{
    const struct prongd_handler *handler = service->handler;

    callbacks_note(socket, CALLBACK_RESTORE);
    if (handler->restore != NULL)
        return handler->restore(socket, record->state, record->state_size, record->state_version);
    return handler->state_size == 0 && record->state_size == 0 ? 0 : -ENOTSUP;
}

static void describe(struct prong_socket *socket, struct record *record)
{
    const struct connection *connection = connection_of(socket);
    const struct service *service = service_of(socket);

    *record = (struct record){
        .id = connection->id,
        .opened_ds = connection->opened_ds,
        .moves = connection->moves + 1U,
        .state_version = service->handler->state_version,
        .place = broadcast_place(service, socket),
        .image = {.fd = -1},
    };
    snprintf(record->server, sizeof(record->server), "%s", service->config->name);
    snprintf(record->handler, sizeof(record->handler), "%s", service->handler->name);
}

/* The socket goes into the record, with its companions, and nothing of it is left here. */
static int detach(struct prong_socket *socket, struct record *record)
{
    struct service *service = service_of(socket);
    const struct prongd_handler *handler = service->handler;
    struct connection *connection = connection_of(socket);
    int error;

    callbacks_note(socket, CALLBACK_LEAVE);
    prong_socket_hold(socket); /* its last state is still written down below */
    quota_leave(service, socket, record);
    record->handler_share = limit_share_of(handler, socket);
    error = companions_leave(handler, socket, record);
    if (error < 0) {
        record->handler_share = NULL;
        quota_count(service, socket, record);
    } else {
        broadcast_leave(service, socket);
        connection_enter(connection, CONNECTION_LEAVING);
    }
    if (error == 0 && handler->on_leave != NULL)
        handler->on_leave(connection + 1);
    prong_socket_release(socket);
    return error;
}

int connection_leave(struct prong_socket *socket, struct record *record)
{
    int error;

    pressure_release(service_of(socket), socket);
    describe(socket, record);
    access_leave(service_of(socket), socket, record);
    error = save_state(socket, record);
    if (error == 0)
        error = detach(socket, record);
    if (error < 0)
        record_clear(record);
    return error;
}

/* The copy that is left with the giver goes on. */
static void send_back(struct prong_socket *socket, struct record *record)
{
    if (prong_socket_detach(socket, &record->image) < 0)
        prong_socket_destroy(socket, 0);
}

/* Handler state and companions: both, or none. */
static int restore(struct service *service, struct prong_socket *socket, struct record *record)
{
    const struct prongd_handler *handler = service->handler;
    int error = restore_state(service, socket, record);
    struct share *share;

    if (error < 0)
        return error;
    error = companions_arrive(handler, socket, record);
    if (error == 0)
        return 0;
    share = limit_share_of(handler, socket);
    if (handler->on_leave != NULL)
        handler->on_leave(connection_of(socket) + 1);
    if (share != NULL)
        share_give(share);
    return error;
}

int connection_arrive(struct service *service, struct record *record, struct prong_socket **result)
{
    struct prong_socket *socket = service_attach(service, &record->image);
    struct connection *connection;
    int error;

    if (socket == NULL)
        return -errno;
    connection = connection_of(socket);
    connection->id = record->id;
    connection->opened_ds = record->opened_ds;
    connection->moves = (uint16_t)record->moves;
    connection->moved = moved_now();
    access_arrive(service, socket, record);
    error = broadcast_arrive(service, socket, &record->place);
    if (error == 0)
        error = restore(service, socket, record);
    if (error < 0) {
        broadcast_forget(service, socket);
        send_back(socket, record);
        return error;
    }
    connection_enter(connection, CONNECTION_ADMITTED);
    quota_count(service, socket, record);
    free(record->state);
    record->state = NULL;
    *result = socket;
    return 0;
}

void connection_start(struct prong_socket *socket)
{
    struct service *service = service_of(socket);

    broadcast_join(service, socket);
    connection_enter(connection_of(socket), CONNECTION_SERVING);
    if (!admission_keep(service, socket))
        return;
    prong_socket_start(socket);
    companions_start(service->handler, socket);
    broadcast_catch_up(service, socket);
    deadline_check_arrival(service, socket);
}

void connection_discard(struct prong_socket *socket)
{
    struct record record = {.image = {.fd = -1}};

    broadcast_forget(service_of(socket), socket);
    if (detach(socket, &record) < 0)
        prong_socket_destroy(socket, 0);
    record_clear(&record);
}

void connection_close(struct prong_socket *socket)
{
    struct connection *connection = connection_of(socket);

    quota_leave_place(service_of(socket), socket);
    if (connection->state == CONNECTION_NEW || connection->state == CONNECTION_GREETING)
        return;
    if (log_wants(LOG_LEVEL_INFO))
        prongd_log(socket, PRONGD_LOG_INFO, "client gone read=%llu written=%llu seconds=%.1f",
                   (unsigned long long)prong_socket_bytes_read(socket),
                   (unsigned long long)prong_socket_bytes_written(socket),
                   (double)connection_age_ms(connection) / 1000);
    access_write(service_of(socket), socket);
    broadcast_forget(service_of(socket), socket);
    quota_release(service_of(socket), socket);
    connection_enter(connection, CONNECTION_CLOSED);
}
