/* SPDX-License-Identifier: MIT
 *
 * Sums that outlive their generation.
 */
#include "history.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>

#include <cmocka.h>

#include "config.h"
#include "generation.h"
#include "scoreboard.h"
#include "tally.h"

#define WORKERS 2
#define SERVERS 2

static const struct prongd_counter counters[] = {{"rings", "-"}, {"knocks", "-"}};

/* Two servers, "one" and "two", with two workers. */
struct past {
    struct scoreboard *scoreboard;
    struct prongd_handler handler;
    struct config_server one, two;
    struct config_server *servers[SERVERS];
    struct config config;
    struct generation generation;
    struct history history;
};

static struct scoreboard_server *cell(const struct past *past, unsigned slot, unsigned server)
{
    return scoreboard_server(past->scoreboard, past->generation.number, slot, server);
}

static void a_generation_that_is_gone_is_found_by_the_names_of_its_servers(void **state)
{
    struct past *past = *state;
    struct totals one, two;

    atomic_store(&cell(past, 0, 0)->accepted, 10);
    atomic_store(&cell(past, 1, 0)->accepted, 5);
    atomic_store(&cell(past, 1, 0)->gate_forced, 3);
    atomic_store(&cell(past, 1, 1)->bytes_read, 7);
    history_add(&past->history, &past->generation, past->scoreboard);
    one = history_find(&past->history, "one");
    two = history_find(&past->history, "two");
    assert_int_equal(one.accepted, 15);
    assert_int_equal(one.gate_forced, 3);
    assert_int_equal(one.bytes_read, 0);
    assert_int_equal(two.bytes_read, 7);
}

static void several_generations_add_up(void **state)
{
    struct past *past = *state;

    atomic_store(&cell(past, 0, 0)->closed, 2);
    history_add(&past->history, &past->generation, past->scoreboard);
    history_add(&past->history, &past->generation, past->scoreboard);
    assert_int_equal(history_find(&past->history, "one").closed, 4);
}

static void what_is_connected_is_no_history(void **state)
{
    struct past *past = *state;

    atomic_store(&cell(past, 0, 0)->connections, 9);
    history_add(&past->history, &past->generation, past->scoreboard);
    assert_int_equal(history_find(&past->history, "one").connections, 0);
}

static void a_server_that_nobody_knows_has_none(void **state)
{
    struct past *past = *state;

    history_add(&past->history, &past->generation, past->scoreboard);
    assert_int_equal(history_find(&past->history, "three").accepted, 0);
}

/* By another generation, whose code has them in another order. */
static void handlers_counters_are_found_by_their_names(void **state)
{
    static const struct prongd_counter other[] = {{"knocks", "-"}, {"rings", "-"}, {"new", "-"}};
    const struct prongd_handler later = {.name = "bell", .counters = other, .counter_count = 3};
    const struct prongd_handler stranger = {.name = "gong", .counters = other, .counter_count = 3};
    struct past *past = *state;
    const json_t *tally;

    atomic_store(&cell(past, 0, 0)->counters[0], 3);
    atomic_store(&cell(past, 1, 0)->counters[0], 4);
    atomic_store(&cell(past, 1, 0)->counters[1], 1);
    history_add(&past->history, &past->generation, past->scoreboard);
    history_add(&past->history, &past->generation, past->scoreboard);
    tally = history_tally(&past->history, "one");
    assert_int_equal(tally_find(tally, &later, 0), 2);
    assert_int_equal(tally_find(tally, &later, 1), 14);
    assert_int_equal(tally_find(tally, &later, 2), 0);
    assert_int_equal(tally_find(tally, &stranger, 0), 0);
    assert_int_equal(tally_find(history_tally(&past->history, "three"), &later, 0), 0);
}

static void the_next_program_goes_on_with_it(void **state)
{
    struct past *past = *state;
    struct history next = {0};
    json_t *json;

    atomic_store(&cell(past, 0, 0)->accepted, 1);
    atomic_store(&cell(past, 1, 1)->dropped, 2);
    atomic_store(&cell(past, 1, 0)->counters[1], 8);
    history_add(&past->history, &past->generation, past->scoreboard);
    json = history_json(&past->history);
    history_read(&next, json);
    json_decref(json);
    assert_int_equal(history_find(&next, "one").accepted, 1);
    assert_int_equal(history_find(&next, "two").dropped, 2);
    assert_int_equal(tally_find(history_tally(&next, "one"), &past->handler, 1), 8);
    history_clear(&next);
}

static void a_program_that_knew_of_no_history_leaves_none(void **state)
{
    struct past *past = *state;
    json_t *strange = json_pack("{s:s}", "one", "many");

    history_read(&past->history, NULL);
    history_read(&past->history, strange);
    json_decref(strange);
    assert_int_equal(history_find(&past->history, "one").accepted, 0);
}

static int setup(void **state)
{
    static struct past past;

    past = (struct past){
        .scoreboard = scoreboard_new(),
        .handler = {.name = "bell", .counters = counters, .counter_count = 2},
        .one = {.name = "one", .handler = &past.handler},
        .two = {.name = "two", .handler = &past.handler},
        .servers = {&past.one, &past.two},
        .config = {.servers = past.servers, .server_count = SERVERS},
        .generation = {.number = 1, .config = &past.config, .slot_count = WORKERS},
    };
    *state = &past;
    if (past.scoreboard == NULL)
        return -1;
    return scoreboard_add(past.scoreboard, 1, WORKERS, SERVERS);
}

static int teardown(void **state)
{
    struct past *past = *state;

    history_clear(&past->history);
    scoreboard_free(past->scoreboard);
    return 0;
}

static const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    TEST(a_generation_that_is_gone_is_found_by_the_names_of_its_servers),
    TEST(several_generations_add_up),
    TEST(what_is_connected_is_no_history),
    TEST(a_server_that_nobody_knows_has_none),
    TEST(handlers_counters_are_found_by_their_names),
    TEST(the_next_program_goes_on_with_it),
    TEST(a_program_that_knew_of_no_history_leaves_none),
};

int main(void)
{
    return cmocka_run_group_tests(tests, NULL, NULL);
}
