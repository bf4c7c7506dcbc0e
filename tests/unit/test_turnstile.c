/* SPDX-License-Identifier: MIT
 *
 * The turnstile of slot 1 of four: who may pass, when it shuts and opens, and whom it tells.  The
 * test says what the limits say; what is held and taken is written down.
 */
#include "net_fixture.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "accepting.h"
#include "config.h"
#include "quota.h"
#include "scoreboard.h"
#include "service.h"
#include "turnstile.h"

#define SLOTS 4
#define OWN   1

static struct bench {
    struct scoreboard_worker workers[SLOTS];
    struct scoreboard_server cells[SLOTS];
    int nudge_fds[SLOTS];
    struct service service;
    struct turnstile *turnstile;

    enum drop_reason answer; /* of quota_reserve() */
    unsigned reservations;   /* how often it was asked */
    bool has_reserved;
    bool has_room;
    unsigned looks;  /* how often it was asked whether there is room */
    char story[256]; /* "hold release take " */
} * bench;

/* --- What the limits say, and what becomes of the handles --- */

enum drop_reason __wrap_quota_reserve(struct service *service);
bool __wrap_quota_give_reserved(struct service *service);
bool __wrap_quota_has_room(const struct service *service);
void __wrap_accepting_hold(struct service *service, bool held);
void __wrap_accepting_take(struct service *service);

enum drop_reason __wrap_quota_reserve(struct service *service)
{
    assert_ptr_equal(service, &bench->service);
    bench->reservations++;
    bench->has_reserved = bench->answer == DROP_NONE;
    return bench->answer;
}

bool __wrap_quota_give_reserved(struct service *service)
{
    bool had = bench->has_reserved;

    assert_ptr_equal(service, &bench->service);
    bench->has_reserved = false;
    return had;
}

bool __wrap_quota_has_room(const struct service *service)
{
    assert_ptr_equal(service, &bench->service);
    bench->looks++;
    return bench->has_room;
}

static void tell_story(const char *what)
{
    size_t length = strlen(bench->story);

    snprintf(bench->story + length, sizeof(bench->story) - length, "%s", what);
}

void __wrap_accepting_hold(struct service *service, bool held)
{
    assert_ptr_equal(service, &bench->service);
    tell_story(held ? "hold " : "release ");
}

void __wrap_accepting_take(struct service *service)
{
    assert_ptr_equal(service, &bench->service);
    tell_story("take ");
}

/* --- The bench --- */

static int setup(void **state)
{
    struct net *net;
    int error = net_setup(state);

    if (error != 0)
        return error;
    net = *state;
    bench = aligned_alloc(SCOREBOARD_CELL_SIZE, sizeof(*bench));
    if (bench == NULL)
        return -1;
    *bench = (struct bench){.answer = DROP_NONE};
    for (unsigned i = 0; i < SLOTS; i++) {
        atomic_store(&bench->workers[i].state, SLOT_READY);
        bench->nudge_fds[i] = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    }
    bench->service = (struct service){.loop = net->loop,
                                      .cells = bench->cells,
                                      .workers = bench->workers,
                                      .nudge_fds = bench->nudge_fds,
                                      .slot = OWN,
                                      .slots = SLOTS};
    bench->turnstile = turnstile_new(&bench->service);
    return bench->turnstile == NULL ? -1 : 0;
}

static int teardown(void **state)
{
    turnstile_free(bench->turnstile);
    for (unsigned i = 0; i < SLOTS; i++)
        close(bench->nudge_fds[i]);
    free(bench);
    return net_teardown(state);
}

static bool is_shut(unsigned slot)
{
    return atomic_load(&bench->cells[slot].is_full) != 0;
}

static void shut_slot(unsigned slot)
{
    atomic_store(&bench->cells[slot].is_full, 1);
}

/* Was it told since the last time? */
static bool is_told(unsigned slot)
{
    uint64_t count;

    return read(bench->nudge_fds[slot], &count, sizeof(count)) == sizeof(count);
}

static bool anybody_is_told(void)
{
    bool any = false;

    for (unsigned i = 0; i < SLOTS; i++)
        any |= is_told(i);
    return any;
}

/* There was no place for somebody; what it owes for that is settled. */
static void shut_own(void)
{
    bench->answer = DROP_MAX_CONNECTIONS;
    assert_false(turnstile_may_pass(bench->turnstile));
    turnstile_settle(bench->turnstile);
    assert_string_equal(bench->story, "hold ");
    bench->story[0] = '\0';
    bench->looks = 0;
}

/* --- Where there is one --- */

static void only_who_shall_wait_finds_one(void **state)
{
    static const struct {
        struct config_server config;
        bool wanted;
    } cases[] = {
        {{.excess = CONFIG_EXCESS_WAIT, .max_connections = 1}, true},
        {{.excess = CONFIG_EXCESS_WAIT}, false},
        {{.excess = CONFIG_EXCESS_CLOSE, .max_connections = 1}, false},
        {{.excess = CONFIG_EXCESS_RESET, .max_connections = 1}, false},
        {{.excess = CONFIG_EXCESS_WAIT, .max_connections = 1, .shadow = true}, false},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        assert_int_equal(turnstile_is_wanted(&cases[i].config), cases[i].wanted);
}

/* --- Passing --- */

static void for_whom_there_is_a_place_it_stays_open(void **state)
{
    (void)state;
    assert_true(turnstile_may_pass(bench->turnstile));
    assert_true(turnstile_may_pass(bench->turnstile));
    assert_false(is_shut(OWN));
    assert_string_equal(bench->story, "");
}

static void without_a_place_it_shuts_once(void **state)
{
    (void)state;
    bench->answer = DROP_MAX_CONNECTIONS;
    assert_false(turnstile_may_pass(bench->turnstile));
    assert_true(is_shut(OWN));
    assert_false(turnstile_may_pass(bench->turnstile)); /* a queue that was asked already */
    assert_int_equal(bench->reservations, 1);
    assert_int_equal(atomic_load(&bench->cells[OWN].was_full), 1);
    assert_string_equal(bench->story, "hold ");
}

static void who_is_refused_for_another_reason_passes(void **state)
{
    (void)state;
    bench->answer = DROP_TABLE;
    assert_true(turnstile_may_pass(bench->turnstile));
    assert_false(is_shut(OWN));
}

/* --- Opening --- */

static void a_look_opens_it_when_there_is_room(void **state)
{
    (void)state;
    shut_own();
    turnstile_look(bench->turnstile);
    assert_true(is_shut(OWN));
    bench->has_room = true;
    turnstile_look(bench->turnstile);
    assert_false(is_shut(OWN));
    assert_string_equal(bench->story, "release take ");
}

static void a_look_at_an_open_one_does_nothing(void **state)
{
    (void)state;
    bench->has_room = true;
    turnstile_look(bench->turnstile);
    assert_string_equal(bench->story, "");
    assert_int_equal(bench->looks, 0);
}

/* A dead worker gives no place away: it is found all the same. */
static void a_shut_one_looks_by_itself(void **state)
{
    struct net *net = *state;

    shut_own();
    ev_run(net->ev, EVRUN_ONCE);
    ev_run(net->ev, EVRUN_ONCE);
    assert_true(bench->looks >= 2);
    assert_true(is_shut(OWN));
    bench->has_room = true;
    ev_run(net->ev, EVRUN_ONCE);
    assert_false(is_shut(OWN));
}

/* At the end of that turn it is seen whether a place is left for others. */
static void another_turn_follows_when_it_opens(void **state)
{
    struct net *net = *state;

    shut_own();
    bench->has_room = true;
    turnstile_look(bench->turnstile);
    bench->looks = 0;
    ev_run(net->ev, EVRUN_ONCE); /* would wait for ever */
    turnstile_settle(bench->turnstile);
    assert_int_equal(bench->looks, 1);
}

/* --- Telling --- */

static void a_place_that_nobody_used_is_the_next_ones(void **state)
{
    (void)state;
    bench->has_room = true;
    shut_slot(3);
    shut_slot(0);
    assert_true(turnstile_may_pass(bench->turnstile));
    turnstile_settle(bench->turnstile);
    assert_false(bench->has_reserved);
    assert_true(is_told(3)); /* the first behind slot 1 */
    assert_false(anybody_is_told());
}

static void a_connection_that_ends_is_a_place_too(void **state)
{
    (void)state;
    bench->has_room = true;
    shut_slot(0);
    turnstile_offer(bench->turnstile);
    turnstile_settle(bench->turnstile);
    assert_true(is_told(0));
    turnstile_settle(bench->turnstile); /* once */
    assert_false(anybody_is_told());
}

static void who_has_nothing_to_give_tells_nobody(void **state)
{
    (void)state;
    shut_slot(2);
    bench->has_room = true;
    turnstile_settle(bench->turnstile);
    assert_false(anybody_is_told());
    assert_int_equal(bench->looks, 0); /* every turn of the loop */
    bench->has_room = false;
    turnstile_offer(bench->turnstile);
    turnstile_settle(bench->turnstile); /* others had it already */
    assert_false(anybody_is_told());
}

static void one_that_does_not_serve_is_passed_over(void **state)
{
    (void)state;
    bench->has_room = true;
    shut_slot(2);
    shut_slot(3);
    atomic_store(&bench->workers[2].state, SLOT_DRAINING);
    turnstile_offer(bench->turnstile);
    turnstile_settle(bench->turnstile);
    assert_false(is_told(2));
    assert_true(is_told(3));
}

static void others_go_first_and_then_itself(void **state)
{
    (void)state;
    shut_own();
    bench->has_room = true;
    shut_slot(2);
    turnstile_offer(bench->turnstile);
    turnstile_settle(bench->turnstile);
    assert_true(is_told(2));
    assert_true(is_shut(OWN));
    atomic_store(&bench->cells[2].is_full, 0);
    turnstile_offer(bench->turnstile);
    turnstile_settle(bench->turnstile);
    assert_false(is_shut(OWN));
    assert_string_equal(bench->story, "release take ");
}

static void a_counter_that_is_full_is_told_already(void **state)
{
    uint64_t most = UINT64_MAX - 1;

    (void)state;
    bench->has_room = true;
    shut_slot(2);
    shut_slot(3);
    assert_int_equal(write(bench->nudge_fds[2], &most, sizeof(most)), sizeof(most));
    turnstile_offer(bench->turnstile);
    turnstile_settle(bench->turnstile);
    assert_false(is_told(3));
}

/* --- The end --- */

static void an_end_leaves_nothing_reserved_and_nobody_shut(void **state)
{
    (void)state;
    assert_true(turnstile_may_pass(bench->turnstile));
    bench->answer = DROP_MAX_CONNECTIONS;
    assert_false(turnstile_may_pass(bench->turnstile));
    bench->has_reserved = true;
    turnstile_free(bench->turnstile);
    bench->turnstile = NULL;
    assert_false(bench->has_reserved);
    assert_false(is_shut(OWN));
}

static const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    TEST(only_who_shall_wait_finds_one),
    TEST(for_whom_there_is_a_place_it_stays_open),
    TEST(without_a_place_it_shuts_once),
    TEST(who_is_refused_for_another_reason_passes),
    TEST(a_look_opens_it_when_there_is_room),
    TEST(a_look_at_an_open_one_does_nothing),
    TEST(a_shut_one_looks_by_itself),
    TEST(another_turn_follows_when_it_opens),
    TEST(a_place_that_nobody_used_is_the_next_ones),
    TEST(a_connection_that_ends_is_a_place_too),
    TEST(who_has_nothing_to_give_tells_nobody),
    TEST(one_that_does_not_serve_is_passed_over),
    TEST(others_go_first_and_then_itself),
    TEST(a_counter_that_is_full_is_told_already),
    TEST(an_end_leaves_nothing_reserved_and_nobody_shut),
};

int main(void)
{
    return cmocka_run_group_tests(tests, NULL, NULL);
}
