/* SPDX-License-Identifier: MIT
 *
 * The rule of paused sockets whose peer is gone, R67, and what it costs.
 */
#include "net_fixture.h"

#include <errno.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

/* Linked with --wrap: what the library asks of epoll.  libev's own calls are not counted. */
static unsigned sets, calls;
static bool is_short;

int __real_epoll_create1(int flags);
int __wrap_epoll_create1(int flags);
int __real_epoll_ctl(int set, int operation, int fd, struct epoll_event *event);
int __wrap_epoll_ctl(int set, int operation, int fd, struct epoll_event *event);

int __wrap_epoll_create1(int flags)
{
    sets++;
    if (!is_short)
        return __real_epoll_create1(flags);
    errno = EMFILE;
    return -1;
}

int __wrap_epoll_ctl(int set, int operation, int fd, struct epoll_event *event)
{
    calls++;
    return __real_epoll_ctl(set, operation, fd, event);
}

static int setup(void **state)
{
    int result = net_setup(state);

    ((struct net *)*state)->options.socket_events = &recording_all;
    sets = calls = 0;
    is_short = false;
    return result;
}

/* A paused accepted socket, and its peer. */
static int paused_pair(struct net *net)
{
    int fd = net_raw_pair(net);

    prong_socket_pause(net->accepted.socket);
    run_idle(net);
    return fd;
}

/* --- What it learns --- */

static void r067_an_end_is_noticed_while_paused_and_delivered_later(void **state)
{
    struct net *net = *state;
    int fd = paused_pair(net);

    assert_int_equal(write(fd, "bytes", 5), 5);
    close(fd);
    run_until(net, &net->accepted, "hangup");
    run_idle(net);
    assert_events(&net->accepted, "hangup");
    assert_int_equal(prong_socket_state(net->accepted.socket), PRONG_SOCKET_OPEN);
    prong_socket_resume(net->accepted.socket);
    run_until(net, &net->accepted, "close");
    assert_events(&net->accepted, "hangup data:5 end finish close");
}

static void r067_a_reset_closes_while_paused(void **state)
{
    struct net *net = *state;

    net_raw_reset(paused_pair(net));
    run_until(net, &net->accepted, "close");
    assert_events(&net->accepted, "error close");
    assert_int_equal(net->accepted.error.code, -ECONNRESET);
}

static void r067_a_reset_behind_the_end_closes_too(void **state)
{
    struct net *net = *state;
    int fd = paused_pair(net);

    shutdown(fd, SHUT_WR);
    run_until(net, &net->accepted, "hangup");
    net_raw_reset(fd);
    run_until(net, &net->accepted, "close");
    assert_events(&net->accepted, "hangup error close");
}

static void r067_a_reset_behind_an_end_that_was_read_closes_too(void **state)
{
    struct net *net = *state;
    int fd = paused_pair(net);

    prong_socket_set_allow_half_open(net->accepted.socket, true);
    prong_socket_resume(net->accepted.socket);
    shutdown(fd, SHUT_WR);
    run_until(net, &net->accepted, "end");
    prong_socket_pause(net->accepted.socket);
    run_idle(net);
    assert_events(&net->accepted, "end");
    net_raw_reset(fd);
    run_until(net, &net->accepted, "close");
    assert_events(&net->accepted, "end error close");
}

static void r067_sockets_that_never_read_learn_it(void **state)
{
    struct net *net = *state;

    net->options.pause_on_connect = true;
    close(net_raw_pair(net));
    run_until(net, &net->accepted, "hangup");
    assert_int_equal(prong_socket_bytes_read(net->accepted.socket), 0);
}

static void r067_a_client_that_was_paused_before_the_connect_learns_it(void **state)
{
    struct net *net = *state;

    net_listen(net);
    net_client(net, NULL);
    prong_socket_pause(net->client.socket);
    assert_int_equal(prong_socket_connect(net->client.socket, "127.0.0.1", net->port), 0);
    run_until(net, &net->listener, "connection");
    prong_socket_end(net->accepted.socket);
    run_until(net, &net->client, "hangup");
}

static void r067_a_unix_peer_that_is_gone_is_noticed(void **state)
{
    struct net *net = *state;
    int ends[2];

    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
    net->client.socket =
        prong_socket_from_fd(net->loop, ends[0], NULL, &recording_all, &net->client);
    prong_socket_pause(net->client.socket);
    run_idle(net);
    close(ends[1]);
    run_until(net, &net->client, "hangup");
}

static void r067_it_is_told_once(void **state)
{
    struct net *net = *state;
    int fd = paused_pair(net);

    assert_int_equal(write(fd, "bytes", 5), 5);
    shutdown(fd, SHUT_WR);
    run_until(net, &net->accepted, "hangup");
    forget(&net->accepted);
    prong_socket_resume(net->accepted.socket);
    prong_socket_pause(net->accepted.socket);
    run_idle(net);
    assert_events(&net->accepted, "");
    close(fd);
}

static void pause_self(struct record *record)
{
    prong_socket_pause(record->socket);
}

static void r067_an_end_that_came_while_it_read_is_told_when_it_pauses(void **state)
{
    struct net *net = *state;
    int fd = paused_pair(net);

    prong_socket_resume(net->accepted.socket);
    net->accepted.when = "data";
    net->accepted.then = pause_self;
    assert_int_equal(write(fd, "bytes", 5), 5);
    close(fd);
    run_until(net, &net->accepted, "hangup");
    assert_events(&net->accepted, "data:5 hangup");
}

static void resume_other(struct record *record)
{
    struct net *net = record->net;

    prong_socket_resume(record == &net->client ? net->accepted.socket : net->client.socket);
}

static void r067_who_reads_on_meanwhile_gets_the_end_instead(void **state)
{
    struct net *net = *state;
    int fd = paused_pair(net), ends[2];
    bool told_client;

    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
    net->client.socket =
        prong_socket_from_fd(net->loop, ends[0], NULL, &recording_all, &net->client);
    prong_socket_pause(net->client.socket);
    run_idle(net);
    net->client.when = net->accepted.when = "hangup";
    net->client.then = net->accepted.then = resume_other;
    close(fd);
    close(ends[1]); /* both are seen in one turn */
    run_idle(net);
    told_client = happened(&net->client, "hangup");
    assert_int_equal(happened(&net->accepted, "hangup"), !told_client);
    assert_events(told_client ? &net->accepted : &net->client, "end finish close");
}

/* --- What it costs --- */

static void pause_and_resume(struct record *record)
{
    prong_socket_pause(record->socket);
    prong_socket_resume(record->socket);
}

static void r067_who_does_not_stay_paused_pays_nothing(void **state)
{
    struct net *net = *state;
    int fd = net_raw_pair(net);

    net->accepted.when = "data";
    net->accepted.then = pause_and_resume;
    assert_int_equal(write(fd, "bytes", 5), 5);
    run_until(net, &net->accepted, "data:5");
    run_idle(net);
    assert_int_equal(sets, 0);
    assert_int_equal(calls, 0);
    close(fd);
}

static void r067_pausing_again_is_free(void **state)
{
    struct net *net = *state;
    int fd = paused_pair(net);

    assert_int_equal(sets, 1);
    assert_int_equal(calls, 1);
    for (int i = 0; i < 10; i++) {
        prong_socket_resume(net->accepted.socket);
        run_idle(net);
        prong_socket_pause(net->accepted.socket);
        run_idle(net);
    }
    assert_int_equal(calls, 1);
    close(fd);
}

static void r067_a_paused_socket_keeps_no_program_alive(void **state)
{
    struct net *net = *state;
    int fd = paused_pair(net);

    prong_server_unref(net->server);
    ev_run(net->ev, 0); /* returns */
    assert_int_equal(prong_socket_state(net->accepted.socket), PRONG_SOCKET_OPEN);
    close(fd);
}

static void r067_without_a_descriptor_for_it_there_is_no_notice(void **state)
{
    struct net *net = *state;
    int fd;

    is_short = true;
    fd = paused_pair(net);
    close(fd);
    run_idle(net);
    assert_events(&net->accepted, "");
    prong_socket_resume(net->accepted.socket);
    run_until(net, &net->accepted, "close");
    assert_events(&net->accepted, "end finish close");
}

static void r067_a_detached_socket_is_forgotten(void **state)
{
    struct net *net = *state;
    struct prong_socket_image image;
    int fd = paused_pair(net);

    assert_int_equal(prong_socket_detach(net->accepted.socket, &image), 0);
    net->accepted.socket = NULL;
    close(fd);
    run_idle(net); /* an event of a freed socket would be seen by AddressSanitizer */
    assert_events(&net->accepted, "");
    net->accepted.socket =
        prong_socket_attach(net->loop, NULL, &image, 0, &recording_all, &net->accepted);
    assert_non_null(net->accepted.socket);
    prong_socket_start(net->accepted.socket);
    run_until(net, &net->accepted, "hangup");
    prong_socket_resume(net->accepted.socket);
    run_until(net, &net->accepted, "close");
}

static const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, net_teardown)
    TEST(r067_an_end_is_noticed_while_paused_and_delivered_later),
    TEST(r067_a_reset_closes_while_paused),
    TEST(r067_a_reset_behind_the_end_closes_too),
    TEST(r067_a_reset_behind_an_end_that_was_read_closes_too),
    TEST(r067_sockets_that_never_read_learn_it),
    TEST(r067_a_client_that_was_paused_before_the_connect_learns_it),
    TEST(r067_a_unix_peer_that_is_gone_is_noticed),
    TEST(r067_it_is_told_once),
    TEST(r067_an_end_that_came_while_it_read_is_told_when_it_pauses),
    TEST(r067_who_reads_on_meanwhile_gets_the_end_instead),
    TEST(r067_who_does_not_stay_paused_pays_nothing),
    TEST(r067_pausing_again_is_free),
    TEST(r067_a_paused_socket_keeps_no_program_alive),
    TEST(r067_without_a_descriptor_for_it_there_is_no_notice),
    TEST(r067_a_detached_socket_is_forgotten),
};

int main(void)
{
    return cmocka_run_group_tests(tests, NULL, NULL);
}
