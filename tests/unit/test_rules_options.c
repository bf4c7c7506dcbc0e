/* SPDX-License-Identifier: MIT
 *
 * The rules of options, addresses and liveness, R110 to R115.
 */
#include "net_fixture.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/ip.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

/* Linked with --wrap: how often an option was set. */
static unsigned settings;

int __real_setsockopt(int fd, int level, int name, const void *value, socklen_t length);
int __wrap_setsockopt(int fd, int level, int name, const void *value, socklen_t length);

int __wrap_setsockopt(int fd, int level, int name, const void *value, socklen_t length)
{
    settings++;
    return __real_setsockopt(fd, level, name, value, length);
}

static int option(const struct prong_socket *socket, int level, int name)
{
    int value = -1;
    socklen_t length = sizeof(value);

    assert_int_equal(getsockopt(prong_socket_fd(socket), level, name, &value, &length), 0);
    return value;
}

/* --- Options --- */

static void r110_options_wait_for_the_connection(void **state)
{
    struct net *net = *state;
    const struct prong_keep_alive on = {.enabled = true, .idle_s = 77, .interval_s = 3, .count = 4};
    struct prong_keep_alive told;
    struct prong_socket *socket;

    net_listen(net);
    net_client(net, NULL);
    socket = net->client.socket;
    assert_int_equal(prong_socket_set_no_delay(socket, true), 0);
    assert_int_equal(prong_socket_set_keep_alive(socket, &on), 0);
    assert_int_equal(prong_socket_set_user_timeout(socket, 4321), 0);
    assert_int_equal(prong_socket_set_type_of_service(socket, IPTOS_LOWDELAY), 0);
    assert_int_equal(prong_socket_type_of_service(socket), IPTOS_LOWDELAY);
    assert_int_equal(prong_socket_connect(socket, "127.0.0.1", net->port), 0);
    run_until(net, &net->client, "connect");
    assert_int_equal(option(socket, IPPROTO_TCP, TCP_NODELAY), 1);
    assert_int_equal(option(socket, SOL_SOCKET, SO_KEEPALIVE), 1);
    assert_int_equal(option(socket, IPPROTO_TCP, TCP_KEEPIDLE), 77);
    assert_int_equal(option(socket, IPPROTO_TCP, TCP_KEEPINTVL), 3);
    assert_int_equal(option(socket, IPPROTO_TCP, TCP_KEEPCNT), 4);
    assert_int_equal(option(socket, IPPROTO_TCP, TCP_USER_TIMEOUT), 4321);
    assert_int_equal(option(socket, IPPROTO_IP, IP_TOS), IPTOS_LOWDELAY);
    assert_true(prong_socket_no_delay(socket));
    assert_int_equal(prong_socket_user_timeout(socket), 4321);
    prong_socket_keep_alive(socket, &told);
    assert_int_equal(told.count, 4);
}

static void r110_nagle_is_on_by_default(void **state)
{
    struct net *net = *state;
    struct prong_keep_alive told;

    net_listen(net);
    settings = 0;
    net_connect(net);
    run_until(net, &net->client, "connect");
    run_until(net, &net->listener, "connection");
    assert_false(prong_socket_no_delay(net->client.socket));
    assert_int_equal(option(net->client.socket, IPPROTO_TCP, TCP_NODELAY), 0);
    assert_int_equal(option(net->client.socket, SOL_SOCKET, SO_KEEPALIVE), 0);
    prong_socket_keep_alive(net->client.socket, &told);
    assert_false(told.enabled);
    assert_int_equal(settings, 0);
}

static void r110_the_same_value_again_makes_no_system_call(void **state)
{
    struct net *net = *state;
    const struct prong_keep_alive on = {.enabled = true}, off = {.enabled = false};
    struct prong_socket *socket;

    net_pair(net);
    socket = net->client.socket;
    settings = 0;
    for (int i = 0; i < 3; i++) {
        assert_int_equal(prong_socket_set_no_delay(socket, true), 0);
        assert_int_equal(prong_socket_set_keep_alive(socket, &on), 0);
        assert_int_equal(prong_socket_set_user_timeout(socket, 1000), 0);
    }
    assert_int_equal(settings, 3);
    assert_int_equal(prong_socket_set_keep_alive(socket, &off), 0);
    assert_int_equal(prong_socket_set_no_delay(socket, false), 0);
    assert_int_equal(settings, 5);
    assert_int_equal(option(socket, SOL_SOCKET, SO_KEEPALIVE), 0);
}

static void r110_an_option_that_the_kernel_refuses_is_told(void **state)
{
    struct net *net = *state;
    const struct prong_keep_alive absurd = {.enabled = true, .idle_s = 1000000};

    net_pair(net);
    assert_int_equal(prong_socket_set_keep_alive(net->client.socket, &absurd), -EINVAL);
}

static void r110_unix_sockets_have_no_tcp_options(void **state)
{
    struct net *net = *state;
    const struct prong_keep_alive on = {.enabled = true};
    int ends[2];

    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
    net->client.socket = prong_socket_from_fd(net->loop, ends[0], NULL, &recording, &net->client);
    assert_int_equal(prong_socket_set_no_delay(net->client.socket, true), 0);
    assert_int_equal(prong_socket_set_keep_alive(net->client.socket, &on), 0);
    assert_int_equal(prong_socket_set_user_timeout(net->client.socket, 1), 0);
    assert_int_equal(prong_socket_set_type_of_service(net->client.socket, 8), 0);
    assert_int_equal(prong_socket_type_of_service(net->client.socket), 0);
    assert_int_equal(settings, 0);
    close(ends[1]);
}

static void r110_type_of_service_holds_for_ipv6(void **state)
{
    struct net *net = *state;

    assert_int_equal(prong_server_listen(net->server, "::1", 0, NULL), 0);
    net->port = net_address(net).port;
    net_client(net, NULL);
    assert_int_equal(prong_socket_connect(net->client.socket, "::1", net->port), 0);
    run_until(net, &net->client, "connect");
    assert_int_equal(prong_socket_set_type_of_service(net->client.socket, 0x20), 0);
    assert_int_equal(prong_socket_type_of_service(net->client.socket), 0x20);
    assert_int_equal(option(net->client.socket, IPPROTO_IPV6, IPV6_TCLASS), 0x20);
    run_until(net, &net->listener, "connection");
}

static void r111_zero_leaves_the_values_of_the_system(void **state)
{
    struct net *net = *state;
    const struct prong_keep_alive on = {.enabled = true};
    int idle, interval, count;

    net_pair(net);
    idle = option(net->client.socket, IPPROTO_TCP, TCP_KEEPIDLE);
    interval = option(net->client.socket, IPPROTO_TCP, TCP_KEEPINTVL);
    count = option(net->client.socket, IPPROTO_TCP, TCP_KEEPCNT);
    assert_int_equal(prong_socket_set_keep_alive(net->client.socket, &on), 0);
    assert_int_equal(option(net->client.socket, SOL_SOCKET, SO_KEEPALIVE), 1);
    assert_int_equal(option(net->client.socket, IPPROTO_TCP, TCP_KEEPIDLE), idle);
    assert_int_equal(option(net->client.socket, IPPROTO_TCP, TCP_KEEPINTVL), interval);
    assert_int_equal(option(net->client.socket, IPPROTO_TCP, TCP_KEEPCNT), count);
}

/* --- Addresses --- */

static void r112_both_addresses_are_known_from_the_connect_on_and_after_the_close(void **state)
{
    struct net *net = *state;
    struct prong_address local, remote, seen;
    struct prong_socket *socket;

    net_listen(net);
    net_client(net, NULL);
    socket = net->client.socket;
    prong_socket_hold(socket);
    assert_int_equal(prong_socket_local(socket, &local), -ENOTCONN);
    assert_int_equal(prong_socket_remote(socket, &remote), -ENOTCONN);
    assert_int_equal(prong_socket_connect(socket, "127.0.0.1", net->port), 0);
    assert_int_equal(prong_socket_remote(socket, &remote), -ENOTCONN);
    run_until(net, &net->listener, "connection");
    assert_int_equal(prong_socket_remote(net->accepted.socket, &seen), 0);
    run_until(net, &net->client, "connect");
    prong_socket_destroy(socket, 0);
    run_until(net, &net->client, "close");
    assert_int_equal(prong_socket_local(socket, &local), 0);
    assert_true(prong_address_equal(&local, &seen));
    assert_int_equal(prong_socket_remote(socket, &remote), 0);
    assert_int_equal(remote.port, net->port);
    prong_socket_release(socket);
}

static void r113_unix_sockets_have_no_addresses_but_a_peer(void **state)
{
    struct net *net = *state;
    struct prong_address local, remote;
    struct prong_credentials peer;
    int ends[2];

    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
    net->client.socket = prong_socket_from_fd(net->loop, ends[0], NULL, &recording, &net->client);
    assert_int_equal(prong_socket_local(net->client.socket, &local), 0);
    assert_int_equal(prong_socket_remote(net->client.socket, &remote), 0);
    assert_int_equal(local.family, AF_UNIX);
    assert_int_equal(remote.path_size, 0);
    assert_int_equal(prong_socket_peer_credentials(net->client.socket, &peer), 0);
    assert_int_equal(peer.pid, getpid());
    assert_int_equal(peer.uid, geteuid());
    assert_int_equal(peer.gid, getegid());
    close(ends[1]);
}

static void r113_tcp_peers_have_no_credentials(void **state)
{
    struct net *net = *state;
    struct prong_credentials peer;

    net_pair(net);
    assert_int_equal(prong_socket_peer_credentials(net->client.socket, &peer), -ENOTSUP);
}

/* --- Liveness --- */

static void unref_accepted(struct record *record)
{
    prong_socket_unref(record->net->accepted.socket);
}

static void r114_unref_before_the_connect_sticks(void **state)
{
    struct net *net = *state;

    net->listener.when = "connection";
    net->listener.then = unref_accepted;
    net_listen(net);
    prong_server_unref(net->server);
    net_client(net, NULL);
    prong_socket_unref(net->client.socket);
    assert_false(prong_socket_has_ref(net->client.socket));
    assert_int_equal(prong_socket_connect(net->client.socket, "127.0.0.1", net->port), 0);
    ev_run(net->ev, 0); /* not before it is connected */
    assert_true(happened(&net->client, "connect"));
}

static void r114_unref_never_stops_bytes(void **state)
{
    struct net *net = *state;

    net_pair(net);
    prong_socket_unref(net->client.socket);
    prong_socket_unref(net->client.socket);
    prong_socket_write(net->accepted.socket, "x", 1);
    run_until(net, &net->client, "data");
    prong_socket_ref(net->client.socket);
    assert_true(prong_socket_has_ref(net->client.socket));
}

static void r114_a_socket_without_ref_may_close_and_others_go_on(void **state)
{
    struct net *net = *state;

    net_pair(net);
    prong_socket_unref(net->client.socket);
    prong_socket_pause(net->client.socket);
    prong_socket_resume(net->client.socket);
    prong_socket_destroy(net->client.socket, 0);
    run_until(net, &net->accepted, "close");
    prong_server_unref(net->server);
    ev_run(net->ev, 0); /* returns: the count of references is right */
    assert_events(&net->accepted, "end finish close");
}

static void r115_is_ip_is_strict(void **state)
{
    static const struct {
        const char *text;
        int expected;
    } rows[] = {{"127.0.0.1", 4},
                {"255.255.255.255", 4},
                {"127.0.0.01", 0},
                {"1.2.3", 0},
                {"1.2.3.4:80", 0},
                {"10.0.0.0/8", 0},
                {"256.0.0.1", 0},
                {"::1", 6},
                {"::ffff:1.2.3.4", 6},
                {"fe80::1%lo", 6},
                {"2001:db8::/32", 0},
                {"[::1]", 0},
                {"", 0},
                {NULL, 0}};

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        assert_int_equal(prong_is_ip(rows[i].text), rows[i].expected);
}

static int setup(void **state)
{
    settings = 0;
    return net_setup(state);
}

static const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, net_teardown)
    TEST(r110_options_wait_for_the_connection),
    TEST(r110_nagle_is_on_by_default),
    TEST(r110_the_same_value_again_makes_no_system_call),
    TEST(r110_an_option_that_the_kernel_refuses_is_told),
    TEST(r110_unix_sockets_have_no_tcp_options),
    TEST(r110_type_of_service_holds_for_ipv6),
    TEST(r111_zero_leaves_the_values_of_the_system),
    TEST(r112_both_addresses_are_known_from_the_connect_on_and_after_the_close),
    TEST(r113_unix_sockets_have_no_addresses_but_a_peer),
    TEST(r113_tcp_peers_have_no_credentials),
    TEST(r114_unref_before_the_connect_sticks),
    TEST(r114_unref_never_stops_bytes),
    TEST(r114_a_socket_without_ref_may_close_and_others_go_on),
    TEST(r115_is_ip_is_strict),
};

int main(void)
{
    return cmocka_run_group_tests(tests, NULL, NULL);
}
