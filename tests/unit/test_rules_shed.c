/* SPDX-License-Identifier: MIT
 *
 * A server without descriptors or memory, R29: it sheds politely, says why, does not spin, and
 * recovers.
 */
#include "net_fixture.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

/* --- The system, linked with --wrap --- */

static int accept_calls;
static int accept_error;  /* what accept4(2) says ... */
static int accept_errors; /* ... so many times */
static bool memory_is_short;

int __real_accept4(int fd, struct sockaddr *address, socklen_t *length, int flags);
int __wrap_accept4(int fd, struct sockaddr *address, socklen_t *length, int flags);
void *__real_calloc(size_t count, size_t size);
void *__wrap_calloc(size_t count, size_t size);

int __wrap_accept4(int fd, struct sockaddr *address, socklen_t *length, int flags)
{
    accept_calls++;
    if (accept_errors == 0)
        return __real_accept4(fd, address, length, flags);
    accept_errors--;
    errno = accept_error;
    return -1;
}

void *__wrap_calloc(size_t count, size_t size)
{
    return memory_is_short ? NULL : __real_calloc(count, size);
}

static struct rlimit limit; /* as it was */

static int set_up(void **state)
{
    accept_errors = 0;
    memory_is_short = false;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
    return net_setup(state);
}

static int tear_down(void **state)
{
    accept_errors = 0;
    memory_is_short = false;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
    return net_teardown(state);
}

/* From now on no descriptor can be had beside those that are open. */
static void take_all_descriptors(void)
{
    struct rlimit tight = limit;
    int next = fcntl(0, F_DUPFD_CLOEXEC, 0);

    assert_true(next >= 0);
    close(next);
    tight.rlim_cur = (rlim_t)next;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &tight), 0);
}

static void assert_ended(int client)
{
    char byte;

    assert_int_equal(recv(client, &byte, 1, 0), 0);
    close(client);
}

/* --- Descriptors --- */

static void r029_without_descriptors_clients_are_told_and_so_is_the_program(void **state)
{
    struct net *net = *state;
    int clients[3];

    net_listen(net);
    run_idle(net);
    forget(&net->listener);
    for (int i = 0; i < 3; i++)
        clients[i] = net_raw_client(net);
    take_all_descriptors();
    run_until(net, &net->listener, "drop:1 drop:1 drop:1");
    assert_events(&net->listener, "drop:1 drop:1 drop:1");
    for (int i = 0; i < 3; i++)
        assert_ended(clients[i]);
    assert_int_equal(prong_server_counters(net->server)->dropped, 3);
    assert_true(prong_server_is_listening(net->server));
}

static double now_s(void)
{
    struct timespec time;

    assert_int_equal(clock_gettime(CLOCK_MONOTONIC, &time), 0);
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

/* When it was, for how long a server has rested: load only makes that longer. */
static double dropped_at, connected_at;

static void note_time(struct record *record)
{
    if (record->when[0] == 'd') {
        dropped_at = now_s();
        record->when = "connection";
    } else {
        connected_at = now_s();
    }
}

static void r029_it_rests_instead_of_spinning_and_recovers_by_itself(void **state)
{
    struct net *net = *state;
    int clients[2];

    net->listener.when = "drop";
    net->listener.then = note_time;
    net_listen(net);
    run_idle(net);
    clients[0] = net_raw_client(net);
    take_all_descriptors();
    run_until(net, &net->listener, "drop:1");
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
    /* The next client waits in the kernel as long as the rest takes. */
    clients[1] = net_raw_client(net);
    accept_calls = 0;
    run_until(net, &net->listener, "connection");
    assert_true(connected_at - dropped_at > 0.09);
    assert_in_range(accept_calls, 1, 3);
    assert_events(&net->listener, "listening drop:1 connection");
    close(clients[0]);
    close(clients[1]);
}

static void r029_where_nobody_could_be_shed_there_is_an_error(void **state)
{
    struct net *net = *state;
    int client;

    net_listen(net);
    run_idle(net);
    client = net_raw_client(net);
    accept_error = EMFILE;
    accept_errors = 2; /* also with the spare descriptor given up */
    run_until(net, &net->listener, "error");
    assert_int_equal(net->listener.error.code, -EMFILE);
    assert_string_equal(net->listener.error.syscall, "accept");
    assert_int_equal(net->listener.error.address.port, net->port);
    run_until(net, &net->listener, "connection");
    assert_events(&net->listener, "listening error connection");
    close(client);
}

static void close_server(struct record *record)
{
    prong_server_close(record->net->server);
}

static void r029_a_server_may_be_closed_while_it_sheds(void **state)
{
    struct net *net = *state;
    int clients[2];

    net->listener.when = "drop";
    net->listener.then = close_server;
    net_listen(net);
    run_idle(net);
    clients[0] = net_raw_client(net);
    clients[1] = net_raw_client(net);
    take_all_descriptors();
    run_until(net, &net->listener, "close");
    assert_events(&net->listener, "listening drop:1 close");
    /* Nothing is left that would keep the program alive. */
    ev_run(net->ev, 0);
    close(clients[0]);
    close(clients[1]);
}

static void r029_an_unreferenced_server_that_rests_keeps_no_program_alive(void **state)
{
    struct net *net = *state;
    int client;

    net_listen(net);
    prong_server_unref(net->server);
    client = net_raw_client(net);
    take_all_descriptors();
    while (prong_server_counters(net->server)->dropped == 0)
        ev_run(net->ev, EVRUN_NOWAIT);
    ev_run(net->ev, 0);
    assert_events(&net->listener, "listening drop:1");
    close(client);
}

/* --- Other things that run out --- */

struct failure_row {
    int error;
    const char *events;
};

static void r029_every_other_failure_is_survived_and_what_matters_is_told(void **state)
{
    static const struct failure_row rows[] = {
        {ENOMEM, "listening error connection"}, {ENOBUFS, "listening error connection"},
        {EINVAL, "listening error connection"}, {ECONNABORTED, "listening connection"},
        {EPROTO, "listening connection"},       {ENETDOWN, "listening connection"},
        {EPERM, "listening connection"},        {EINTR, "listening connection"},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct net *net = *state;
        int client;

        net_listen(net);
        run_until(net, &net->listener, "listening");
        client = net_raw_client(net);
        accept_error = rows[i].error;
        accept_errors = 1;
        run_until(net, &net->listener, "connection");
        assert_events(&net->listener, rows[i].events);
        close(client);
        run_until(net, &net->accepted, "close");
        forget(&net->listener);
        forget(&net->accepted);
    }
}

static void r029_a_full_system_is_like_a_full_process(void **state)
{
    struct net *net = *state;
    int clients[2];

    net_listen(net);
    run_until(net, &net->listener, "listening");
    clients[0] = net_raw_client(net);
    accept_error = ENFILE;
    accept_errors = 1;
    run_until(net, &net->listener, "drop:1");
    assert_ended(clients[0]);
    clients[1] = net_raw_client(net);
    run_until(net, &net->listener, "connection");
    close(clients[1]);
}

static void r029_without_memory_for_a_socket_the_client_is_dropped(void **state)
{
    struct net *net = *state;
    int client;

    net_listen(net);
    run_until(net, &net->listener, "listening");
    client = net_raw_client(net);
    memory_is_short = true;
    run_until(net, &net->listener, "drop:2");
    memory_is_short = false;
    assert_ended(client);
    assert_int_equal(prong_server_connections(net->server), 0);
}

static const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    TEST(r029_without_descriptors_clients_are_told_and_so_is_the_program),
    TEST(r029_it_rests_instead_of_spinning_and_recovers_by_itself),
    TEST(r029_where_nobody_could_be_shed_there_is_an_error),
    TEST(r029_a_server_may_be_closed_while_it_sheds),
    TEST(r029_an_unreferenced_server_that_rests_keeps_no_program_alive),
    TEST(r029_every_other_failure_is_survived_and_what_matters_is_told),
    TEST(r029_a_full_system_is_like_a_full_process),
    TEST(r029_without_memory_for_a_socket_the_client_is_dropped),
};

int main(void)
{
    return cmocka_run_group_tests(tests, NULL, NULL);
}
