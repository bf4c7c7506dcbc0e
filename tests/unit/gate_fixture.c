/* SPDX-License-Identifier: MIT */
#include "gate_fixture.h"

#include <stdlib.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

struct bench *bench;

uint64_t now_ms(void)
{
    struct timespec time;

    clock_gettime(CLOCK_MONOTONIC, &time);
    return (uint64_t)time.tv_sec * 1000U + (uint64_t)time.tv_nsec / 1000000U;
}

static void turn_the_others(struct ev_loop *ev, struct ev_prepare *prepare, int revents)
{
    (void)ev;
    (void)prepare;
    (void)revents;
    for (unsigned i = 1; i < SLOTS; i++)
        atomic_fetch_add(&bench->workers[i].turns, 1);
}

void let_the_others_turn(struct net *net)
{
    ev_prepare_init(&bench->others, turn_the_others);
    ev_prepare_start(net->ev, &bench->others);
}

/* They accepted so many each, just now. */
void let_the_others_accept(unsigned count)
{
    for (unsigned slot = 1; slot < SLOTS; slot++) {
        for (unsigned i = 0; i < count; i++)
            burden_note_accepted(&bench->cells[slot], now_ms());
    }
}

/* Four ready workers with these connections; the gate is that of slot 0. */
void start_with(struct net *net, enum gate_metric metric, const uint64_t connections[SLOTS])
{
    struct gate_place place = {
        .ev = net->ev,
        .cells = bench->cells,
        .workers = bench->workers,
        .nudge_fds = bench->nudge_fds,
        .slots = SLOTS,
        .metric = metric,
    };

    for (unsigned i = 0; i < SLOTS; i++) {
        atomic_store(&bench->workers[i].state, SLOT_READY);
        atomic_store(&bench->workers[i].turns, 1);
        atomic_store(&bench->cells[i].connections, connections[i]);
    }
    net_listen(net);
    bench->net = net;
    bench->gate = gate_new(&place);
    assert_non_null(bench->gate);
    assert_int_equal(gate_adopt(bench->gate, net->server), 0);
}

void start(struct net *net, const uint64_t connections[SLOTS])
{
    start_with(net, GATE_METRIC_CONNECTIONS, connections);
}

bool is_closed(void)
{
    return atomic_load(&bench->cells[0].is_closed) == 1;
}

int gate_setup(void **state)
{
    bench = aligned_alloc(SCOREBOARD_CELL_SIZE, sizeof(*bench));
    if (bench == NULL)
        return -1;
    *bench = (struct bench){.gate = NULL};
    for (unsigned i = 0; i < SLOTS; i++)
        bench->nudge_fds[i] = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    return net_setup(state);
}

int gate_teardown(void **state)
{
    struct net *net = *state;

    ev_prepare_stop(net->ev, &bench->others);
    gate_free(bench->gate);
    for (unsigned i = 0; i < SLOTS; i++)
        close(bench->nudge_fds[i]);
    free(bench);
    return net_teardown(state);
}
