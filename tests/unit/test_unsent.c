/* SPDX-License-Identifier: MIT
 *
 * What waits for a client and for its companions, and who is closed for it: write_timeout and
 * max_memory of a handler that relays.
 */
#include "unsent.h"

#include <ev.h>
#include <prong/loop.h>
#include <prong/server.h>
#include <prongd/handler.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "config.h"
#include "connection.h"
#include "deadline.h"
#include "handoff_fixture.h"
#include "pressure.h"
#include "service.h"
#include "trail.h"

#define PAIRS 3
#define MUCH  (1024 * 1024)

/* The clock of everything that looks at connections. */
static uint32_t now_ds;

uint32_t __wrap_connection_now_ds(void);

uint32_t __wrap_connection_now_ds(void)
{
    return now_ds;
}

/* --- A handler that relays, and keeps what it is told to keep --- */

struct relayed {
    struct prong_socket *client, *upstream;
    int client_peer, upstream_peer;
    struct prongd_held held;
};

static struct relayed pairs[PAIRS];

static struct relayed *pair_of(struct prong_socket *client)
{
    for (size_t i = 0; i < PAIRS; i++) {
        if (pairs[i].client == client)
            return &pairs[i];
    }
    fail_msg("a socket that is no client's");
    return NULL;
}

static size_t companions(struct prong_socket *client, struct prongd_companion *list)
{
    list[0] = (struct prongd_companion){.socket = pair_of(client)->upstream};
    list[1] = (struct prongd_companion){.fd = 0};
    return 2;
}

static void held(struct prong_socket *client, struct prongd_held *held)
{
    *held = pair_of(client)->held;
}

static uint64_t held_by_all(struct prongd_service *service)
{
    uint64_t sum = 0;

    (void)service;
    for (size_t i = 0; i < PAIRS; i++)
        sum += pairs[i].held.for_client + pairs[i].held.for_companions;
    return sum;
}

static const struct prongd_handler relay = {
    .name = "relay", .companions = companions, .held = held, .held_by_all = held_by_all};

/* --- A service with some pairs --- */

static struct world {
    struct ev_loop *ev;
    struct prong_loop *loop;
    struct prong_server *server;
    struct service service;
    struct config_server config;
    struct pressure pressure;
} world;

static struct prong_socket *attach(struct prong_server *server, int *peer)
{
    struct record record = new_record(1, peer);
    struct prong_socket *socket =
        prong_socket_attach(world.loop, server, &record.image, 0, NULL, NULL);

    assert_non_null(socket);
    prong_socket_start(socket);
    return socket;
}

static void make_pair(struct relayed *pair)
{
    *pair = (struct relayed){.client = NULL};
    pair->client = attach(world.server, &pair->client_peer);
    pair->upstream = attach(NULL, &pair->upstream_peer);
    connection_enter(connection_of(pair->client), CONNECTION_ADMITTED);
    connection_enter(connection_of(pair->client), CONNECTION_SERVING);
}

static int setup(void **state)
{
    static const struct prong_server_events no_events;
    struct prong_server_options options;

    (void)state;
    now_ds = 1000;
    world = (struct world){.ev = ev_loop_new(EVBACKEND_EPOLL | EVFLAG_NOENV)};
    world.loop = prong_loop_new(world.ev);
    world.config = (struct config_server){.name = "relay", .write_timeout_ms = 5000};
    world.service = (struct service){.config = &world.config,
                                     .handler = &relay,
                                     .has_trail = true,
                                     .is_started = true,
                                     .servers = &world.server,
                                     .server_count = 1};
    world.pressure = (struct pressure){.limit = 100 * (uint64_t)MUCH,
                                       .loop = world.loop,
                                       .services = &world.service,
                                       .service_count = 1};
    prong_server_options_init(&options);
    options.socket.extra_bytes = connection_extra_bytes(0) + trail_extra_bytes(&world.service);
    world.server = prong_server_new(world.loop, &options, &no_events, &world.service);
    assert_non_null(world.server);
    for (size_t i = 0; i < PAIRS; i++)
        make_pair(&pairs[i]);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    for (size_t i = 0; i < PAIRS; i++) {
        prong_socket_destroy(pairs[i].client, 0);
        prong_socket_destroy(pairs[i].upstream, 0);
        close(pairs[i].client_peer);
        close(pairs[i].upstream_peer);
    }
    ev_run(world.ev, EVRUN_NOWAIT);
    prong_server_free(world.server);
    assert_int_equal(prong_loop_bytes_queued(world.loop), 0);
    assert_int_equal(prong_loop_free(world.loop), 0);
    ev_loop_destroy(world.ev);
    return 0;
}

/* --- What the peers do --- */

/* More than the kernel takes. */
static void write_much(struct prong_socket *socket)
{
    static const char bytes[MUCH];

    assert_true(prong_socket_write(socket, bytes, sizeof(bytes)) >= 0);
    assert_true(prong_socket_queue_bytes(socket) > 0);
}

/* The peer reads until the socket could send some of what waits. */
static void take_some(struct prong_socket *socket, int peer)
{
    static char bytes[MUCH / 4];
    uint64_t before = prong_socket_bytes_written(socket);

    while (prong_socket_bytes_written(socket) == before) {
        assert_true(read(peer, bytes, sizeof(bytes)) > 0);
        ev_run(world.ev, EVRUN_NOWAIT);
    }
    assert_true(prong_socket_queue_bytes(socket) > 0);
}

static void look_after(unsigned seconds)
{
    now_ds += seconds * 10;
    deadline_check(&world.service);
}

static bool is_closed(const struct relayed *pair)
{
    return prong_socket_state(pair->client) >= PRONG_SOCKET_CLOSING;
}

static uint64_t cuts(enum access_end end)
{
    return world.service.cuts[end - ACCESS_FIRST_CUT];
}

/* --- How much it is --- */

static void both_sides_are_counted_each_by_itself(void **state)
{
    struct relayed *pair = &pairs[0];
    struct unsent unsent;

    (void)state;
    write_much(pair->client);
    write_much(pair->upstream);
    pair->held = (struct prongd_held){.for_client = 10, .for_companions = 2000};
    unsent = unsent_of(&world.service, pair->client);
    assert_int_equal(unsent.bytes[UNSENT_CLIENT], prong_socket_queue_bytes(pair->client) + 10);
    assert_int_equal(unsent.bytes[UNSENT_COMPANIONS],
                     prong_socket_queue_bytes(pair->upstream) + 2000);
    assert_int_equal(unsent.taken[UNSENT_CLIENT], prong_socket_bytes_written(pair->client));
    assert_int_equal(unsent.taken[UNSENT_COMPANIONS], prong_socket_bytes_written(pair->upstream));
    assert_int_equal(unsent_bytes(&world.service, pair->client),
                     unsent.bytes[UNSENT_CLIENT] + unsent.bytes[UNSENT_COMPANIONS]);
}

static void a_handler_is_not_asked_about_one_that_it_does_not_know(void **state)
{
    struct prong_socket *socket;
    int peer;

    (void)state;
    socket = attach(world.server, &peer); /* NEW: pair_of() would fail */
    write_much(socket);
    assert_int_equal(unsent_bytes(&world.service, socket), prong_socket_queue_bytes(socket));
    prong_socket_destroy(socket, 0);
    ev_run(world.ev, EVRUN_NOWAIT);
    close(peer);
}

static void a_handler_without_any_of_it_has_the_clients_queue(void **state)
{
    static const struct prongd_handler plain = {.name = "plain"};

    (void)state;
    world.service.handler = &plain;
    write_much(pairs[0].client);
    write_much(pairs[0].upstream);
    assert_int_equal(unsent_bytes(&world.service, pairs[0].client),
                     prong_socket_queue_bytes(pairs[0].client));
}

/* --- write_timeout --- */

static void a_client_that_takes_nothing_ends_its_pair(void **state)
{
    (void)state;
    write_much(pairs[0].client);
    look_after(0);
    look_after(4);
    assert_false(is_closed(&pairs[0]));
    look_after(1);
    assert_true(is_closed(&pairs[0]));
    assert_false(is_closed(&pairs[1]));
    assert_int_equal(cuts(ACCESS_END_STALL), 1);
    assert_int_equal(cuts(ACCESS_END_UPSTREAM), 0);
}

static void an_upstream_that_takes_nothing_ends_its_pair_and_is_named(void **state)
{
    (void)state;
    write_much(pairs[0].upstream);
    look_after(0);
    look_after(5);
    assert_true(is_closed(&pairs[0]));
    assert_int_equal(cuts(ACCESS_END_UPSTREAM), 1);
    assert_int_equal(cuts(ACCESS_END_STALL), 0);
}

static void what_stands_in_a_pipe_stalls_as_well(void **state)
{
    (void)state;
    pairs[0].held.for_client = 1;
    pairs[1].held.for_companions = 1;
    look_after(0);
    look_after(5);
    assert_true(is_closed(&pairs[0]));
    assert_true(is_closed(&pairs[1]));
    assert_int_equal(cuts(ACCESS_END_STALL), 1);
    assert_int_equal(cuts(ACCESS_END_UPSTREAM), 1);
}

static void of_two_sides_that_stall_the_client_is_named(void **state)
{
    (void)state;
    write_much(pairs[0].client);
    write_much(pairs[0].upstream);
    look_after(0);
    look_after(5);
    assert_int_equal(cuts(ACCESS_END_STALL), 1);
    assert_int_equal(cuts(ACCESS_END_UPSTREAM), 0);
}

static void one_side_that_goes_on_hides_the_other_no_more(void **state)
{
    (void)state;
    write_much(pairs[0].client);
    write_much(pairs[0].upstream);
    look_after(0);
    take_some(pairs[0].client, pairs[0].client_peer);
    look_after(4);
    assert_false(is_closed(&pairs[0]));
    look_after(1);
    assert_int_equal(cuts(ACCESS_END_UPSTREAM), 1);
}

static void who_takes_a_little_starts_its_time_anew(void **state)
{
    (void)state;
    write_much(pairs[0].upstream);
    look_after(0);
    take_some(pairs[0].upstream, pairs[0].upstream_peer);
    look_after(4);
    look_after(4);
    assert_false(is_closed(&pairs[0]));
    look_after(1);
    assert_true(is_closed(&pairs[0]));
}

/* --- max_memory --- */

static void the_heaviest_pair_goes_whichever_side_it_is(void **state)
{
    (void)state;
    pairs[0].held.for_client = 30;
    write_much(pairs[1].upstream);
    pairs[2].held.for_companions = 50;
    world.pressure.limit = prong_socket_queue_bytes(pairs[1].upstream);
    pressure_check(&world.pressure);
    assert_false(is_closed(&pairs[0]));
    assert_true(is_closed(&pairs[1]));
    assert_false(is_closed(&pairs[2]));
    assert_int_equal(cuts(ACCESS_END_MEMORY), 1);
}

static void no_more_go_than_it_takes(void **state)
{
    (void)state;
    pairs[0].held.for_client = 400;
    pairs[1].held.for_companions = 401;
    pairs[2].held.for_client = 400;
    world.pressure.limit = 1000;
    pressure_check(&world.pressure);
    assert_false(is_closed(&pairs[0]));
    assert_true(is_closed(&pairs[1]));
    assert_false(is_closed(&pairs[2]));
}

static void what_a_handler_writes_to_others_closes_nobody(void **state)
{
    struct prong_socket *own;
    int peer;

    (void)state;
    own = attach(NULL, &peer);
    write_much(own);
    write_much(pairs[0].client);
    world.pressure.limit = prong_socket_queue_bytes(pairs[0].client);
    pressure_check(&world.pressure);
    assert_false(is_closed(&pairs[0]));
    pairs[1].held.for_companions = 1; /* it is found, but not before the next second */
    pressure_check(&world.pressure);
    assert_false(is_closed(&pairs[0]));
    now_ds += 10;
    pressure_check(&world.pressure);
    assert_true(is_closed(&pairs[0]));
    prong_socket_destroy(own, 0);
    close(peer);
}

static void a_service_that_has_ended_is_not_asked(void **state)
{
    (void)state;
    pairs[0].held.for_client = 2;
    world.pressure.limit = 1;
    world.service.is_started = false;
    pressure_check(&world.pressure);
    assert_false(is_closed(&pairs[0]));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

static const struct CMUnitTest tests[] = {
    TEST(both_sides_are_counted_each_by_itself),
    TEST(a_handler_is_not_asked_about_one_that_it_does_not_know),
    TEST(a_handler_without_any_of_it_has_the_clients_queue),
    TEST(a_client_that_takes_nothing_ends_its_pair),
    TEST(an_upstream_that_takes_nothing_ends_its_pair_and_is_named),
    TEST(what_stands_in_a_pipe_stalls_as_well),
    TEST(of_two_sides_that_stall_the_client_is_named),
    TEST(one_side_that_goes_on_hides_the_other_no_more),
    TEST(who_takes_a_little_starts_its_time_anew),
    TEST(the_heaviest_pair_goes_whichever_side_it_is),
    TEST(no_more_go_than_it_takes),
    TEST(what_a_handler_writes_to_others_closes_nobody),
    TEST(a_service_that_has_ended_is_not_asked),
};

int main(void)
{
    return cmocka_run_group_tests(tests, NULL, NULL);
}
