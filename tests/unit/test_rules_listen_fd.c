/* SPDX-License-Identifier: MIT
 *
 * Listening on descriptors from elsewhere: R21, R149, and handles that are bound first.
 */
#include "net_fixture.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

static int bound(uint16_t port)
{
    struct prong_address address;
    int fd;

    assert_int_equal(prong_address_from_ip(&address, "127.0.0.1", port), 0);
    fd = prong_bound_open(&address, NULL);
    assert_true(fd >= 0);
    return fd;
}

static uint16_t port_of(int fd)
{
    struct prong_address address;

    assert_int_equal(prong_address_from_fd(&address, fd), 0);
    return address.port;
}

static void expect_client(struct net *net)
{
    int client = net_raw_client(net);

    run_until(net, &net->listener, "connection");
    close(client);
    run_until(net, &net->accepted, "close");
    forget(&net->accepted);
    forget(&net->listener);
}

static bool is_open(int fd)
{
    return fcntl(fd, F_GETFD) >= 0;
}

static void r021_a_bound_descriptor_is_adopted_and_listens(void **state)
{
    struct net *net = *state;
    struct prong_address address;
    int fd = bound(0);

    net->port = port_of(fd);
    assert_int_equal(prong_server_listen_fd(net->server, fd, 0), 0);
    assert_int_equal(prong_server_address(net->server, &address), 0);
    assert_int_equal(address.port, net->port);
    assert_int_equal(prong_server_fd(net->server), fd);
    assert_events(&net->listener, "");
    run_until(net, &net->listener, "listening");
    expect_client(net);
}

static void r021_a_listening_descriptor_is_adopted_as_it_is(void **state)
{
    struct net *net = *state;
    struct prong_address address;
    int fd = net_raw_listener("127.0.0.1", &address);

    assert_int_equal(fcntl(fd, F_SETFD, 0), 0);
    net->port = address.port;
    assert_int_equal(prong_server_listen_fd(net->server, fd, 0), 0);
    assert_true(fcntl(fd, F_GETFL) & O_NONBLOCK);
    assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
    expect_client(net);
}

static void r021_what_is_no_stream_socket_is_refused_and_closed(void **state)
{
    struct net *net = *state;
    int pair[2], file = open("/dev/null", O_RDONLY | O_CLOEXEC);
    int packets = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    int unbound = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    assert_int_equal(prong_server_listen_fd(net->server, file, 0), -ENOTSOCK);
    assert_false(is_open(file));
    assert_int_equal(prong_server_listen_fd(net->server, file, 0), -EBADF);
    assert_int_equal(prong_server_listen_fd(net->server, -1, 0), -EBADF);
    assert_int_equal(prong_server_listen_fd(net->server, packets, 0), -EINVAL);
    assert_int_equal(prong_server_listen_fd(net->server, unbound, 0), -EINVAL);
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
    assert_int_equal(prong_server_listen_fd(net->server, pair[0], 0), -EINVAL);
    assert_false(is_open(pair[0]));
    close(pair[1]);
    run_idle(net);
    assert_events(&net->listener, "");
    assert_int_equal(prong_server_listen(net->server, "127.0.0.1", 0, NULL), 0);
}

static void r021_a_descriptor_of_a_server_of_this_loop_exists_already(void **state)
{
    struct net *net = *state;
    struct prong_server *other = prong_server_new(net->loop, NULL, NULL, NULL);
    int fd;

    net_listen(net);
    fd = prong_server_fd(net->server);
    assert_int_equal(prong_server_listen_fd(other, fd, 0), -EEXIST);
    assert_int_equal(prong_server_listen_fd(net->server, fd, 0), -EEXIST);
    assert_true(is_open(fd));
    expect_client(net);
    prong_server_free(other);
}

static void r021_an_adopted_unix_socket_keeps_its_file(void **state)
{
    struct net *net = *state;
    struct prong_address address;
    char path[] = "/tmp/prong-XXXXXX";
    struct stat status;

    close(mkstemp(path));
    assert_int_equal(unlink(path), 0);
    assert_int_equal(prong_address_from_path(&address, path), 0);
    assert_int_equal(prong_server_listen_fd(net->server, prong_listen_open(&address, NULL), 0), 0);
    assert_int_equal(prong_server_close(net->server), 0);
    assert_int_equal(lstat(path, &status), 0);
    unlink(path);
}

/* --- Bound first, adopted later --- */

static void a_bound_handle_refuses_clients_until_somebody_listens(void **state)
{
    struct net *net = *state;
    struct prong_address address;
    int fd = bound(0);

    assert_int_equal(prong_address_from_fd(&address, fd), 0);
    net->client.socket = prong_socket_new(net->loop, NULL, &recording, &net->client);
    assert_int_equal(prong_socket_connect_address(net->client.socket, &address), 0);
    run_until(net, &net->client, "close");
    assert_int_equal(net->client.error.code, -ECONNREFUSED);
    /* SO_REUSEADDR, which lets a server come back, also lets others be quicker. */
    assert_int_equal(prong_server_listen_address(net->server, &address, NULL), 0);
    run_until(net, &net->listener, "listening");
    assert_int_equal(prong_bound_open(&address, NULL), -EADDRINUSE);
    close(fd);
}

static void a_bound_handle_whose_port_was_taken_cannot_listen(void **state)
{
    struct net *net = *state;
    struct prong_server *other = prong_server_new(net->loop, NULL, NULL, NULL);
    struct prong_address address;
    int fd = bound(0);

    assert_int_equal(prong_address_from_fd(&address, fd), 0);
    assert_int_equal(prong_server_listen_address(other, &address, NULL), 0);
    assert_int_equal(prong_server_listen_fd(net->server, fd, 0), -EADDRINUSE);
    assert_false(is_open(fd));
    prong_server_free(other);
}

static void a_bound_handle_is_adopted_once(void **state)
{
    struct net *net = *state;
    struct prong_server *other = prong_server_new(net->loop, NULL, NULL, NULL);
    int fd = bound(0);

    assert_int_equal(prong_server_listen_fd(net->server, fd, 0), 0);
    assert_int_equal(prong_server_listen_fd(other, fd, 0), -EEXIST);
    prong_server_close(net->server);
    assert_int_equal(prong_server_listen_fd(other, fd, 0), -EBADF);
    prong_server_free(other);
}

static void the_address_of_what_is_no_socket_is_not_known(void **state)
{
    struct prong_address address;
    int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);

    (void)state;
    assert_int_equal(prong_address_from_fd(&address, fd), -ENOTSOCK);
    close(fd);
    assert_int_equal(prong_address_from_fd(&address, fd), -EBADF);
}

/* --- One handle, two servers --- */

struct census {
    int accepted;
};

static void count(struct prong_server *server, struct prong_socket *socket)
{
    struct census *census = prong_server_user(server);

    (void)socket;
    census->accepted++;
}

static void r149_servers_that_share_a_handle_all_accept_and_close_alone(void **state)
{
    static const struct prong_server_events counting = {.on_connection = count};
    struct net *net = *state;
    struct census first = {0}, second = {0};
    struct prong_server *a = prong_server_new(net->loop, NULL, &counting, &first);
    struct prong_server *b = prong_server_new(net->loop, NULL, &counting, &second);
    int fd = bound(0), copy, clients[8];

    net->port = port_of(fd);
    assert_int_equal(prong_server_listen_fd(a, fd, 0), 0);
    copy = fcntl(fd, F_DUPFD_CLOEXEC, 0);
    assert_int_equal(prong_server_listen_fd(b, copy, 0), 0);
    /* While one pauses the other accepts, and the other way round. */
    prong_server_pause(a);
    clients[0] = net_raw_client(net);
    while (second.accepted == 0)
        ev_run(net->ev, EVRUN_ONCE);
    prong_server_resume(a);
    prong_server_pause(b);
    clients[1] = net_raw_client(net);
    while (first.accepted == 0)
        ev_run(net->ev, EVRUN_ONCE);
    prong_server_resume(b);
    assert_int_equal(prong_server_close(a), 0);
    clients[2] = net_raw_client(net);
    while (second.accepted == 1)
        ev_run(net->ev, EVRUN_ONCE);
    assert_int_equal(first.accepted, 1);
    for (int i = 0; i < 3; i++)
        close(clients[i]);
    prong_server_close_all(a);
    prong_server_close_all(b);
    prong_server_close(b);
    run_idle(net);
    prong_server_free(a);
    prong_server_free(b);
}

static const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, net_setup, net_teardown)
    TEST(r021_a_bound_descriptor_is_adopted_and_listens),
    TEST(r021_a_listening_descriptor_is_adopted_as_it_is),
    TEST(r021_what_is_no_stream_socket_is_refused_and_closed),
    TEST(r021_a_descriptor_of_a_server_of_this_loop_exists_already),
    TEST(r021_an_adopted_unix_socket_keeps_its_file),
    TEST(a_bound_handle_refuses_clients_until_somebody_listens),
    TEST(a_bound_handle_whose_port_was_taken_cannot_listen),
    TEST(a_bound_handle_is_adopted_once),
    TEST(the_address_of_what_is_no_socket_is_not_known),
    TEST(r149_servers_that_share_a_handle_all_accept_and_close_alone),
};

int main(void)
{
    return cmocka_run_group_tests(tests, NULL, NULL);
}
