/* SPDX-License-Identifier: MIT
 *
 * The rules of listening on TCP, R1 to R14 and R22, R23; R4 to R8 stand beside it.
 */
#include "net_fixture.h"

#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* --- The system, as the tests want it: linked with --wrap --- */

static bool has_ipv6 = true; /* this machine */
static int last_backlog;     /* of listen(2) */
static int listen_error;     /* what listen(2) says; 0: what the kernel says */

int __real_socket(int family, int type, int protocol);
int __real_listen(int fd, int backlog);
int __wrap_socket(int family, int type, int protocol);
int __wrap_listen(int fd, int backlog);

int __wrap_socket(int family, int type, int protocol)
{
    if (family == AF_INET6 && !has_ipv6) {
        errno = EAFNOSUPPORT;
        return -1;
    }
    return __real_socket(family, type, protocol);
}

int __wrap_listen(int fd, int backlog)
{
    last_backlog = backlog;
    if (listen_error != 0) {
        errno = listen_error;
        return -1;
    }
    return __real_listen(fd, backlog);
}

static int set_up(void **state)
{
    has_ipv6 = true;
    listen_error = 0;
    return net_setup(state);
}

static struct prong_address ip(const char *text, uint16_t port)
{
    struct prong_address address;

    assert_int_equal(prong_address_from_ip(&address, text, port), 0);
    return address;
}

/* A connected descriptor, or -errno. */
static int connect_raw(const char *text, uint16_t port)
{
    struct prong_address address = ip(text, port);
    struct sockaddr_storage storage;
    socklen_t length;
    int fd = socket(address.family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int error;

    assert_true(fd >= 0);
    assert_int_equal(prong_address_to_sockaddr(&address, &storage, &length), 0);
    if (connect(fd, (struct sockaddr *)&storage, length) == 0)
        return fd;
    error = -errno;
    close(fd);
    return error;
}

/* 0, or what connect(2) says. */
static int try_connect(const char *text, uint16_t port)
{
    int fd = connect_raw(text, port);

    if (fd < 0)
        return fd;
    close(fd);
    return 0;
}

/* --- Addresses --- */

static void r001_port_0_picks_a_free_one_and_the_address_tells_it_at_once(void **state)
{
    struct net *net = *state;
    struct prong_address address;

    assert_int_equal(prong_server_listen(net->server, NULL, 0, NULL), 0);
    assert_true(prong_server_is_listening(net->server));
    assert_int_equal(prong_server_address(net->server, &address), 0);
    assert_int_not_equal(address.port, 0);
    assert_events(&net->listener, "");
    run_until(net, &net->listener, "listening");
    assert_int_equal(try_connect("127.0.0.1", address.port), 0);
}

static void r001_a_name_gives_the_address_with_on_listening(void **state)
{
    struct net *net = *state;
    struct prong_address address;

    assert_int_equal(prong_server_listen(net->server, "localhost", 0, NULL), 0);
    assert_false(prong_server_is_listening(net->server));
    assert_int_equal(prong_server_address(net->server, &address), -ENOTCONN);
    run_until(net, &net->listener, "listening");
    assert_int_equal(prong_server_address(net->server, &address), 0);
    assert_int_not_equal(address.port, 0);
}

static void r002_no_host_is_every_address_of_both_families(void **state)
{
    static const char *const hosts[] = {NULL, ""};

    for (size_t i = 0; i < 2; i++) {
        struct net *net = *state;
        struct prong_address address, remote, local;
        char text[64];
        int fd;

        assert_int_equal(prong_server_listen(net->server, hosts[i], 0, NULL), 0);
        assert_int_equal(prong_server_address(net->server, &address), 0);
        assert_int_equal(address.family, AF_INET6);
        assert_int_equal(try_connect("::1", address.port), 0);
        run_until(net, &net->accepted, "close");
        forget(&net->listener);
        forget(&net->accepted);
        fd = connect_raw("127.0.0.1", address.port);
        run_until(net, &net->listener, "connection");
        assert_int_equal(prong_socket_remote(net->accepted.socket, &remote), 0);
        assert_true(prong_address_is_mapped(&remote));
        assert_string_equal(prong_address_format_ip(&remote, text, sizeof(text)),
                            "::ffff:127.0.0.1");
        assert_int_equal(prong_socket_local(net->accepted.socket, &local), 0);
        assert_string_equal(prong_address_format_ip(&local, text, sizeof(text)),
                            "::ffff:127.0.0.1");
        assert_int_equal(local.port, address.port);
        prong_server_close(net->server);
        close(fd);
        run_until(net, &net->accepted, "close");
        forget(&net->accepted);
    }
}

static void r002_without_ipv6_it_is_every_address_of_ipv4(void **state)
{
    struct net *net = *state;
    struct prong_address address;

    has_ipv6 = false;
    assert_int_equal(prong_server_listen(net->server, NULL, 0, NULL), 0);
    assert_int_equal(prong_server_address(net->server, &address), 0);
    assert_int_equal(address.family, AF_INET);
    assert_int_equal(try_connect("127.0.0.1", address.port), 0);
    run_until(net, &net->listener, "connection");
}

/* Both, on one port; somebody else may have the IPv4 one of the first try. */
static uint16_t listen_on_both(struct prong_server *ipv6, const char *host,
                               struct prong_server *ipv4)
{
    struct prong_listen_options options;
    struct prong_address address;

    prong_listen_options_init(&options);
    options.ipv6_only = true;
    for (int i = 0; i < 20; i++) {
        assert_int_equal(prong_server_listen(ipv6, host, 0, &options), 0);
        assert_int_equal(prong_server_address(ipv6, &address), 0);
        if (prong_server_listen(ipv4, "0.0.0.0", address.port, NULL) == 0 &&
            prong_server_is_listening(ipv4))
            return address.port;
        prong_server_close(ipv6);
        ev_run(prong_loop_ev(prong_server_loop(ipv4)), EVRUN_NOWAIT);
    }
    fail_msg("no port is free in both families");
    return 0;
}

static void r003_ipv6_only_leaves_the_ipv4_port_to_others(void **state)
{
    static const char *const hosts[] = {"::", NULL};

    for (size_t i = 0; i < 2; i++) {
        struct net *net = *state;
        struct prong_server *ipv6 = prong_server_new(net->loop, NULL, NULL, NULL);
        struct prong_server *ipv4 = prong_server_new(net->loop, NULL, NULL, NULL);
        uint16_t port = listen_on_both(ipv6, hosts[i], ipv4);

        assert_int_equal(try_connect("::1", port), 0);
        assert_int_equal(try_connect("127.0.0.1", port), 0);
        while (prong_server_counters(ipv6)->accepted + prong_server_counters(ipv4)->accepted < 2)
            ev_run(net->ev, EVRUN_ONCE);
        assert_int_equal(prong_server_counters(ipv6)->accepted, 1);
        assert_int_equal(prong_server_counters(ipv4)->accepted, 1);
        run_idle(net);
        prong_server_free(ipv6);
        prong_server_free(ipv4);
    }
}

static void r003_ipv6_only_is_never_answered_with_ipv4(void **state)
{
    struct net *net = *state;
    struct prong_listen_options options;

    prong_listen_options_init(&options);
    options.ipv6_only = true;
    has_ipv6 = false;
    assert_int_equal(prong_server_listen(net->server, NULL, 0, &options), 0);
    run_until(net, &net->listener, "error");
    assert_int_equal(net->listener.error.code, -EAFNOSUPPORT);
}

/* --- Once, and again --- */

/* --- What went wrong --- */

static void r009_a_failure_tells_code_call_and_address_and_the_server_lives_on(void **state)
{
    struct net *net = *state;
    struct prong_address taken;
    int fd = net_raw_listener("127.0.0.1", &taken);

    assert_int_equal(prong_server_listen(net->server, "127.0.0.1", taken.port, NULL), 0);
    assert_events(&net->listener, "");
    assert_false(prong_server_is_listening(net->server));
    run_until(net, &net->listener, "error");
    assert_int_equal(net->listener.error.code, -EADDRINUSE);
    assert_string_equal(net->listener.error.syscall, "listen");
    assert_true(prong_address_equal(&net->listener.error.address, &taken));
    assert_null(net->listener.error.host);
    run_idle(net);
    assert_events(&net->listener, "error");
    close(fd);
    assert_int_equal(prong_server_listen(net->server, "127.0.0.1", taken.port, NULL), 0);
    run_until(net, &net->listener, "listening");
}

static void r009_an_address_of_somebody_else_is_not_available(void **state)
{
    struct net *net = *state;

    assert_int_equal(prong_server_listen(net->server, "192.0.2.1", 80, NULL), 0);
    run_until(net, &net->listener, "error");
    assert_int_equal(net->listener.error.code, -EADDRNOTAVAIL);
    assert_int_equal(net->listener.error.address.port, 80);
}

static void r010_it_is_the_same_whether_bind_or_listen_says_so(void **state)
{
    struct net *net = *state;

    listen_error = EADDRINUSE;
    assert_int_equal(prong_server_listen(net->server, "127.0.0.1", 0, NULL), 0);
    run_until(net, &net->listener, "error");
    assert_int_equal(net->listener.error.code, -EADDRINUSE);
    assert_string_equal(net->listener.error.syscall, "listen");
}

static void r011_an_address_without_a_valid_port_cannot_be_made(void **state)
{
    static const char *const texts[] = {"127.0.0.1:65536", "127.0.0.1:-1", "127.0.0.1:1.5",
                                        "127.0.0.1:", "127.0.0.1:nan"};
    struct prong_address address;

    (void)state;
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
        assert_int_equal(prong_address_parse(&address, texts[i]), -EINVAL);
}

static void an_address_of_no_family_is_refused_at_once(void **state)
{
    struct net *net = *state;
    struct prong_address none = {0}, unnamed = {.family = AF_UNIX};

    assert_int_equal(prong_server_listen_address(net->server, &none, NULL), -EINVAL);
    assert_int_equal(prong_server_listen_address(net->server, &unnamed, NULL), -EINVAL);
    assert_int_equal(prong_server_listen(net->server, "fe80::1%nowhere", 0, NULL), -ENODEV);
    assert_int_equal(prong_listen_open(&none, NULL), -EINVAL);
}

/* --- Options of the handle --- */

static void r012_the_backlog_is_511_unless_somebody_says_otherwise(void **state)
{
    struct net *net = *state;
    struct prong_listen_options options = {.backlog = 0};

    assert_int_equal(prong_server_listen(net->server, "127.0.0.1", 0, NULL), 0);
    assert_int_equal(last_backlog, 511);
    prong_server_close(net->server);
    assert_int_equal(prong_server_listen(net->server, "127.0.0.1", 0, &options), 0);
    assert_int_equal(last_backlog, 511);
    prong_server_close(net->server);
    prong_listen_options_init(&options);
    options.backlog = 7;
    assert_int_equal(prong_server_listen(net->server, "127.0.0.1", 0, &options), 0);
    assert_int_equal(last_backlog, 7);
}

static void r013_a_port_with_old_connections_can_be_bound_again(void **state)
{
    struct net *net = *state;
    uint16_t port;

    net_pair(net);
    port = net->port;
    /* Ours is the side that ends first: it stays in TIME_WAIT. */
    prong_socket_end(net->accepted.socket);
    run_until(net, &net->accepted, "close");
    net_connect(net);
    run_until(net, &net->client, "connect");
    assert_int_equal(prong_server_close(net->server), 0);
    assert_int_equal(prong_server_listen(net->server, "127.0.0.1", port, NULL), 0);
    run_until(net, &net->listener, "listening");
    assert_true(prong_server_is_listening(net->server));
}

static void r014_reuse_port_lets_two_servers_share_a_port(void **state)
{
    struct net *net = *state;
    struct prong_server *other = prong_server_new(net->loop, NULL, NULL, NULL);
    struct prong_listen_options options;
    struct prong_address address;

    prong_listen_options_init(&options);
    options.reuse_port = true;
    assert_int_equal(prong_server_listen(net->server, "127.0.0.1", 0, &options), 0);
    assert_int_equal(prong_server_address(net->server, &address), 0);
    assert_int_equal(prong_server_listen_address(other, &address, &options), 0);
    assert_true(prong_server_is_listening(other));
    prong_server_free(other);
}

static void r023_the_address_is_there_exactly_while_it_listens(void **state)
{
    struct net *net = *state;
    struct prong_address address;

    assert_int_equal(prong_server_address(net->server, &address), -ENOTCONN);
    assert_int_equal(prong_server_fd(net->server), -1);
    assert_int_equal(prong_server_listen(net->server, "::1", 0, NULL), 0);
    assert_int_equal(prong_server_address(net->server, &address), 0);
    assert_true(prong_server_fd(net->server) >= 0);
    assert_int_equal(prong_server_close(net->server), 0);
    assert_false(prong_server_is_listening(net->server));
    assert_int_equal(prong_server_address(net->server, &address), -ENOTCONN);
    assert_int_equal(prong_server_fd(net->server), -1);
}

static const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, net_teardown)
    TEST(r001_port_0_picks_a_free_one_and_the_address_tells_it_at_once),
    TEST(r001_a_name_gives_the_address_with_on_listening),
    TEST(r002_no_host_is_every_address_of_both_families),
    TEST(r002_without_ipv6_it_is_every_address_of_ipv4),
    TEST(r003_ipv6_only_leaves_the_ipv4_port_to_others),
    TEST(r003_ipv6_only_is_never_answered_with_ipv4),
    TEST(r009_a_failure_tells_code_call_and_address_and_the_server_lives_on),
    TEST(r009_an_address_of_somebody_else_is_not_available),
    TEST(r010_it_is_the_same_whether_bind_or_listen_says_so),
    TEST(r011_an_address_without_a_valid_port_cannot_be_made),
    TEST(an_address_of_no_family_is_refused_at_once),
    TEST(r012_the_backlog_is_511_unless_somebody_says_otherwise),
    TEST(r013_a_port_with_old_connections_can_be_bound_again),
    TEST(r014_reuse_port_lets_two_servers_share_a_port),
    TEST(r023_the_address_is_there_exactly_while_it_listens),
};

int main(void)
{
    return cmocka_run_group_tests(tests, NULL, NULL);
}
