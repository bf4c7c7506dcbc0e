/* SPDX-License-Identifier: MIT
 *
 * The rules of connecting to a path, R57 and R58.
 */
#include "net_fixture.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

/* A path in a directory of its own, which the tear-down removes. */
static char directory[] = "/tmp/prong-connect-XXXXXX";

static struct prong_address path_address(const char *name)
{
    struct prong_address address;
    char path[128];

    snprintf(path, sizeof(path), "%s/%s", directory, name);
    assert_int_equal(prong_address_from_path(&address, path), 0);
    return address;
}

static int unix_listener(const struct prong_address *address, int backlog)
{
    struct sockaddr_storage storage;
    socklen_t length;
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

    assert_true(fd >= 0);
    assert_int_equal(prong_address_to_sockaddr(address, &storage, &length), 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&storage, length), 0);
    assert_int_equal(listen(fd, backlog), 0);
    return fd;
}

static void make_stale(const struct prong_address *address)
{
    close(unix_listener(address, 1));
}

static void make_file(const struct prong_address *address)
{
    int fd = open(address->path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);

    assert_true(fd >= 0);
    close(fd);
}

static void make_nothing(const struct prong_address *address)
{
    (void)address;
}

static void r057_a_unix_connect_says_why_it_failed(void **state)
{
    static const struct {
        const char *name;
        void (*make)(const struct prong_address *address);
        int error;
    } rows[] = {{"missing", make_nothing, -ENOENT},
                {"stale", make_stale, -ECONNREFUSED},
                {"file", make_file, -ECONNREFUSED}};
    struct net *net = *state;

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct prong_address address = path_address(rows[i].name);

        rows[i].make(&address);
        forget(&net->client);
        net_client(net, NULL);
        assert_int_equal(prong_socket_connect_address(net->client.socket, &address), 0);
        run_until(net, &net->client, "close");
        assert_int_equal(net->client.error.code, rows[i].error);
        assert_string_equal(net->client.error.syscall, "connect");
        assert_true(prong_address_equal(&net->client.error.address, &address));
        unlink(address.path);
    }
}

static void r057_a_unix_connect_without_the_right_is_refused(void **state)
{
    struct net *net = *state;
    struct prong_address address = path_address("closed");
    int fd = unix_listener(&address, 1);

    assert_int_equal(chmod(address.path, 0), 0);
    net_client(net, NULL);
    assert_int_equal(prong_socket_connect_address(net->client.socket, &address), 0);
    if (geteuid() == 0)
        assert_int_equal(chmod(directory, 0755) + seteuid(65534), 0); /* root may do all */
    run_until(net, &net->client, "close");
    if (getuid() == 0)
        assert_int_equal(seteuid(0), 0);
    assert_int_equal(net->client.error.code, -EACCES);
    unlink(address.path);
    close(fd);
}

static void r058_a_full_unix_backlog_is_asked_again(void **state)
{
    struct net *net = *state;
    struct prong_address address = path_address("full");
    int listener = unix_listener(&address, 0);
    struct sockaddr_storage storage;
    socklen_t length;
    int filler = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), accepted;

    assert_int_equal(prong_address_to_sockaddr(&address, &storage, &length), 0);
    assert_int_equal(connect(filler, (struct sockaddr *)&storage, length), 0);
    net_client(net, NULL);
    assert_int_equal(prong_socket_connect_address(net->client.socket, &address), 0);
    run_for(net, 50);
    assert_int_equal(prong_socket_state(net->client.socket), PRONG_SOCKET_CONNECTING);
    accepted = accept(listener, NULL, NULL);
    assert_true(accepted >= 0);
    run_until(net, &net->client, "connect");
    unlink(address.path);
    close(accepted);
    close(filler);
    close(listener);
}

static void r058_asking_again_ends_with_the_connect_timeout(void **state)
{
    struct net *net = *state;
    struct prong_socket_options options;
    struct prong_address address = path_address("full");
    int listener = unix_listener(&address, 0);
    struct sockaddr_storage storage;
    socklen_t length;
    int filler = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    prong_socket_options_init(&options);
    options.connect_timeout_ms = 40;
    assert_int_equal(prong_address_to_sockaddr(&address, &storage, &length), 0);
    assert_int_equal(connect(filler, (struct sockaddr *)&storage, length), 0);
    net_client(net, &options);
    assert_int_equal(prong_socket_connect_address(net->client.socket, &address), 0);
    run_until(net, &net->client, "close");
    assert_int_equal(net->client.error.code, -ETIMEDOUT);
    unlink(address.path);
    close(filler);
    close(listener);
}

static int make_directory(void **state)
{
    (void)state;
    return mkdtemp(directory) == NULL ? -1 : 0;
}

static int remove_directory(void **state)
{
    (void)state;
    return rmdir(directory);
}

static const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, net_setup, net_teardown)
    TEST(r057_a_unix_connect_says_why_it_failed),
    TEST(r057_a_unix_connect_without_the_right_is_refused),
    TEST(r058_a_full_unix_backlog_is_asked_again),
    TEST(r058_asking_again_ends_with_the_connect_timeout),
};

int main(void)
{
    return cmocka_run_group_tests(tests, make_directory, remove_directory);
}
