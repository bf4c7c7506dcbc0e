/* SPDX-License-Identifier: MIT
 *
 * The rules of idle times, R103 to R109.
 *
 * The clock of the timeouts is the test's: it stands still until pass() moves it.  libev's own
 * clock runs on and only makes the timeouts look at theirs, so what is seen does not depend on how
 * busy the machine is.
 */
#include "net_fixture.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define BIG ((size_t)8 << 20)

/* Linked with --wrap. */
static struct timespec clock_now = {.tv_sec = 1000};

int __real_clock_gettime(clockid_t id, struct timespec *time);
int __wrap_clock_gettime(clockid_t id, struct timespec *time);

int __wrap_clock_gettime(clockid_t id, struct timespec *time)
{
    if (id != CLOCK_MONOTONIC)
        return __real_clock_gettime(id, time);
    *time = clock_now;
    return 0;
}

/* So much time passes, and everybody who waits for it has looked. */
static void pass(struct net *net, unsigned ms)
{
    clock_now.tv_nsec += (long)ms * 1000000;
    clock_now.tv_sec += clock_now.tv_nsec / 1000000000;
    clock_now.tv_nsec %= 1000000000;
    run_for(net, 25);
}

/* A client with an idle time of 10 ms, which begins now. */
static void idle_pair(struct net *net)
{
    net_pair(net);
    run_idle(net);
    assert_int_equal(prong_socket_set_timeout(net->client.socket, 10), 0);
    forget(&net->client);
}

static void r103_a_timeout_only_tells(void **state)
{
    struct net *net = *state;

    idle_pair(net);
    pass(net, 9);
    assert_events(&net->client, "");
    pass(net, 1);
    assert_events(&net->client, "timeout");
    assert_int_equal(prong_socket_state(net->client.socket), PRONG_SOCKET_OPEN);
    assert_int_equal(prong_socket_write(net->client.socket, "x", 1), 0);
}

/* --- What starts it anew --- */

static void receive(struct net *net)
{
    prong_socket_write(net->accepted.socket, "x", 1);
    run_until(net, &net->client, "data");
}

static void send_something(struct net *net)
{
    prong_socket_write(net->client.socket, "x", 1);
}

static void set_again(struct net *net)
{
    assert_int_equal(prong_socket_set_timeout(net->client.socket, 10), 0);
}

static void r104_reading_and_writing_start_it_anew(void **state)
{
    static void (*const activities[])(struct net * net) = {receive, send_something, set_again};
    struct net *net = *state;

    idle_pair(net);
    for (size_t i = 0; i < sizeof(activities) / sizeof(activities[0]); i++) {
        pass(net, 6);
        activities[i](net);
        forget(&net->client);
        pass(net, 6);
        assert_events(&net->client, "");
    }
    pass(net, 4);
    assert_events(&net->client, "timeout");
}

static struct prong_lookup *question;

static void resolve_later(struct prong_lookup *lookup, void *user)
{
    (void)user;
    question = lookup;
}

static void r104_each_step_of_connecting_starts_it_anew(void **state)
{
    struct net *net = *state;
    struct prong_socket_options options;
    struct prong_address address;

    net_listen(net);
    address = net_address(net);
    prong_socket_options_init(&options);
    options.timeout_ms = 10;
    options.connect.resolve = resolve_later;
    net_client(net, &options);
    pass(net, 6);
    assert_int_equal(prong_socket_connect(net->client.socket, "example", net->port), 0);
    pass(net, 6);
    assert_events(&net->client, "");
    prong_lookup_answer(question, 0, &address, 1);
    run_until(net, &net->client, "connect");
    pass(net, 6);
    assert_false(happened(&net->client, "timeout"));
    pass(net, 4);
    assert_true(happened(&net->client, "connect timeout"));
}

static void r104_writes_before_the_connect_do_not(void **state)
{
    struct net *net = *state;
    struct prong_socket_options options;
    struct prong_address slow;
    int filler, listener = net_hanging_listener("127.0.0.1", &slow, &filler);

    prong_socket_options_init(&options);
    options.timeout_ms = 10;
    net_client(net, &options);
    assert_int_equal(prong_socket_connect_address(net->client.socket, &slow), 0);
    run_idle(net);
    pass(net, 6);
    assert_int_equal(prong_socket_write(net->client.socket, "x", 1), 0);
    pass(net, 4);
    assert_true(happened(&net->client, "timeout"));
    close(filler);
    close(listener);
}

static void r105_it_is_told_once_until_something_happens(void **state)
{
    struct net *net = *state;

    idle_pair(net);
    pass(net, 10);
    assert_events(&net->client, "timeout");
    pass(net, 1000);
    assert_events(&net->client, "timeout");
    prong_socket_write(net->client.socket, "x", 1);
    pass(net, 9);
    assert_events(&net->client, "timeout");
    pass(net, 1);
    assert_events(&net->client, "timeout timeout");
}

static void r106_zero_switches_it_off(void **state)
{
    struct net *net = *state;

    idle_pair(net);
    assert_int_equal(prong_socket_timeout(net->client.socket), 10);
    assert_int_equal(prong_socket_set_timeout(net->client.socket, 0), 0);
    assert_int_equal(prong_socket_timeout(net->client.socket), 0);
    pass(net, 1000);
    assert_events(&net->client, "");
}

static void r106_it_runs_before_the_connect_too(void **state)
{
    struct net *net = *state;

    net_client(net, NULL);
    assert_int_equal(prong_socket_set_timeout(net->client.socket, 10), 0);
    pass(net, 10);
    assert_events(&net->client, "timeout");
}

static void r107_progress_of_a_big_write_suppresses_it(void **state)
{
    struct net *net = *state;
    char *bytes = calloc(1, BIG);
    size_t received = 0;
    int fd = net_raw_pair(net);

    assert_non_null(bytes);
    assert_int_equal(prong_socket_write(net->accepted.socket, bytes, BIG), 1);
    assert_int_equal(prong_socket_set_timeout(net->accepted.socket, 10), 0);
    while (prong_socket_queue_bytes(net->accepted.socket) > 0) {
        size_t before = prong_socket_queue_bytes(net->accepted.socket);

        pass(net, 6);
        while (prong_socket_queue_bytes(net->accepted.socket) == before) {
            ssize_t size = recv(fd, bytes, BIG, MSG_DONTWAIT);

            received += size > 0 ? (size_t)size : 0;
            run_idle(net);
        }
    }
    assert_false(happened(&net->accepted, "timeout"));
    pass(net, 10);
    assert_events(&net->accepted, "drain timeout");
    assert_true(received > 0);
    close(fd);
    free(bytes);
}

static void r107_a_write_without_progress_does_not(void **state)
{
    struct net *net = *state;
    char *bytes = calloc(1, BIG);
    int fd = net_raw_pair(net);

    assert_non_null(bytes);
    assert_int_equal(prong_socket_write(net->accepted.socket, bytes, BIG), 1);
    run_idle(net);
    assert_int_equal(prong_socket_set_timeout(net->accepted.socket, 10), 0);
    pass(net, 10);
    assert_events(&net->accepted, "timeout");
    close(fd);
    free(bytes);
}

static void r108_a_paused_socket_is_idle_while_its_peer_sends(void **state)
{
    struct net *net = *state;

    idle_pair(net);
    prong_socket_pause(net->client.socket);
    pass(net, 6);
    prong_socket_write(net->accepted.socket, "x", 1);
    pass(net, 4);
    assert_events(&net->client, "timeout");
}

static void r109_an_idle_time_keeps_no_program_alive(void **state)
{
    struct net *net = *state;

    idle_pair(net);
    prong_socket_unref(net->client.socket);
    prong_socket_unref(net->accepted.socket);
    prong_server_unref(net->server);
    ev_run(net->ev, 0); /* returns */
    assert_events(&net->client, "");
}

static void r109_destroy_cancels_it(void **state)
{
    struct net *net = *state;
    struct prong_socket *socket;

    idle_pair(net);
    socket = net->client.socket;
    prong_socket_hold(socket);
    prong_socket_destroy(socket, 0);
    assert_int_equal(prong_socket_set_timeout(socket, 5), 0);
    pass(net, 20);
    assert_events(&net->client, "close");
    prong_socket_release(socket);
}

static const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, net_setup, net_teardown)
    TEST(r103_a_timeout_only_tells),
    TEST(r104_reading_and_writing_start_it_anew),
    TEST(r104_each_step_of_connecting_starts_it_anew),
    TEST(r104_writes_before_the_connect_do_not),
    TEST(r105_it_is_told_once_until_something_happens),
    TEST(r106_zero_switches_it_off),
    TEST(r106_it_runs_before_the_connect_too),
    TEST(r107_progress_of_a_big_write_suppresses_it),
    TEST(r107_a_write_without_progress_does_not),
    TEST(r108_a_paused_socket_is_idle_while_its_peer_sends),
    TEST(r109_an_idle_time_keeps_no_program_alive),
    TEST(r109_destroy_cancels_it),
};

int main(void)
{
    return cmocka_run_group_tests(tests, NULL, NULL);
}
