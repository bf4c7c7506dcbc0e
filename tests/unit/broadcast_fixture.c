/* SPDX-License-Identifier: MIT */
#include "broadcast_fixture.h"

#include <fcntl.h>
#include <prong/loop.h>
#include <prong/server.h>
#include <prongd/handler.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "connection.h"
#include "handoff_fixture.h"
#include "inheritance.h"

struct world world;

struct heard *heard_by(struct prong_socket *socket)
{
    return (void *)(connection_of(socket) + 1);
}

static void note(struct heard *heard, const char *text)
{
    size_t length = strlen(heard->story);

    snprintf(heard->story + length, sizeof(heard->story) - length, "%s ", text);
}

static void on_message(struct prong_socket *socket, const void *bytes, size_t size)
{
    struct heard *heard = heard_by(socket);
    char text[16];

    world.told++;
    heard->messages++;
    snprintf(text, sizeof(text), "%.*s", size > 8 ? 8 : (int)size, (const char *)bytes);
    note(heard, text);
    if (world.on_message != NULL)
        world.on_message(socket, bytes, size);
}

static void on_lost(struct prongd_service *service, struct prong_socket *socket, uint64_t count)
{
    char text[32];

    assert_ptr_equal(service, &world.service);
    if (socket == NULL)
        return;
    heard_by(socket)->lost += count;
    snprintf(text, sizeof(text), "-%llu", (unsigned long long)count);
    note(heard_by(socket), text);
}

static void on_close(struct prong_socket *socket, bool had_error)
{
    (void)socket;
    (void)had_error;
    if (world.service.broadcast != NULL)
        assert_int_equal(broadcast_publish(&world.service, "gone", 4), 0);
}

static const struct prongd_handler handler = {.name = "town",
                                              .state_size = sizeof(struct heard),
                                              .on_message = on_message,
                                              .on_lost = on_lost};

static void on_turn(struct ev_loop *ev, struct ev_prepare *watcher, int revents)
{
    (void)ev;
    (void)watcher;
    (void)revents;
    world.most = world.told > world.most ? world.told : world.most;
    world.told = 0;
    broadcast_wake(&world.service);
    if (world.closed_by_turn != NULL)
        prong_socket_destroy(world.closed_by_turn, 0);
    world.closed_by_turn = NULL;
}

static void open_ring(void)
{
    struct inherited_common common = {ring_create(RING_LEAST), eventfd(0, EFD_NONBLOCK), -1};

    assert_true(common.ring_fd >= 0);
    world.ring_fd = fcntl(common.ring_fd, F_DUPFD_CLOEXEC, 0);
    world.other = ring_open(fcntl(common.ring_fd, F_DUPFD_CLOEXEC, 0));
    assert_non_null(world.other);
    assert_int_equal(broadcast_open(&world.service, &common), 0);
    broadcast_start(&world.service);
}

int broadcast_setup(void **state)
{
    static const struct prong_server_events no_events;
    static const struct prong_socket_events events = {.on_close = on_close};
    struct prong_server_options options;

    (void)state;
    memset(&world, 0, sizeof(world));
    world.ev = ev_loop_new(EVBACKEND_EPOLL | EVFLAG_NOENV);
    world.loop = prong_loop_new(world.ev);
    world.cell = aligned_alloc(SCOREBOARD_CELL_SIZE, sizeof(*world.cell));
    memset(world.cell, 0, sizeof(*world.cell));
    world.config.name = "town";
    world.service.config = &world.config;
    world.service.handler = &handler;
    world.service.loop = world.loop;
    world.service.worker_cell = world.cell;
    world.service.servers = &world.server;
    world.service.server_count = 1;
    prong_server_options_init(&options);
    options.socket.extra_bytes = connection_extra_bytes(sizeof(struct heard));
    options.socket_events = &events;
    world.server = prong_server_new(world.loop, &options, &no_events, &world.service);
    assert_non_null(world.server);
    open_ring();
    ev_prepare_init(&world.turn, on_turn);
    ev_prepare_start(world.ev, &world.turn);
    return 0;
}

int broadcast_teardown(void **state)
{
    (void)state;
    broadcast_close(&world.service);
    for (size_t i = 0; i < world.count; i++) {
        prong_socket_destroy(world.listeners[i], 0);
        close(world.peers[i]);
    }
    ev_run(world.ev, EVRUN_NOWAIT);
    for (size_t i = 0; i < world.count; i++)
        prong_socket_release(world.listeners[i]);
    ev_prepare_stop(world.ev, &world.turn);
    prong_server_free(world.server);
    ring_free(world.other);
    close(world.ring_fd);
    free(world.cell);
    assert_int_equal(prong_loop_free(world.loop), 0);
    ev_loop_destroy(world.ev);
    return 0;
}

static struct prong_socket *attach(void)
{
    struct record record = new_record(1, &world.peers[world.count]);
    struct prong_socket *socket =
        prong_socket_attach(world.loop, world.server, &record.image, 0, NULL, NULL);

    assert_non_null(socket);
    prong_socket_hold(socket); /* what it heard is looked at after its end, too */
    world.listeners[world.count++] = socket;
    return socket;
}

struct prong_socket *connects(void)
{
    struct prong_socket *socket = attach();

    prong_socket_start(socket);
    connection_open(&world.service, socket);
    return socket;
}

struct prong_socket *arrives(uint64_t position)
{
    const struct broadcast_place place = {ring_identity(world.other), position};
    struct prong_socket *socket = attach();

    assert_int_equal(broadcast_arrive(&world.service, socket, &place), 0);
    connection_enter(connection_of(socket), CONNECTION_ADMITTED);
    return socket;
}

void starts(struct prong_socket *socket)
{
    broadcast_join(&world.service, socket);
    connection_enter(connection_of(socket), CONNECTION_SERVING);
    prong_socket_start(socket);
    broadcast_catch_up(&world.service, socket);
}

void run_loop(void)
{
    for (int i = 0; i < 200; i++)
        ev_run(world.ev, EVRUN_NOWAIT);
}

void says(const char *text)
{
    assert_int_equal(ring_publish(world.other, text, strlen(text)), 0);
}

void hear_all(void)
{
    broadcast_look(&world.service);
    run_loop();
}
