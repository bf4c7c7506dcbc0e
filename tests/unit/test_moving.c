/* SPDX-License-Identifier: MIT
 *
 * Moving a socket in every state: to another loop as to another process (R146).
 */
#include "moving_fixture.h"

#include <sys/socket.h>

/* --- How sockets get into states --- */

static void pause_with_bytes_behind(struct net *net, struct record *mover, int peer)
{
    prong_socket_pause(mover->socket);
    peer_sends(peer, "abc");
    run_idle(net);
}

static void pause_with_all_behind(struct net *net, struct record *mover, int peer)
{
    prong_socket_pause(mover->socket);
    peer_sends(peer, "abc");
    shutdown(peer, SHUT_WR);
    run_idle(net);
}

static void hear_the_end(struct net *net, struct record *mover, int peer)
{
    shutdown(peer, SHUT_WR);
    run_until(net, mover, "end");
}

static void only_hang_up(struct net *net, struct record *mover, int peer)
{
    (void)net;
    (void)mover;
    shutdown(peer, SHUT_WR);
}

static void write_much(struct net *net, struct record *mover, int peer)
{
    (void)peer;
    write_pattern(mover->socket, MUCH);
    run_idle(net);
}

static void write_much_and_end(struct net *net, struct record *mover, int peer)
{
    write_much(net, mover, peer);
    prong_socket_end(mover->socket);
    run_idle(net);
}

static void write_much_and_destroy_soon(struct net *net, struct record *mover, int peer)
{
    write_much(net, mover, peer);
    prong_socket_destroy_soon(mover->socket);
    run_idle(net);
}

static void end_and_finish(struct net *net, struct record *mover, int peer)
{
    (void)peer;
    prong_socket_end(mover->socket);
    run_until(net, mover, "finish");
}

static void write_and_end_early(struct net *net, struct record *mover, int peer)
{
    (void)net;
    (void)peer;
    write_pattern(mover->socket, 5);
    prong_socket_end(mover->socket);
}

static void write_corked(struct net *net, struct record *mover, int peer)
{
    (void)peer;
    prong_socket_cork(mover->socket);
    prong_socket_cork(mover->socket);
    write_pattern(mover->socket, 10);
    run_idle(net);
}

static void give_back_two(struct net *net, struct record *mover, int peer)
{
    peer_sends(peer, "abc");
    run_until(net, mover, "data:3");
    assert_int_equal(prong_socket_unread(mover->socket, "bc", 2), 0);
}

static void give_back_two_before_more(struct net *net, struct record *mover, int peer)
{
    give_back_two(net, mover, peer);
    peer_sends(peer, "def");
}

/* The end is read, but on_end is not called: the bytes that were given back come first, and their
 * receiver pauses. */
static void pause_before_the_end(struct net *net, struct record *mover, int peer)
{
    give_back_two(net, mover, peer);
    prong_socket_pause(mover->socket);
    shutdown(peer, SHUT_WR);
    run_idle(net);
}

static void wait_a_moment(struct net *net, struct record *mover, int peer)
{
    (void)net;
    (void)peer;
    assert_int_equal(prong_socket_set_timeout(mover->socket, 20), 0);
}

static void wait_too_long(struct net *net, struct record *mover, int peer)
{
    wait_a_moment(net, mover, peer);
    run_until(net, mover, "timeout");
}

static void peer_speaks(int peer)
{
    peer_sends(peer, "abc");
}

static void peer_hangs_up(int peer)
{
    shutdown(peer, SHUT_WR);
}

static void peer_speaks_and_hangs_up(int peer)
{
    peer_sends(peer, "abc");
    shutdown(peer, SHUT_WR);
}

static void answer_and_end(struct prong_socket *socket)
{
    write_pattern(socket, 5);
    prong_socket_end(socket);
}

static void uncork_twice(struct prong_socket *socket)
{
    prong_socket_uncork(socket);
    prong_socket_uncork(socket);
}

static const struct story stories[] = {
    {.name = "untouched", .peer_after = peer_speaks, .events = "data:3", .bytes = "abc"},
    {.name = "paused, bytes in the kernel",
     .before = pause_with_bytes_behind,
     .user_after = prong_socket_resume,
     .events = "data:3",
     .bytes = "abc"},
    {.name = "paused, the end in the kernel, too",
     .before = pause_with_all_behind,
     .user_after = prong_socket_resume,
     .events = "data:3 end finish close",
     .bytes = "abc",
     .closed = true},
    {.name = "half-open: the peer has ended",
     .half_open = true,
     .before = hear_the_end,
     .user_after = answer_and_end,
     .events = "end finish close",
     .bytes = "",
     .answered = 5,
     .closed = true},
    {.name = "half-open: we have ended",
     .before = end_and_finish,
     .peer_after = peer_speaks_and_hangs_up,
     .events = "finish data:3 end close",
     .bytes = "abc",
     .closed = true},
    {.name = "inside on_end, the own end to come",
     .before = only_hang_up,
     .inside = "end",
     .events = "end finish close",
     .bytes = "",
     .closed = true},
    {.name = "the end read, but not delivered",
     .before = pause_before_the_end,
     .user_after = prong_socket_resume,
     .events = "data:3 data:2 end finish close",
     .bytes = "abcbc",
     .closed = true},
    {.name = "bytes unsent, on_drain owed",
     .before = write_much,
     .events = "drain",
     .bytes = "",
     .answered = MUCH},
    {.name = "ending, bytes unsent",
     .before = write_much_and_end,
     .events = "finish end close",
     .bytes = "",
     .answered = MUCH,
     .closed = true},
    {.name = "ending, bytes unsent, the peer hangs up first",
     .before = write_much_and_end,
     .peer_after = peer_hangs_up,
     .events = "end finish close",
     .bytes = "",
     .answered = MUCH,
     .closed = true},
    {.name = "closing as soon as the bytes are sent",
     .before = write_much_and_destroy_soon,
     .events = "finish close",
     .bytes = "",
     .answered = MUCH,
     .closed = true},
    {.name = "ended before the connect, moved inside on_connect",
     .connects = true,
     .before = write_and_end_early,
     .inside = "connect",
     .events = "connect finish end close",
     .bytes = "",
     .answered = 5,
     .closed = true},
    {.name = "corked twice",
     .before = write_corked,
     .user_after = uncork_twice,
     .events = "",
     .bytes = "",
     .answered = 10},
    /* The start counts as a resume. */
    {.name = "bytes given back",
     .before = give_back_two,
     .user_after = prong_socket_resume,
     .events = "data:3 data:2",
     .bytes = "abcbc"},
    {.name = "bytes given back, new ones behind them",
     .before = give_back_two_before_more,
     .user_after = prong_socket_resume,
     .events = "data:3 data:2 data:3",
     .bytes = "abcbcdef"},
    {.name = "idle time running", .before = wait_a_moment, .events = "timeout", .bytes = ""},
    {.name = "idle time over: the next one begins with the next byte",
     .before = wait_too_long,
     .peer_after = peer_speaks,
     .events = "timeout data:3 timeout",
     .bytes = "abc"},
};

static void tell_all(enum way way)
{
    for (size_t i = 0; i < sizeof(stories) / sizeof(stories[0]); i++)
        tell(&stories[i], way);
}

static void r146_the_stories_of_sockets_that_stay(void **state)
{
    (void)state;
    tell_all(STAY);
}

static void r146_are_those_of_sockets_that_move_to_another_loop(void **state)
{
    (void)state;
    tell_all(TO_ANOTHER_LOOP);
}

static void r146_and_of_sockets_that_move_to_another_process(void **state)
{
    (void)state;
    tell_all(TO_ANOTHER_PROCESS);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(r146_the_stories_of_sockets_that_stay),
    cmocka_unit_test(r146_are_those_of_sockets_that_move_to_another_loop),
    cmocka_unit_test(r146_and_of_sockets_that_move_to_another_process),
};

int main(void)
{
    return cmocka_run_group_tests(tests, NULL, NULL);
}
