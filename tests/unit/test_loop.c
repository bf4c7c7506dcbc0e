/* SPDX-License-Identifier: MIT
 *
 * What the objects of a loop share, and how the loop is found out about.
 */
#include "net_fixture.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

/* --- The system, linked with --wrap --- */

static int allocations_left = -1; /* -1: as many as are wanted */
static bool has_eventfd = true;
static bool has_proc = true;

void *__real_calloc(size_t count, size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__real_malloc(size_t size);
void *__wrap_malloc(size_t size);
int __real_eventfd(unsigned value, int flags);
int __wrap_eventfd(unsigned value, int flags);
void *__real_opendir(const char *name);
void *__wrap_opendir(const char *name);

static bool may_allocate(void)
{
    if (allocations_left < 0 || allocations_left-- > 0)
        return true;
    errno = ENOMEM;
    return false;
}

void *__wrap_calloc(size_t count, size_t size)
{
    return may_allocate() ? __real_calloc(count, size) : NULL;
}

void *__wrap_malloc(size_t size)
{
    return may_allocate() ? __real_malloc(size) : NULL;
}

int __wrap_eventfd(unsigned value, int flags)
{
    if (has_eventfd)
        return __real_eventfd(value, flags);
    errno = EMFILE;
    return -1;
}

void *__wrap_opendir(const char *name)
{
    if (has_proc)
        return __real_opendir(name);
    errno = ENOENT;
    return NULL;
}

static int restore(void **state)
{
    (void)state;
    allocations_left = -1;
    has_eventfd = has_proc = true;
    return 0;
}

/* --- libev's epoll descriptor --- */

static void the_epoll_set_of_the_loop_is_found(void **state)
{
    struct net *net = *state;
    struct epoll_event nothing = {.events = 0};
    int probe = eventfd(0, EFD_CLOEXEC);

    assert_true(prong_loop_epoll_fd(net->loop) >= 0);
    assert_int_equal(epoll_ctl(prong_loop_epoll_fd(net->loop), EPOLL_CTL_ADD, probe, &nothing), 0);
    assert_ptr_equal(prong_loop_ev(net->loop), net->ev);
    close(probe);
}

static void each_loop_has_its_own(void **state)
{
    struct net *net = *state;
    struct ev_loop *ev = ev_loop_new(EVBACKEND_EPOLL | EVFLAG_NOENV);
    struct prong_loop *loop = prong_loop_new(ev);

    assert_true(prong_loop_epoll_fd(loop) >= 0);
    assert_int_not_equal(prong_loop_epoll_fd(loop), prong_loop_epoll_fd(net->loop));
    assert_int_equal(prong_loop_free(loop), 0);
    ev_loop_destroy(ev);
}

static void note_call(struct ev_loop *ev, struct ev_io *io, int revents)
{
    int *calls = io->data;

    (void)ev;
    (void)revents;
    (*calls)++;
}

static void making_a_loop_calls_nobody_and_loses_nothing(void **state)
{
    struct ev_loop *ev = ev_loop_new(EVBACKEND_EPOLL | EVFLAG_NOENV);
    struct prong_loop *loop;
    struct ev_io io;
    int pair[2], calls = 0;

    (void)state;
    assert_int_equal(pipe(pair), 0);
    assert_int_equal(write(pair[1], "x", 1), 1);
    ev_io_init(&io, note_call, pair[0], EV_READ);
    io.data = &calls;
    ev_io_start(ev, &io);
    loop = prong_loop_new(ev);
    assert_int_equal(calls, 0);
    ev_run(ev, EVRUN_NOWAIT);
    assert_true(calls >= 1);
    ev_io_stop(ev, &io);
    assert_int_equal(prong_loop_free(loop), 0);
    ev_loop_destroy(ev);
    close(pair[0]);
    close(pair[1]);
}

/* Bytes go there and back, and a socket moves, whatever is known of the loop. */
static void serve_on(struct ev_loop *ev)
{
    void *state;
    struct net *net;
    struct prong_socket_image image;

    net_setup(&state);
    net = state;
    prong_server_free(net->server);
    net->server = NULL;
    assert_int_equal(prong_loop_free(net->loop), 0);
    ev_loop_destroy(net->ev);
    net->ev = ev;
    net->loop = prong_loop_new(ev);
    assert_int_equal(prong_loop_epoll_fd(net->loop), -1);
    net_pair(net);
    assert_int_equal(prong_socket_detach(net->accepted.socket, &image), 0);
    net->accepted.socket =
        prong_socket_attach(net->loop, net->server, &image, 0, &recording, &net->accepted);
    prong_socket_start(net->accepted.socket);
    prong_socket_write(net->client.socket, "abc", 3);
    run_until_bytes(net, &net->accepted, 3);
    prong_socket_end(net->client.socket);
    run_until(net, &net->accepted, "close");
    run_until(net, &net->client, "close");
    net_teardown(&state);
}

static void everything_works_on_another_backend(void **state)
{
    (void)state;
    serve_on(ev_loop_new(EVBACKEND_POLL | EVFLAG_NOENV));
    serve_on(ev_loop_new(EVBACKEND_SELECT | EVFLAG_NOENV));
}

static void and_where_the_epoll_set_is_not_found(void **state)
{
    (void)state;
    has_eventfd = false;
    serve_on(ev_loop_new(EVBACKEND_EPOLL | EVFLAG_NOENV));
    has_eventfd = true;
    has_proc = false;
    serve_on(ev_loop_new(EVBACKEND_EPOLL | EVFLAG_NOENV));
}

/* --- Life --- */

static void a_loop_with_objects_is_not_freed(void **state)
{
    struct net *net = *state;
    struct prong_socket *socket;

    assert_int_equal(prong_loop_objects(net->loop), 1);
    assert_int_equal(prong_loop_free(net->loop), -EBUSY);
    socket = prong_socket_new(net->loop, NULL, NULL, NULL);
    assert_int_equal(prong_loop_objects(net->loop), 2);
    assert_ptr_equal(prong_socket_loop(socket), net->loop);
    prong_socket_destroy(socket, 0);
    assert_int_equal(prong_loop_objects(net->loop), 2); /* its on_close is due */
    run_idle(net);
    assert_int_equal(prong_loop_objects(net->loop), 1);
    assert_int_equal(prong_loop_free(NULL), 0);
}

static void without_memory_there_is_no_loop(void **state)
{
    struct ev_loop *ev = ev_loop_new(EVBACKEND_EPOLL | EVFLAG_NOENV);

    (void)state;
    for (int budget = 0; budget < 2; budget++) {
        allocations_left = budget;
        assert_null(prong_loop_new(ev));
        assert_int_equal(errno, ENOMEM);
        allocations_left = -1;
    }
    ev_loop_destroy(ev);
}

static void without_memory_there_is_no_server(void **state)
{
    struct net *net = *state;

    allocations_left = 0;
    assert_null(prong_server_new(net->loop, NULL, NULL, NULL));
    allocations_left = -1;
    assert_int_equal(prong_loop_objects(net->loop), 1);
}

/* --- What failed --- */

struct error_row {
    int code;
    const char *name;
};

static void every_code_has_a_name_and_a_sentence(void **state)
{
    static const struct error_row rows[] = {
        {0, "0"},
        {-ECONNRESET, "ECONNRESET"},
        {-ENAMETOOLONG, "ENAMETOOLONG"},
        {PRONG_ENOTFOUND, "PRONG_ENOTFOUND"},
        {PRONG_ERESOLVE, "PRONG_ERESOLVE"},
        {PRONG_EENDED, "PRONG_EENDED"},
        {PRONG_EDESTROYED, "PRONG_EDESTROYED"},
        {PRONG_EBEFORECONNECT, "PRONG_EBEFORECONNECT"},
        {PRONG_EBLOCKED, "PRONG_EBLOCKED"},
        {1, "UNKNOWN"},
        {-4000, "UNKNOWN"},
        {-100000, "UNKNOWN"},
        {INT32_MIN, "UNKNOWN"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        assert_string_equal(prong_error_name(rows[i].code), rows[i].name);
        assert_true(strlen(prong_error_text(rows[i].code)) > 0);
        if (strcmp(rows[i].name, "UNKNOWN") == 0)
            assert_string_equal(prong_error_text(rows[i].code), "Unknown error");
    }
}

static const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, net_setup, net_teardown)
    TEST(the_epoll_set_of_the_loop_is_found),
    TEST(each_loop_has_its_own),
    cmocka_unit_test(making_a_loop_calls_nobody_and_loses_nothing),
    cmocka_unit_test(everything_works_on_another_backend),
    cmocka_unit_test_teardown(and_where_the_epoll_set_is_not_found, restore),
    TEST(a_loop_with_objects_is_not_freed),
    cmocka_unit_test_teardown(without_memory_there_is_no_loop, restore),
    TEST(without_memory_there_is_no_server),
    cmocka_unit_test(every_code_has_a_name_and_a_sentence),
};

int main(void)
{
    return cmocka_run_group_tests(tests, NULL, NULL);
}
