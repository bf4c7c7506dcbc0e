/* SPDX-License-Identifier: MIT
 *
 * Clients that nobody has accepted yet: they wait in the kernel's queue, R32.
 */
#include "net_fixture.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static void a_paused_server_leaves_its_clients_to_the_kernel(void **state)
{
    struct net *net = *state;
    int client;

    prong_server_pause(net->server);
    net_listen(net);
    prong_server_pause(net->server);
    client = net_raw_client(net);
    run_idle(net);
    assert_false(happened(&net->listener, "connection"));
    prong_server_resume(net->server);
    run_until(net, &net->listener, "connection");
    close(client);
}

static unsigned asked, allowed, let_in;

static bool may_accept(struct prong_server *server)
{
    asked++;
    if (let_in < allowed)
        return true;
    prong_server_pause(server);
    return false;
}

static void on_let_in(struct prong_server *server, struct prong_socket *socket)
{
    (void)server;
    let_in++;
    prong_socket_destroy(socket, 0);
}

static void a_server_is_asked_before_each_accept(void **state)
{
    static const struct prong_server_events events = {.may_accept = may_accept,
                                                      .on_connection = on_let_in};
    struct net *net = *state;
    struct prong_server *server = prong_server_new(net->loop, NULL, &events, NULL);
    int clients[3];

    prong_server_free(net->server);
    asked = let_in = 0;
    allowed = 2;
    assert_int_equal(prong_server_listen(server, "127.0.0.1", 0, NULL), 0);
    net->server = server;
    net->port = net_address(net).port;
    for (unsigned i = 0; i < 3; i++)
        clients[i] = net_raw_client(net);
    run_idle(net);
    assert_int_equal(let_in, 2);
    assert_int_equal(asked, 3);
    allowed = 3;
    prong_server_take(server, 1);
    run_idle(net);
    assert_int_equal(let_in, 3);
    for (unsigned i = 0; i < 3; i++)
        close(clients[i]);
}

static void r032_a_client_that_nobody_accepted_is_reset_by_the_close(void **state)
{
    struct net *net = *state;
    char byte;
    int client;

    net_listen(net);
    prong_server_pause(net->server);
    client = net_raw_client(net);
    assert_int_equal(prong_server_close(net->server), 0);
    assert_int_equal(recv(client, &byte, 1, 0), -1);
    assert_int_equal(errno, ECONNRESET);
    close(client);
}

static const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, net_setup, net_teardown)
    TEST(a_paused_server_leaves_its_clients_to_the_kernel),
    TEST(a_server_is_asked_before_each_accept),
    TEST(r032_a_client_that_nobody_accepted_is_reset_by_the_close),
};

int main(void)
{
    return cmocka_run_group_tests(tests, NULL, NULL);
}
