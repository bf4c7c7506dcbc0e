/* SPDX-License-Identifier: MIT
 *
 * What a worker's connections hear, and when: beside another worker who publishes, and whose ring
 * the test has open itself.
 */
#include "broadcast.h"

#include <ev.h>
#include <fcntl.h>
#include <prong/loop.h>
#include <prong/server.h>
#include <prongd/handler.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <cmocka.h>

#include "config.h"
#include "connection.h"
#include "handoff_fixture.h"
#include "inheritance.h"
#include "ring.h"
#include "ring_layout.h"
#include "scoreboard.h"
#include "service.h"

#define MOST_LISTENERS 300
#define LONGEST        16384 /* that a ring of this size takes */

/* --- A handler that writes down what is heard --- */

struct heard {
    char story[512]; /* "one two -3 four " : three were lost */
    uint64_t lost;
    unsigned messages;
};

static struct {
    struct ev_loop *ev;
    struct prong_loop *loop;
    struct prong_server *server;
    struct scoreboard_worker *cell;
    struct config_server config;
    struct service service;
    int ring_fd;
    struct ring *other; /* as another worker has it */
    struct ev_prepare turn;
    struct prong_socket *listeners[MOST_LISTENERS];
    int peers[MOST_LISTENERS];
    size_t count;
    struct prong_socket *closed_by_turn;
    unsigned told; /* calls of on_message, in this turn of the loop */
    unsigned most; /* in any */
    void (*on_message)(struct prong_socket *socket, const void *bytes, size_t size);
} world;

/* Also of one that is closed. */
static struct heard *heard_by(struct prong_socket *socket)
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

/* --- A worker --- */

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

static int setup(void **state)
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

static int teardown(void **state)
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

/* A client that connects. */
static struct prong_socket *connects(void)
{
    struct prong_socket *socket = attach();

    prong_socket_start(socket);
    connection_open(&world.service, socket);
    return socket;
}

/* One that comes from another worker, where it had heard everything up to `position`. */
static struct prong_socket *arrives(uint64_t position)
{
    const struct broadcast_place place = {ring_identity(world.other), position};
    struct prong_socket *socket = attach();

    assert_int_equal(broadcast_arrive(&world.service, socket, &place), 0);
    connection_enter(connection_of(socket), CONNECTION_ADMITTED);
    return socket;
}

static void starts(struct prong_socket *socket)
{
    broadcast_join(&world.service, socket);
    connection_enter(connection_of(socket), CONNECTION_SERVING);
    prong_socket_start(socket);
    broadcast_catch_up(&world.service, socket);
}

static void run_loop(void)
{
    for (int i = 0; i < 200; i++)
        ev_run(world.ev, EVRUN_NOWAIT);
}

/* Another worker says something; it has woken nobody yet. */
static void says(const char *text)
{
    assert_int_equal(ring_publish(world.other, text, strlen(text)), 0);
}

static void spoil_last(uint64_t value)
{
    assert_int_equal(
        pwrite(world.ring_fd, &value, sizeof(value), offsetof(struct ring_header, last)),
        sizeof(value));
}

static void hear_all(void)
{
    broadcast_look(&world.service);
    run_loop();
}

/* --- Who hears what --- */

static void a_newcomer_hears_what_is_said_after_it_came(void **state)
{
    struct prong_socket *first = connects(), *second;

    (void)state;
    says("old");
    says("older");
    second = connects(); /* the worker has heard neither */
    says("new");
    hear_all();
    assert_string_equal(heard_by(first)->story, "old older new ");
    assert_string_equal(heard_by(second)->story, "new ");
}

static void who_arrives_goes_on_where_it_was(void **state)
{
    struct prong_socket *there, *behind, *ahead;

    (void)state;
    there = connects();
    says("one");
    says("two");
    hear_all();
    behind = arrives(1);
    says("three");
    ahead = arrives(3);
    starts(behind);
    starts(ahead); /* it is passed over with "three" */
    says("four");
    hear_all();
    assert_string_equal(heard_by(there)->story, "one two three four ");
    assert_string_equal(heard_by(behind)->story, "two three four ");
    assert_string_equal(heard_by(ahead)->story, "four ");
}

/* Every message is heard or counted as lost, wherever it stood when the ring went around. */
static void who_moves_while_the_ring_goes_around_misses_nothing_unsaid(void **state)
{
    static const char bytes[LONGEST];
    uint64_t positions[] = {0, 1, 4, 5, 6, 9, 10};
    struct prong_socket *sockets[sizeof(positions) / sizeof(positions[0])];

    (void)state;
    for (int i = 0; i < 5; i++)
        says("small");
    hear_all(); /* the worker stands at 5 */
    for (size_t i = 0; i < sizeof(positions) / sizeof(positions[0]); i++)
        sockets[i] = arrives(positions[i]);
    for (int i = 0; i < 5; i++)
        assert_int_equal(ring_publish(world.other, bytes, sizeof(bytes)), 0);
    for (size_t i = 0; i < sizeof(positions) / sizeof(positions[0]); i++)
        starts(sockets[i]);
    assert_int_equal(ring_publish(world.other, bytes, sizeof(bytes)), 0);
    hear_all();
    for (size_t i = 0; i < sizeof(positions) / sizeof(positions[0]); i++) {
        const struct heard *heard = heard_by(sockets[i]);

        assert_int_equal(positions[i] + heard->lost + heard->messages, 11);
    }
    assert_true(heard_by(sockets[0])->lost > 0);
    assert_int_equal(heard_by(sockets[6])->messages, 1);
}

static struct broadcast_place leaves(struct prong_socket *socket)
{
    struct broadcast_place place = broadcast_place(&world.service, socket);

    broadcast_leave(&world.service, socket);
    prong_socket_destroy(socket, 0);
    return place;
}

static void who_came_ahead_of_its_worker_moves_on_from_there(void **state)
{
    struct prong_socket *newcomer, *traveller, *again;

    (void)state;
    connects();
    says("one");
    says("two");
    newcomer = connects();
    traveller = arrives(1);
    starts(traveller);
    assert_int_equal(leaves(newcomer).position, 2);
    assert_int_equal(leaves(traveller).position, 1);
    again = arrives(2);
    starts(again);
    says("three");
    hear_all();
    assert_string_equal(heard_by(again)->story, "three gone gone ");
    assert_int_equal(leaves(again).position, ring_last(world.other));
}

static void who_closes_ahead_of_its_worker_is_forgotten(void **state)
{
    struct prong_socket *first = connects(), *newcomer;

    (void)state;
    says("one");
    newcomer = connects();
    broadcast_forget(&world.service, newcomer); /* as connection_close() does */
    prong_socket_destroy(newcomer, 0);
    hear_all();
    assert_string_equal(heard_by(newcomer)->story, "");
    assert_string_equal(heard_by(first)->story, "one gone ");
}

/* A wild pointer says that there are many messages, and another one that there are none. */
static void who_came_while_the_memory_was_spoiled_hears_again(void **state)
{
    struct prong_socket *newcomer;

    (void)state;
    connects();
    says("one");
    spoil_last(UINT64_C(1) << 60);
    newcomer = connects();
    spoil_last(2);
    hear_all();
    says("three");
    hear_all();
    assert_string_equal(heard_by(newcomer)->story, "three ");
}

/* --- What is done inside --- */

static void close_both(struct prong_socket *socket, const void *bytes, size_t size)
{
    (void)socket;
    (void)bytes;
    (void)size;
    prong_socket_destroy(world.listeners[1], 0);
    prong_socket_destroy(world.listeners[2], 0);
}

static void who_is_closed_meanwhile_hears_no_more(void **state)
{
    struct prong_socket *sockets[4];
    unsigned closed;

    (void)state;
    for (int i = 0; i < 4; i++)
        sockets[i] = connects();
    world.on_message = close_both;
    says("one");
    says("two");
    hear_all();
    assert_string_equal(heard_by(sockets[0])->story, "one two gone gone ");
    assert_string_equal(heard_by(sockets[3])->story, "one two gone gone ");
    closed = heard_by(sockets[1])->messages + heard_by(sockets[2])->messages;
    assert_true(closed <= 1); /* only one that was told first */
}

/* Longer than what is being told: it would be seen if one were written over the other. */
static void reply(struct prong_socket *socket, const void *bytes, size_t size)
{
    static char longest[LONGEST];

    if (size == LONGEST)
        return;
    assert_memory_equal(bytes, "question", size);
    memset(longest, 'a', sizeof(longest));
    assert_int_equal(broadcast_publish(&world.service, longest, sizeof(longest)), 0);
    (void)socket;
}

static void what_is_said_inside_is_heard_later_by_all(void **state)
{
    struct prong_socket *one = connects(), *other = connects();

    (void)state;
    world.on_message = reply;
    says("question");
    hear_all();
    assert_string_equal(heard_by(one)->story, "question aaaaaaaa aaaaaaaa ");
    assert_string_equal(heard_by(other)->story, "question aaaaaaaa aaaaaaaa ");
}

/* --- When --- */

static void give_up(struct ev_loop *ev, struct ev_timer *timer, int revents)
{
    (void)timer;
    (void)revents;
    ev_break(ev, EVBREAK_ALL);
}

static void stop_loop(struct prong_socket *socket, const void *bytes, size_t size)
{
    (void)socket;
    (void)bytes;
    (void)size;
    ev_break(world.ev, EVBREAK_ALL);
}

/* Of a client that the worker closes at the end of a turn, as for max_memory. */
static void what_is_said_after_the_end_of_a_turn_waits_for_nothing(void **state)
{
    struct prong_socket *socket = connects();
    struct ev_timer guard;

    (void)state;
    run_loop();
    world.closed_by_turn = connects();
    ev_timer_init(&guard, give_up, 20., 0.);
    ev_timer_start(world.ev, &guard);
    world.on_message = stop_loop;
    ev_run(world.ev, 0);
    assert_true(ev_is_active(&guard)); /* or it was heard because of that */
    ev_timer_stop(world.ev, &guard);
    assert_string_equal(heard_by(socket)->story, "gone ");
}

static void who_comes_in_a_storm_costs_no_others_their_turn(void **state)
{
    (void)state;
    for (int i = 0; i < MOST_LISTENERS - 1; i++)
        connects();
    for (int i = 0; i < 60; i++)
        says("storm");
    connects();
    assert_int_equal(world.told, 0);
    hear_all();
    assert_int_equal(heard_by(world.listeners[0])->messages, 60);
    assert_int_equal(heard_by(world.listeners[MOST_LISTENERS - 1])->messages, 0);
}

static void a_storm_leaves_turns_to_others(void **state)
{
    (void)state;
    for (int i = 0; i < MOST_LISTENERS; i++)
        connects();
    for (int i = 0; i < 60; i++)
        says("storm");
    hear_all();
    assert_int_equal(heard_by(world.listeners[0])->messages, 60);
    assert_true(world.most <= 4096 + MOST_LISTENERS);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

static const struct CMUnitTest tests[] = {
    TEST(a_newcomer_hears_what_is_said_after_it_came),
    TEST(who_arrives_goes_on_where_it_was),
    TEST(who_moves_while_the_ring_goes_around_misses_nothing_unsaid),
    TEST(who_came_ahead_of_its_worker_moves_on_from_there),
    TEST(who_closes_ahead_of_its_worker_is_forgotten),
    TEST(who_came_while_the_memory_was_spoiled_hears_again),
    TEST(who_is_closed_meanwhile_hears_no_more),
    TEST(what_is_said_inside_is_heard_later_by_all),
    TEST(what_is_said_after_the_end_of_a_turn_waits_for_nothing),
    TEST(who_comes_in_a_storm_costs_no_others_their_turn),
    TEST(a_storm_leaves_turns_to_others),
};

int main(void)
{
    return cmocka_run_group_tests(tests, NULL, NULL);
}
