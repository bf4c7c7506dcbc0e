/* SPDX-License-Identifier: MIT
 *
 * When a worker's connections hear something, and what a handler may do meanwhile.
 */
#include "broadcast_fixture.h"

#include <prong/socket.h>
#include <string.h>

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

static const struct CMUnitTest tests[] = {
    WORLD(who_is_closed_meanwhile_hears_no_more),
    WORLD(what_is_said_inside_is_heard_later_by_all),
    WORLD(what_is_said_after_the_end_of_a_turn_waits_for_nothing),
    WORLD(who_comes_in_a_storm_costs_no_others_their_turn),
    WORLD(a_storm_leaves_turns_to_others),
};

int main(void)
{
    return cmocka_run_group_tests(tests, NULL, NULL);
}
