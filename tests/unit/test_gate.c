/* SPDX-License-Identifier: MIT
 *
 * The policy of the gate, on a scoreboard that the test writes.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "gate.h"
#include "net_fixture.h"

#define SLOTS 4

struct bench {
    struct scoreboard_worker workers[SLOTS];
    struct scoreboard_server cells[SLOTS];
    int nudge_fds[SLOTS];
    struct net *net;
    struct gate *gate;
};

static struct bench *bench;

static uint64_t now_ms(void)
{
    struct timespec time;

    clock_gettime(CLOCK_MONOTONIC, &time);
    return (uint64_t)time.tv_sec * 1000U + (uint64_t)time.tv_nsec / 1000000U;
}

static void beat(unsigned slot)
{
    atomic_store(&bench->workers[slot].heartbeat_ms, now_ms());
}

/* Four ready workers with these connections; the gate is that of slot 0. */
static void start(struct net *net, const uint64_t connections[SLOTS])
{
    struct gate_place place = {
        .ev = net->ev,
        .cells = bench->cells,
        .workers = bench->workers,
        .nudge_fds = bench->nudge_fds,
        .slots = SLOTS,
    };

    for (unsigned i = 0; i < SLOTS; i++) {
        atomic_store(&bench->workers[i].state, SLOT_READY);
        atomic_store(&bench->cells[i].connections, connections[i]);
        beat(i);
    }
    net_listen(net);
    bench->net = net;
    bench->gate = gate_new(&place);
    assert_non_null(bench->gate);
    atomic_store(&bench->cells[0].recent, 0);
    assert_int_equal(gate_adopt(bench->gate, net->server), 0);
}

static bool is_closed(void)
{
    return atomic_load(&bench->cells[0].is_closed) == 1;
}

static void a_worker_at_the_mean_stays_open(void **state)
{
    start(*state, (const uint64_t[]){10, 10, 10, 10});
    gate_accepted(bench->gate);
    assert_false(is_closed());
}

static void a_worker_above_the_mean_closes_and_nudges_the_lightest(void **state)
{
    uint64_t nudges;

    start(*state, (const uint64_t[]){30, 10, 5, 10});
    atomic_store(&bench->cells[2].is_closed, 1);
    gate_accepted(bench->gate);
    assert_true(is_closed());
    assert_int_equal(read(bench->nudge_fds[2], &nudges, sizeof(nudges)), sizeof(nudges));
    assert_int_equal(atomic_load(&bench->cells[0].gate_nudges), 1);
    assert_int_equal(atomic_load(&bench->cells[0].gate_closed), 1);
}

static void a_closed_gate_opens_when_its_connections_go(void **state)
{
    start(*state, (const uint64_t[]){30, 10, 10, 10});
    gate_accepted(bench->gate);
    assert_true(is_closed());
    atomic_store(&bench->cells[0].connections, 10);
    gate_reconsider(bench->gate);
    assert_false(is_closed());
}

/* The ghost count of a dead worker: its cell is not cleared yet, but it is not READY. */
static void workers_that_do_not_accept_do_not_count(void **state)
{
    start(*state, (const uint64_t[]){30, 0, 0, 30});
    atomic_store(&bench->workers[1].state, SLOT_DRAINING);
    atomic_store(&bench->workers[2].state, SLOT_STARTING);
    gate_accepted(bench->gate);
    assert_false(is_closed());
}

/* The woken worker that never comes: nobody waits longer than the next look. */
static void a_closed_gate_takes_who_waits_when_the_others_do_not_come(void **state)
{
    struct net *net = *state;
    int client;

    start(net, (const uint64_t[]){30, 0, 0, 0});
    gate_accepted(bench->gate);
    assert_true(is_closed());
    client = net_raw_client(net);
    run_until(net, &net->listener, "connection");
    close(client);
}

static void a_closed_gate_leaves_who_waits_to_others_that_turn(void **state)
{
    struct net *net = *state;

    start(net, (const uint64_t[]){30, 0, 0, 0});
    gate_accepted(bench->gate);
    run_idle(net);
    assert_true(is_closed());
    assert_int_equal(atomic_load(&bench->cells[0].gate_forced), 0);
}

static void a_new_worker_begins_at_the_mean(void **state)
{
    struct net *net = *state;
    struct gate_place place;

    start(net, (const uint64_t[]){0, 100, 100, 100});
    place = (struct gate_place){.ev = net->ev,
                                .cells = bench->cells,
                                .workers = bench->workers,
                                .nudge_fds = bench->nudge_fds,
                                .slots = SLOTS};
    gate_free(bench->gate);
    bench->gate = gate_new(&place);
    assert_int_equal(atomic_load(&bench->cells[0].recent) >> 40, 100 * 256);
}

static int setup(void **state)
{
    bench = aligned_alloc(SCOREBOARD_CELL_SIZE, sizeof(*bench));
    if (bench == NULL)
        return -1;
    *bench = (struct bench){.gate = NULL};
    for (unsigned i = 0; i < SLOTS; i++)
        bench->nudge_fds[i] = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    return net_setup(state);
}

static int teardown(void **state)
{
    gate_free(bench->gate);
    for (unsigned i = 0; i < SLOTS; i++)
        close(bench->nudge_fds[i]);
    free(bench);
    return net_teardown(state);
}

static const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    TEST(a_worker_at_the_mean_stays_open),
    TEST(a_worker_above_the_mean_closes_and_nudges_the_lightest),
    TEST(a_closed_gate_opens_when_its_connections_go),
    TEST(workers_that_do_not_accept_do_not_count),
    TEST(a_closed_gate_takes_who_waits_when_the_others_do_not_come),
    TEST(a_closed_gate_leaves_who_waits_to_others_that_turn),
    TEST(a_new_worker_begins_at_the_mean),
};

int main(void)
{
    return cmocka_run_group_tests(tests, NULL, NULL);
}
