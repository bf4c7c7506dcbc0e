/* SPDX-License-Identifier: MIT
 *
 * The policy of the gate, on a scoreboard that the test writes.
 */
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/wait.h>
#include <unistd.h>

#include "gate_fixture.h"

/* What a gate promises to one who waits; its looks are sooner. */
#define HOUSEKEEPING_MS 50

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

/* They are alive and lighter, but do not come: one that is short of descriptors, for example. */
static void a_closed_gate_takes_who_waits_when_the_others_turn_but_do_not_come(void **state)
{
    struct net *net = *state;
    int client;

    start(net, (const uint64_t[]){30, 0, 0, 0});
    gate_accepted(bench->gate);
    let_the_others_turn(net);
    client = net_raw_client(net);
    run_until(net, &net->listener, "connection");
    assert_true(is_closed());
    assert_int_equal(atomic_load(&bench->cells[0].gate_forced), 1);
    close(client);
}

static void a_closed_gate_leaves_who_waits_to_others_for_a_moment(void **state)
{
    struct net *net = *state;
    int client;

    start(net, (const uint64_t[]){30, 0, 0, 0});
    gate_accepted(bench->gate);
    client = net_raw_client(net);
    ev_run(net->ev, EVRUN_NOWAIT); /* one look at most */
    assert_true(is_closed());
    assert_false(happened(&net->listener, "connection"));
    close(client);
}

/* One that was stopped: it holds the others up once, not with every connection. */
static void a_worker_that_slept_while_somebody_waited_counts_again_when_it_turns(void **state)
{
    struct net *net = *state;
    int client;

    start(net, (const uint64_t[]){30, 0, 30, 30});
    gate_accepted(bench->gate);
    client = net_raw_client(net);
    run_until(net, &net->listener, "connection");
    gate_accepted(bench->gate);
    assert_false(is_closed());
    atomic_fetch_add(&bench->workers[1].turns, 1);
    gate_accepted(bench->gate);
    assert_true(is_closed());
    close(client);
}

/* A worker that comes back with nothing is not flooded with all that arrives. */
static void a_worker_above_the_mean_keeps_a_part_of_what_arrives(void **state)
{
    start(*state, (const uint64_t[]){300, 0, 300, 300});
    let_the_others_accept(100);
    gate_accepted(bench->gate);
    assert_false(is_closed());
    for (int i = 0; i < 100 && !is_closed(); i++)
        gate_accepted(bench->gate);
    assert_true(is_closed());
}

/* A trickle is no flood: what arrives goes to the lightest. */
static void a_worker_above_the_mean_keeps_no_part_of_a_trickle(void **state)
{
    start(*state, (const uint64_t[]){300, 0, 300, 300});
    let_the_others_accept(10);
    gate_accepted(bench->gate);
    assert_true(is_closed());
}

/* A quiet service does not look every few milliseconds whether somebody waits. */
static void a_closed_gate_opens_when_nobody_has_accepted_for_seconds(void **state)
{
    start(*state, (const uint64_t[]){30, 0, 0, 0});
    gate_accepted(bench->gate);
    assert_true(is_closed());
    atomic_store(&bench->cells[0].recent, 0);
    gate_reconsider(bench->gate);
    assert_false(is_closed());
    gate_accepted(bench->gate);
    assert_true(is_closed());
}

/* Its epoll set has the handle with EPOLLEXCLUSIVE, too, and is woken for the next client; it ends
 * without accepting. */
static pid_t start_a_worker_that_dies_of_its_wake_up(struct net *net)
{
    struct epoll_event event = {.events = EPOLLIN | EPOLLEXCLUSIVE};
    int ready[2], epoll_fd;
    char byte = 0;
    pid_t pid;

    assert_int_equal(pipe(ready), 0);
    pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        epoll_fd = epoll_create1(EPOLL_CLOEXEC);
        (void)!epoll_ctl(epoll_fd, EPOLL_CTL_ADD, prong_server_fd(net->server), &event);
        (void)!write(ready[1], &byte, 1);
        (void)epoll_wait(epoll_fd, &event, 1, 10000);
        _exit(0);
    }
    assert_int_equal(read(ready[0], &byte, 1), 1);
    close(ready[0]);
    close(ready[1]);
    return pid;
}

static void wait_until_it_sleeps(pid_t pid)
{
    char path[64], text[512] = "";
    const char *state;

    snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
    do {
        FILE *stat = fopen(path, "re");

        assert_non_null(stat);
        assert_non_null(fgets(text, sizeof(text), stat));
        fclose(stat);
        state = strrchr(text, ')');
        assert_non_null(state);
    } while (state[2] != 'S');
}

static void a_wake_up_that_died_with_its_worker_costs_no_more_than_housekeeping(void **state)
{
    struct net *net = *state;
    struct epoll_event event;
    uint64_t before;
    pid_t victim;
    int client;

    start(net, (const uint64_t[]){0, 0, 0, 0});
    prong_server_pause(net->server);
    victim = start_a_worker_that_dies_of_its_wake_up(net);
    wait_until_it_sleeps(victim);
    prong_server_resume(net->server); /* behind the victim in the kernel's queue */
    run_idle(net);
    before = now_ms();
    client = net_raw_client(net);
    assert_int_equal(waitpid(victim, NULL, 0), victim);
    assert_int_equal(epoll_wait(prong_loop_epoll_fd(net->loop), &event, 1, 0), 0);
    run_until(net, &net->listener, "connection");
    assert_true(now_ms() - before < 10 * HOUSEKEEPING_MS); /* whatever else the machine does */
    close(client);
}

/* The woken worker that declines: its wake-up for one handle is in its hands already when what it
 * accepts from another one closes the gate. */
static void a_gate_that_closes_takes_who_woke_it_at_another_handle(void **state)
{
    struct net *net = *state;
    struct prong_server *first;
    int client;

    start(net, (const uint64_t[]){30, 0, 0, 0});
    first = net->server;
    net->server = NULL;
    net_listen(net);
    assert_int_equal(gate_adopt(bench->gate, net->server), 0);
    let_the_others_turn(net);
    client = net_raw_client(net);
    gate_accepted(bench->gate);
    assert_true(is_closed());
    run_idle(net);
    assert_true(happened(&net->listener, "connection"));
    assert_int_equal(atomic_load(&bench->cells[0].gate_forced), 0);
    close(client);
    gate_free(bench->gate);
    bench->gate = NULL;
    prong_server_free(first);
}

/* libev builds its set anew (here: as after a fork), and with it go the entries of all handles. */
static void a_rebuilt_epoll_set_is_noticed_for_every_handle(void **state)
{
    struct net *net = *state;
    struct prong_server *first;
    int client;

    start(net, (const uint64_t[]){0, 0, 0, 0});
    first = net->server;
    net->server = NULL;
    net_listen(net);
    assert_int_equal(gate_adopt(bench->gate, net->server), 0);
    assert_true(gate_is_exclusive(bench->gate));
    ev_loop_fork(net->ev);
    ev_run(net->ev, EVRUN_NOWAIT);
    assert_false(gate_is_exclusive(bench->gate));
    prong_server_pause(first); /* with the entry of the old set it would be exclusive again */
    prong_server_resume(first);
    prong_server_pause(net->server);
    prong_server_resume(net->server);
    ev_run(net->ev, EVRUN_NOWAIT);
    assert_int_equal(net_kernel_mask(net, first) & EPOLLEXCLUSIVE, 0);
    assert_int_equal(net_kernel_mask(net, net->server) & EPOLLEXCLUSIVE, 0);
    assert_int_not_equal(net_kernel_mask(net, first), 0);
    client = net_raw_client(net);
    run_until(net, &net->listener, "connection");
    close(client);
    gate_free(bench->gate);
    bench->gate = NULL;
    prong_server_free(first);
}

static const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, gate_setup, gate_teardown)
    TEST(a_worker_at_the_mean_stays_open),
    TEST(a_worker_above_the_mean_closes_and_nudges_the_lightest),
    TEST(a_closed_gate_opens_when_its_connections_go),
    TEST(workers_that_do_not_accept_do_not_count),
    TEST(a_closed_gate_takes_who_waits_when_the_others_do_not_come),
    TEST(a_closed_gate_takes_who_waits_when_the_others_turn_but_do_not_come),
    TEST(a_closed_gate_leaves_who_waits_to_others_for_a_moment),
    TEST(a_worker_that_slept_while_somebody_waited_counts_again_when_it_turns),
    TEST(a_worker_above_the_mean_keeps_a_part_of_what_arrives),
    TEST(a_worker_above_the_mean_keeps_no_part_of_a_trickle),
    TEST(a_closed_gate_opens_when_nobody_has_accepted_for_seconds),
    TEST(a_wake_up_that_died_with_its_worker_costs_no_more_than_housekeeping),
    TEST(a_gate_that_closes_takes_who_woke_it_at_another_handle),
    TEST(a_rebuilt_epoll_set_is_noticed_for_every_handle),
};

int main(void)
{
    return cmocka_run_group_tests(tests, NULL, NULL);
}
