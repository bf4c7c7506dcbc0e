/* SPDX-License-Identifier: MIT
 *
 * The gate with the metric `load`.
 */
#include "gate_fixture.h"

static void set_loads(const uint32_t loads[SLOTS])
{
    for (unsigned i = 0; i < SLOTS; i++)
        atomic_store(&bench->cells[i].load, loads[i]);
}

static void by_load_a_worker_with_busy_connections_closes(void **state)
{
    start_with(*state, GATE_METRIC_LOAD, (const uint64_t[]){10, 10, 10, 10});
    set_loads((const uint32_t[]){900, 100, 100, 100});
    let_the_others_accept(10);
    gate_accepted(bench->gate);
    assert_true(is_closed());
}

static void by_load_a_worker_with_many_idle_connections_stays_open(void **state)
{
    start_with(*state, GATE_METRIC_LOAD, (const uint64_t[]){20, 10, 10, 10});
    set_loads((const uint32_t[]){100, 600, 600, 600});
    let_the_others_accept(10);
    gate_accepted(bench->gate);
    assert_false(is_closed());
}

static void by_load_the_number_of_connections_decides_among_idle_workers(void **state)
{
    start_with(*state, GATE_METRIC_LOAD, (const uint64_t[]){20, 10, 10, 10});
    set_loads((const uint32_t[]){0, 0, 0, 0});
    let_the_others_accept(10);
    gate_accepted(bench->gate);
    assert_true(is_closed());
}

/* Before their cost shows. */
static void by_load_a_burst_does_not_go_to_one_worker(void **state)
{
    start_with(*state, GATE_METRIC_LOAD, (const uint64_t[]){10, 10, 10, 10});
    set_loads((const uint32_t[]){300, 300, 300, 300});
    let_the_others_accept(1);
    for (int i = 0; i < 20 && !is_closed(); i++)
        gate_accepted(bench->gate);
    assert_true(is_closed());
}

static void by_load_the_processs_cpu_time_is_measured(void **state)
{
    struct net *net = *state;
    uint64_t end = now_ms() + 5000;

    start_with(net, GATE_METRIC_LOAD, (const uint64_t[]){0, 0, 0, 0});
    while (atomic_load(&bench->cells[0].load) < 100 && now_ms() < end)
        ev_run(net->ev, EVRUN_NOWAIT);
    assert_true(atomic_load(&bench->cells[0].load) >= 100);
}

static const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, gate_setup, gate_teardown)
    TEST(by_load_a_worker_with_busy_connections_closes),
    TEST(by_load_a_worker_with_many_idle_connections_stays_open),
    TEST(by_load_the_number_of_connections_decides_among_idle_workers),
    TEST(by_load_a_burst_does_not_go_to_one_worker),
    TEST(by_load_the_processs_cpu_time_is_measured),
};

int main(void)
{
    return cmocka_run_group_tests(tests, NULL, NULL);
}
