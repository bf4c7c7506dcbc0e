/* SPDX-License-Identifier: MIT
 *
 * Whose queue the warden of slot 1 of four serves, on a scoreboard that the test writes.
 */
#include "net_fixture.h"

#include <limits.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

#include "inheritance.h"
#include "scoreboard.h"
#include "warden.h"

#define SLOTS 4
#define OWN   1

struct bench {
    struct scoreboard_worker workers[SLOTS];
    struct scoreboard_server cell;
    struct warden *warden;
    struct ev_prepare others; /* their loops turn with ours */
};

static struct bench *bench;

static int setup(void **state)
{
    bench = aligned_alloc(SCOREBOARD_CELL_SIZE, sizeof(*bench));
    if (bench == NULL)
        return -1;
    *bench = (struct bench){.warden = NULL};
    for (unsigned i = 0; i < SLOTS; i++) {
        atomic_store(&bench->workers[i].state, SLOT_READY);
        atomic_store(&bench->workers[i].turns, 1);
    }
    return net_setup(state);
}

static int teardown(void **state)
{
    struct net *net = *state;

    ev_prepare_stop(net->ev, &bench->others);
    warden_free(bench->warden);
    free(bench);
    return net_teardown(state);
}

/* The handle of the fixture's server is this owner's. */
static void start(struct net *net, unsigned owner, unsigned number)
{
    struct warden_place place = {.ev = net->ev,
                                 .cell = &bench->cell,
                                 .workers = bench->workers,
                                 .slots = SLOTS,
                                 .slot = OWN};

    net_listen(net);
    prong_server_pause(net->server);
    bench->warden = warden_new(&place);
    assert_non_null(bench->warden);
    assert_int_equal(warden_adopt(bench->warden, net->server, owner, number), 0);
    warden_start(bench->warden);
}

static void set_state(unsigned slot, enum slot_state state)
{
    atomic_store(&bench->workers[slot].state, state);
}

static void turn_the_others(struct ev_loop *ev, struct ev_prepare *prepare, int revents)
{
    (void)ev;
    (void)prepare;
    (void)revents;
    for (unsigned i = 0; i < SLOTS; i++)
        atomic_fetch_add(&bench->workers[i].turns, i != OWN);
}

static void let_the_others_turn(struct net *net)
{
    ev_prepare_init(&bench->others, turn_the_others);
    ev_prepare_start(net->ev, &bench->others);
}

static uint64_t relieved(void)
{
    return atomic_load(&bench->cell.queues_relieved);
}

static void assert_served(struct net *net)
{
    int client = net_raw_client(net);

    run_until(net, &net->listener, "connection");
    close(client);
}

/* For three looks. */
static void assert_left_alone(struct net *net)
{
    int client = net_raw_client(net);

    run_for(net, 160);
    assert_false(happened(&net->listener, "connection"));
    close(client);
}

static void the_queue_of_a_worker_that_comes_is_left_alone(void **state)
{
    let_the_others_turn(*state);
    start(*state, 2, 2);
    assert_left_alone(*state);
    assert_int_equal(relieved(), 0);
}

static void the_queue_of_a_dead_worker_is_served_by_the_one_before_it(void **state)
{
    let_the_others_turn(*state);
    set_state(2, SLOT_EMPTY);
    start(*state, 2, 2);
    assert_served(*state);
    assert_int_equal(relieved(), 1);
}

static void that_of_another_dead_worker_is_somebody_elses(void **state)
{
    let_the_others_turn(*state);
    set_state(3, SLOT_RESTING);
    start(*state, 3, 3);
    assert_left_alone(*state);
}

static void who_stands_between_does_not_count_when_it_does_not_come(void **state)
{
    let_the_others_turn(*state);
    set_state(3, SLOT_RESTING);
    set_state(2, SLOT_STARTING);
    start(*state, 3, 3);
    assert_served(*state);
}

static void a_worker_whose_loop_does_not_turn_is_relieved_when_somebody_waits(void **state)
{
    struct net *net = *state;

    start(net, 2, 2);
    run_for(net, 160);
    assert_int_equal(relieved(), 0);
    assert_served(net);
    assert_int_equal(relieved(), 1);
}

static void a_worker_that_comes_back_has_its_queue_to_itself(void **state)
{
    struct net *net = *state;

    set_state(2, SLOT_EMPTY);
    let_the_others_turn(net);
    start(net, 2, 2);
    assert_served(net);
    set_state(2, SLOT_READY);
    run_for(net, 100);
    forget(&net->listener);
    assert_left_alone(net);
}

static void a_queue_of_nobody_is_served_by_one_of_all(void **state)
{
    let_the_others_turn(*state);
    start(*state, INHERITED_BY_NOBODY, OWN + 1);
    assert_served(*state);
    assert_int_equal(relieved(), 0);
}

static void another_queue_of_nobody_is_another_workers(void **state)
{
    let_the_others_turn(*state);
    start(*state, INHERITED_BY_NOBODY, OWN);
    assert_left_alone(*state);
}

static void a_handle_that_is_forgotten_is_left_as_it_is(void **state)
{
    struct net *net = *state;

    let_the_others_turn(net);
    start(net, 2, 2);
    warden_forget(bench->warden, net->server);
    set_state(2, SLOT_EMPTY);
    assert_left_alone(net);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(the_queue_of_a_worker_that_comes_is_left_alone),
        CASE(the_queue_of_a_dead_worker_is_served_by_the_one_before_it),
        CASE(that_of_another_dead_worker_is_somebody_elses),
        CASE(who_stands_between_does_not_count_when_it_does_not_come),
        CASE(a_worker_whose_loop_does_not_turn_is_relieved_when_somebody_waits),
        CASE(a_worker_that_comes_back_has_its_queue_to_itself),
        CASE(a_queue_of_nobody_is_served_by_one_of_all),
        CASE(another_queue_of_nobody_is_another_workers),
        CASE(a_handle_that_is_forgotten_is_left_as_it_is),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
