/* SPDX-License-Identifier: MIT
 *
 * How many programs may run, over two keepers of one server.
 */
#include "allowance.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <prong/address.h>

#include "keeping.h"
#include "scoreboard.h"
#include "shares.h"

static struct keeping keeping = {
    .server = (char *)(uintptr_t) "run", .prefix_v4 = 32, .prefix_v6 = 64};
static struct allowance old, new;

static int open_both(void **state)
{
    (void)state;
    keeping.scoreboard = scoreboard_new();
    assert_non_null(keeping.scoreboard);
    allowance_init(&old, &keeping);
    allowance_init(&new, &keeping);
    new.owner = shares_keeper(1); /* another process */
    return 0;
}

static int close_both(void **state)
{
    (void)state;
    scoreboard_free(keeping.scoreboard);
    return 0;
}

static struct prong_address client(const char *ip)
{
    struct prong_address address;

    assert_int_equal(prong_address_from_ip(&address, ip, 1), 0);
    return address;
}

static void take(struct allowance *allowance, const char *ip, enum allowance_answer expected)
{
    const struct prong_address address = client(ip);

    assert_int_equal(allowance_take(allowance, &address), expected);
}

static void give(struct allowance *allowance, const char *ip)
{
    const struct prong_address address = client(ip);

    allowance_give(allowance, &address);
}

static void the_programs_of_both_keepers_count(void **state)
{
    (void)state;
    keeping.max_processes = 3;
    keeping.max_processes_per_address = 0;
    take(&old, "10.0.0.1", ALLOWANCE_GRANTED);
    take(&old, "10.0.0.1", ALLOWANCE_GRANTED);
    take(&new, "10.0.0.1", ALLOWANCE_GRANTED);
    take(&new, "10.0.0.1", ALLOWANCE_PROCESSES);
    give(&old, "10.0.0.1");
    take(&new, "10.0.0.1", ALLOWANCE_GRANTED);
    take(&old, "10.0.0.1", ALLOWANCE_PROCESSES);
    give(&old, "10.0.0.1");
    give(&new, "10.0.0.1");
    give(&new, "10.0.0.1");
}

static void each_address_has_its_own_and_a_refusal_costs_nothing(void **state)
{
    (void)state;
    keeping.max_processes = 3;
    keeping.max_processes_per_address = 1;
    take(&old, "10.0.0.1", ALLOWANCE_GRANTED);
    for (unsigned i = 0; i < 10; i++)
        take(&new, "10.0.0.1", ALLOWANCE_ADDRESS);
    take(&new, "10.0.0.2", ALLOWANCE_GRANTED);
    take(&new, "fe80::1", ALLOWANCE_GRANTED);
    take(&new, "fe80::2", ALLOWANCE_PROCESSES);
    give(&old, "10.0.0.1");
    take(&new, "fe80::2", ALLOWANCE_ADDRESS);
    take(&new, "10.0.0.1", ALLOWANCE_GRANTED);
    give(&new, "10.0.0.1");
    give(&new, "10.0.0.2");
    give(&new, "fe80::1");
}

static void what_a_dead_keeper_held_is_free(void **state)
{
    (void)state;
    keeping.max_processes = 1;
    keeping.max_processes_per_address = 1;
    take(&new, "10.0.0.1", ALLOWANCE_GRANTED);
    take(&old, "10.0.0.1", ALLOWANCE_PROCESSES);
    shares_forget(new.shares, new.owner);
    take(&old, "10.0.0.1", ALLOWANCE_GRANTED);
}

static void without_limits_everybody_gets_one(void **state)
{
    (void)state;
    keeping.max_processes = 0;
    keeping.max_processes_per_address = 0;
    for (unsigned i = 0; i < 1000; i++)
        take(&old, "10.0.0.1", ALLOWANCE_GRANTED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(the_programs_of_both_keepers_count, open_both, close_both),
        cmocka_unit_test_setup_teardown(each_address_has_its_own_and_a_refusal_costs_nothing,
                                        open_both, close_both),
        cmocka_unit_test_setup_teardown(what_a_dead_keeper_held_is_free, open_both, close_both),
        cmocka_unit_test_setup_teardown(without_limits_everybody_gets_one, open_both, close_both),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
