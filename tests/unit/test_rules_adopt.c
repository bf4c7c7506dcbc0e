/* SPDX-License-Identifier: MIT
 *
 * The rule of sockets from descriptors, R62.
 */
#include "net_fixture.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

static void r062_a_connected_stream_makes_a_socket(void **state)
{
    struct net *net = *state;
    struct prong_address remote;
    int ends[2];

    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
    net->client.socket =
        prong_socket_from_fd(net->loop, ends[0], NULL, &recording_all, &net->client);
    assert_non_null(net->client.socket);
    assert_int_equal(fcntl(ends[0], F_GETFL) & O_NONBLOCK, O_NONBLOCK);
    assert_int_equal(fcntl(ends[0], F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
    assert_int_equal(prong_socket_remote(net->client.socket, &remote), 0);
    assert_int_equal(remote.family, AF_UNIX);
    assert_int_equal(write(ends[1], "abc", 3), 3);
    run_until_bytes(net, &net->client, 3);
    close(ends[1]);
    run_until(net, &net->client, "close");
    assert_events(&net->client, "data:3 end finish close");
}

static void r062_one_direction_is_enough(void **state)
{
    struct net *net = *state;
    struct prong_socket_options options;
    int ends[2];

    prong_socket_options_init(&options);
    options.read_only = true;
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
    net->client.socket =
        prong_socket_from_fd(net->loop, ends[0], &options, &recording_all, &net->client);
    assert_non_null(net->client.socket);
    assert_false(prong_socket_is_writable(net->client.socket));
    close(ends[1]);
    run_until(net, &net->client, "close");
    assert_events(&net->client, "end close");

    options.read_only = false;
    options.write_only = true;
    forget(&net->client);
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
    net->client.socket =
        prong_socket_from_fd(net->loop, ends[0], &options, &recording_all, &net->client);
    assert_non_null(net->client.socket);
    assert_false(prong_socket_is_readable(net->client.socket));
    prong_socket_end(net->client.socket);
    run_until(net, &net->client, "close");
    assert_events(&net->client, "finish close");
    close(ends[1]);
}

static int datagrams(void)
{
    return socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
}

static int unconnected(void)
{
    return socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
}

static int listening(void)
{
    struct prong_address address;

    return net_raw_listener("127.0.0.1", &address);
}

static int no_socket(void)
{
    return open("/dev/null", O_RDONLY | O_CLOEXEC);
}

static int nothing(void)
{
    return -1;
}

static void r062_other_descriptors_are_refused_and_stay_yours(void **state)
{
    static const struct {
        int (*open)(void);
        int error;
    } rows[] = {{datagrams, EINVAL},
                {unconnected, ENOTCONN},
                {listening, EINVAL},
                {no_socket, ENOTSOCK},
                {nothing, EBADF}};
    struct net *net = *state;

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        int fd = rows[i].open();

        assert_null(prong_socket_from_fd(net->loop, fd, NULL, NULL, NULL));
        assert_int_equal(errno, rows[i].error);
        if (fd >= 0)
            assert_int_equal(close(fd), 0);
    }
}

static const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, net_setup, net_teardown)
    TEST(r062_a_connected_stream_makes_a_socket),
    TEST(r062_one_direction_is_enough),
    TEST(r062_other_descriptors_are_refused_and_stay_yours),
};

int main(void)
{
    return cmocka_run_group_tests(tests, NULL, NULL);
}
