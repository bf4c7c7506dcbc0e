/* SPDX-License-Identifier: MIT
 *
 * A shared handle in libev's epoll set with EPOLLEXCLUSIVE, and what happens without it.
 */
#include "net_fixture.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

static unsigned server_mask(const struct net *net)
{
    return net_kernel_mask(net, net->server);
}

static void the_entry_is_exclusive_and_accepts(void **state)
{
    struct net *net = *state;

    net_listen(net);
    assert_int_equal(prong_server_set_exclusive(net->server), 0);
    assert_true(prong_server_is_exclusive(net->server));
    assert_true(server_mask(net) & EPOLLEXCLUSIVE);
    net_connect(net);
    run_until(net, &net->listener, "connection");
    assert_true(prong_server_is_exclusive(net->server));
}

/* The stale registration that eats a wake-up: ev_io_stop() would leave it. */
static void a_pause_takes_the_entry_out_of_the_kernels_set_at_once(void **state)
{
    struct net *net = *state;

    net_listen(net);
    assert_int_equal(prong_server_set_exclusive(net->server), 0);
    prong_server_pause(net->server);
    assert_int_equal(server_mask(net), 0);
    net_connect(net);
    run_until(net, &net->client, "connect");
    run_idle(net);
    assert_false(happened(&net->listener, "connection"));
    prong_server_resume(net->server);
    assert_true(server_mask(net) & EPOLLEXCLUSIVE);
    run_until(net, &net->listener, "connection");
}

static void a_paused_server_takes_what_it_is_told_to(void **state)
{
    struct net *net = *state;
    int first, second;

    net_listen(net);
    assert_int_equal(prong_server_set_exclusive(net->server), 0);
    prong_server_pause(net->server);
    first = net_raw_client(net);
    second = net_raw_client(net);
    prong_server_take(net->server, 1);
    assert_false(happened(&net->listener, "connection"));
    run_until(net, &net->listener, "connection");
    run_idle(net);
    assert_int_equal(prong_server_connections(net->server), 1);
    prong_server_take(net->server, 5);
    run_idle(net);
    assert_int_equal(prong_server_connections(net->server), 2);
    close(first);
    close(second);
}

static void a_set_that_libev_built_anew_is_noticed_and_goes_on(void **state)
{
    struct net *net = *state;

    net_listen(net);
    assert_int_equal(prong_server_set_exclusive(net->server), 0);
    ev_loop_fork(net->ev);
    ev_run(net->ev, EVRUN_NOWAIT);
    assert_false(prong_server_is_exclusive(net->server));
    net_connect(net);
    run_until(net, &net->listener, "connection");
    prong_server_pause(net->server);
    prong_server_resume(net->server);
    prong_socket_destroy(net->client.socket, 0);
    forget(&net->listener);
    net_connect(net);
    run_until(net, &net->listener, "connection");
}

/* A pause in the middle of it: the set is new, and nobody has looked since. */
static void a_new_set_between_pause_and_resume_loses_nobody(void **state)
{
    struct net *net = *state;

    net_listen(net);
    assert_int_equal(prong_server_set_exclusive(net->server), 0);
    prong_server_pause(net->server);
    ev_loop_fork(net->ev);
    net_connect(net);
    run_idle(net);
    prong_server_resume(net->server);
    run_until(net, &net->listener, "connection");
}

static void another_backend_has_no_set_and_is_watched_plainly(void **state)
{
    struct net *net = *state;
    struct ev_loop *ev = ev_loop_new(EVBACKEND_POLL | EVFLAG_NOENV);
    struct prong_loop *loop = prong_loop_new(ev);
    struct prong_server *server = prong_server_new(loop, NULL, NULL, NULL);

    (void)net;
    assert_int_equal(prong_loop_epoll_fd(loop), -1);
    assert_int_equal(prong_server_set_exclusive(server), -ENOTCONN);
    assert_int_equal(prong_server_listen(server, "127.0.0.1", 0, NULL), 0);
    assert_int_equal(prong_server_set_exclusive(server), -ENOTSUP);
    assert_false(prong_server_is_exclusive(server));
    prong_server_free(server);
    ev_run(ev, EVRUN_NOWAIT);
    assert_int_equal(prong_loop_free(loop), 0);
    ev_loop_destroy(ev);
}

static const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, net_setup, net_teardown)
    TEST(the_entry_is_exclusive_and_accepts),
    TEST(a_pause_takes_the_entry_out_of_the_kernels_set_at_once),
    TEST(a_paused_server_takes_what_it_is_told_to),
    TEST(a_set_that_libev_built_anew_is_noticed_and_goes_on),
    TEST(a_new_set_between_pause_and_resume_loses_nobody),
    TEST(another_backend_has_no_set_and_is_watched_plainly),
};

int main(void)
{
    return cmocka_run_group_tests(tests, NULL, NULL);
}
