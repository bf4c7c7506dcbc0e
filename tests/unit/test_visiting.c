/* SPDX-License-Identifier: MIT
 *
 * Visiting the connections of a server: all in one call, or some at a time with a cursor.
 */
#include "net_fixture.h"

#include <string.h>
#include <unistd.h>

/* --- Visiting --- */

struct visit {
    struct net *net;
    int count;
    int stop_after; /* 0: never */
};

static bool count_one(struct prong_socket *socket, void *user)
{
    struct visit *visit = user;

    (void)socket;
    return ++visit->count != visit->stop_after;
}

static bool detach_one(struct prong_socket *socket, void *user)
{
    struct prong_socket_image image;

    (void)user;
    assert_int_equal(prong_socket_detach(socket, &image), 0);
    prong_socket_image_clear(&image);
    return true;
}

/* Everybody is gone when the inner visit is over. */
static bool detach_all(struct prong_socket *socket, void *user)
{
    struct visit *visit = user;

    (void)socket;
    visit->count++;
    prong_server_each_connection(visit->net->server, detach_one, NULL);
    return true;
}

static bool free_server(struct prong_socket *socket, void *user)
{
    struct visit *visit = user;

    (void)socket;
    visit->count++;
    prong_server_free(visit->net->server);
    visit->net->server = NULL;
    return true;
}

static void visit_three(struct net *net, bool (*each)(struct prong_socket *, void *),
                        struct visit *visit)
{
    int clients[3];

    net_listen(net);
    for (int i = 0; i < 3; i++)
        clients[i] = net_raw_client(net);
    while (prong_server_connections(net->server) < 3)
        ev_run(net->ev, EVRUN_ONCE);
    prong_server_each_connection(net->server, each, visit);
    for (int i = 0; i < 3; i++)
        close(clients[i]);
    run_idle(net);
}

static void every_connection_is_visited_until_the_visitor_stops(void **state)
{
    struct net *net = *state;
    struct visit all = {.stop_after = 0}, two = {.stop_after = 2};

    visit_three(net, count_one, &all);
    assert_int_equal(all.count, 3);
    visit_three(net, count_one, &two);
    assert_int_equal(two.count, 2);
}

static void a_visitor_may_take_everybody_away(void **state)
{
    struct net *net = *state;
    struct visit visit = {.net = net};

    visit_three(net, detach_all, &visit);
    assert_int_equal(visit.count, 1);
    assert_int_equal(prong_server_connections(net->server), 0);
}

static void a_visitor_may_free_the_server(void **state)
{
    struct net *net = *state;
    struct visit visit = {.net = net};

    visit_three(net, free_server, &visit);
    assert_int_equal(visit.count, 1);
    assert_int_equal(prong_loop_objects(net->loop), 0);
}

/* --- Cursors --- */

static void connect_clients(struct net *net, int *clients, size_t count)
{
    net_listen(net);
    for (size_t i = 0; i < count; i++)
        clients[i] = net_raw_client(net);
    while (prong_server_connections(net->server) < count)
        ev_run(net->ev, EVRUN_ONCE);
}

static void close_clients(struct net *net, const int *clients, size_t count)
{
    for (size_t i = 0; i < count; i++)
        close(clients[i]);
    run_idle(net);
}

static void cursors_keep_their_places_whatever_vanishes(void **state)
{
    struct net *net = *state;
    struct prong_server_cursor *one, *other;
    struct prong_socket *first;
    int clients[4];

    connect_clients(net, clients, 3);
    one = prong_server_cursor_new(net->server);
    other = prong_server_cursor_new(net->server);
    first = prong_server_cursor_next(one);
    prong_socket_destroy(first, 0);
    run_idle(net);
    clients[3] = net_raw_client(net); /* comes too late to be met */
    while (prong_server_counters(net->server)->accepted < 4)
        ev_run(net->ev, EVRUN_ONCE);
    assert_non_null(prong_server_cursor_next(one));
    assert_non_null(prong_server_cursor_next(one));
    assert_null(prong_server_cursor_next(one));
    prong_server_cursor_free(one);
    assert_non_null(prong_server_cursor_next(other));
    prong_server_each_connection(net->server, detach_one, NULL);
    assert_null(prong_server_cursor_next(other));
    prong_server_cursor_free(other);
    close_clients(net, clients, 4);
}

static void a_cursor_outlives_its_server(void **state)
{
    struct net *net = *state;
    struct prong_server_cursor *cursor;
    int clients[2];

    connect_clients(net, clients, 2);
    cursor = prong_server_cursor_new(net->server);
    assert_non_null(prong_server_cursor_next(cursor));
    prong_server_free(net->server);
    net->server = NULL;
    assert_null(prong_server_cursor_next(cursor));
    prong_server_cursor_free(cursor);
    prong_server_cursor_free(NULL);
    close_clients(net, clients, 2);
}

static const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, net_setup, net_teardown)
    TEST(every_connection_is_visited_until_the_visitor_stops),
    TEST(a_visitor_may_take_everybody_away),
    TEST(a_visitor_may_free_the_server),
    TEST(cursors_keep_their_places_whatever_vanishes),
    TEST(a_cursor_outlives_its_server),
};

int main(void)
{
    return cmocka_run_group_tests(tests, NULL, NULL);
}
