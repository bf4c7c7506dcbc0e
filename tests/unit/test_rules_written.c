/* SPDX-License-Identifier: MIT
 *
 * The rules of writes that are told of, R77, and of those that fail, R81 to R85.
 */
#include "net_fixture.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define BIG ((size_t)8 << 20)

/* Linked with --wrap: allocations that succeed from now on; -1: all. */
static int allocations = -1;

void *__real_malloc(size_t size);
void *__wrap_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__wrap_calloc(size_t count, size_t size);

static bool may_allocate(void)
{
    return allocations < 0 || allocations-- > 0;
}

void *__wrap_malloc(size_t size)
{
    return may_allocate() ? __real_malloc(size) : NULL;
}

void *__wrap_calloc(size_t count, size_t size)
{
    return may_allocate() ? __real_calloc(count, size) : NULL;
}

static char *big;

static int setup(void **state)
{
    big = calloc(1, BIG);
    return big == NULL ? -1 : net_setup(state);
}

static int teardown(void **state)
{
    int result = net_teardown(state);

    free(big);
    return result;
}

/* A client whose write "big" is only partly in the kernel, because the server does not read. */
static void fill(struct net *net)
{
    net_pair(net);
    prong_socket_pause(net->accepted.socket);
    forget(&net->client);
    assert_int_equal(prong_socket_write_then(net->client.socket, big, BIG, note_written, "big"), 1);
}

/* --- Told --- */

static void r077_writes_are_told_in_order_once_and_later(void **state)
{
    struct net *net = *state;

    net_pair(net);
    forget(&net->client);
    prong_socket_write_then(net->client.socket, "a", 1, note_written, "a");
    prong_socket_write_then(net->client.socket, "", 0, note_written, "b");
    prong_socket_write_then(net->client.socket, "c", 1, note_written, "c");
    assert_events(&net->client, "");
    run_idle(net);
    assert_events(&net->client, "written:a written:b written:c");
}

static void r077_a_write_is_told_when_its_last_byte_is_in_the_kernel(void **state)
{
    struct net *net = *state;

    fill(net);
    assert_int_equal(prong_socket_write_then(net->client.socket, "x", 1, note_written, "x"), 1);
    run_idle(net);
    assert_events(&net->client, "");
    prong_socket_resume(net->accepted.socket);
    run_until_bytes(net, &net->accepted, BIG + 1);
    run_until(net, &net->client, "drain");
    assert_events(&net->client, "written:big written:x drain");
}

static void r077_early_writes_are_told_after_on_connect(void **state)
{
    struct net *net = *state;

    net_listen(net);
    net_connect(net);
    prong_socket_write_then(net->client.socket, "a", 1, note_written, "a");
    prong_socket_end(net->client.socket);
    run_until(net, &net->client, "close");
    assert_events(&net->client, "connect written:a finish end close");
}

static void r077_corked_writes_are_told_when_they_left(void **state)
{
    struct net *net = *state;

    net_pair(net);
    forget(&net->client);
    prong_socket_cork(net->client.socket);
    prong_socket_write_then(net->client.socket, "a", 1, note_written, "a");
    run_idle(net);
    assert_events(&net->client, "");
    prong_socket_uncork(net->client.socket);
    assert_events(&net->client, "");
    run_idle(net);
    assert_events(&net->client, "written:a");
}

static void destroy_own(struct record *record)
{
    prong_socket_destroy(record->socket, 0);
}

static void r077_a_socket_may_be_destroyed_by_whom_it_tells(void **state)
{
    struct net *net = *state;

    net_pair(net);
    forget(&net->client);
    net->client.when = "written:a";
    net->client.then = destroy_own;
    prong_socket_write_then(net->client.socket, "a", 1, note_written, "a");
    prong_socket_write_then(net->client.socket, "b", 1, note_written, "b");
    run_until(net, &net->client, "close");
    assert_events(&net->client, "written:a written:b close"); /* both had left */
}

static char last_bytes[16];

static void keep_last(struct prong_socket *socket, const void *bytes, size_t size)
{
    struct record *record = prong_socket_user(socket);

    record->size += size;
    for (size_t i = size > 10 ? size - 10 : 0; i < size; i++) {
        memmove(last_bytes, last_bytes + 1, 9);
        last_bytes[9] = ((const char *)bytes)[i];
    }
}

static void r077_borrowed_bytes_are_sent_in_order_from_where_they_are(void **state)
{
    static struct prong_socket_events events;
    struct net *net = *state;

    events = recording;
    events.on_data = keep_last;
    net_pair(net);
    prong_socket_set_events(net->accepted.socket, &events, &net->accepted);
    prong_socket_pause(net->accepted.socket);
    prong_socket_write_borrowed(net->client.socket, big, BIG, note_written, "big");
    prong_socket_write(net->client.socket, "copied", 6);
    memcpy(big + BIG - 4, "late", 4); /* a copy would not see this */
    prong_socket_resume(net->accepted.socket);
    run_until_bytes(net, &net->accepted, BIG + 6);
    assert_memory_equal(last_bytes, "latecopied", 10);
    run_until(net, &net->client, "written:big");
}

static void r077_a_detached_socket_tells_that_its_bytes_travel(void **state)
{
    struct net *net = *state;
    struct prong_socket_image image;

    fill(net);
    prong_socket_write_then(net->client.socket, "x", 1, note_written, "x");
    assert_int_equal(prong_socket_detach(net->client.socket, &image), 0);
    net->client.socket = NULL;
    assert_events(&net->client, "");
    run_idle(net);
    assert_events(&net->client, "written:big:PRONG_EMOVED written:x:PRONG_EMOVED");
    assert_true(image.unsent_size > 1);
    prong_socket_image_clear(&image);
}

static void r077_memory_that_is_short_refuses_before_anything_is_sent(void **state)
{
    struct net *net = *state;
    struct prong_socket *socket;
    int result = -ENOMEM;

    net_pair(net);
    socket = net->client.socket;
    prong_socket_cork(socket);
    for (int i = 0; result == -ENOMEM; i++) {
        allocations = i;
        result = prong_socket_write_then(socket, "a", 1, note_written, "a");
        allocations = -1;
        assert_int_equal(prong_socket_queue_bytes(socket), result == 0 ? 1 : 0);
    }
    assert_int_equal(result, 0);
    prong_socket_uncork(socket);
    run_until_bytes(net, &net->accepted, 1);
    run_until(net, &net->client, "written:a");
    assert_events(&net->client, "connect written:a");
}

static void r077_nobody_needs_to_be_told(void **state)
{
    struct net *net = *state;

    net_pair(net);
    assert_int_equal(prong_socket_write_then(net->client.socket, "a", 1, NULL, NULL), 0);
    assert_int_equal(prong_socket_write_borrowed(net->client.socket, "b", 1, NULL, NULL), 0);
    run_until_bytes(net, &net->accepted, 2);
    assert_memory_equal(net->accepted.bytes, "ab", 2);
    assert_events(&net->client, "connect");
}

static void r077_borrowing_needs_memory_too(void **state)
{
    struct net *net = *state;
    struct prong_socket *socket;
    int result = -ENOMEM;

    net_pair(net);
    socket = net->client.socket;
    prong_socket_cork(socket);
    for (int i = 0; result == -ENOMEM; i++) {
        allocations = i;
        result = prong_socket_write_borrowed(socket, "a", 1, note_written, "a");
        allocations = -1;
    }
    assert_int_equal(result, 0);
    prong_socket_uncork(socket);
    run_until(net, &net->client, "written:a");
}

/* --- Refused --- */

static void r081_a_write_after_ones_own_end_is_an_error(void **state)
{
    struct net *net = *state;

    net_pair(net);
    forget(&net->client);
    prong_socket_end(net->client.socket);
    assert_int_equal(prong_socket_write_then(net->client.socket, "x", 1, note_written, "x"),
                     PRONG_EENDED);
    run_until(net, &net->client, "close");
    assert_events(&net->client, "error close");
    assert_int_equal(net->client.error.code, PRONG_EENDED);
    assert_string_equal(net->client.error.syscall, "");
}

static void write_late(struct record *record)
{
    assert_int_equal(prong_socket_write(record->socket, "late", 4), 0);
}

static void write_with_label(struct record *record)
{
    record->then = NULL;
    assert_int_equal(prong_socket_write_then(record->socket, "late", 4, note_written, "late"), 0);
}

static void r077_a_write_inside_on_end_is_told_before_on_finish(void **state)
{
    struct net *net = *state;

    net->accepted.when = "end";
    net->accepted.then = write_with_label;
    net_pair(net);
    prong_socket_set_allow_half_open(net->client.socket, true);
    prong_socket_end(net->client.socket);
    run_until(net, &net->accepted, "close");
    assert_events(&net->accepted, "end written:late finish close");
}

static void r082_on_end_may_still_write(void **state)
{
    struct net *net = *state;
    int fd = net_raw_pair(net);
    char bytes[8];

    net->accepted.when = "end";
    net->accepted.then = write_late;
    shutdown(fd, SHUT_WR);
    run_until(net, &net->accepted, "close");
    assert_int_equal(recv(fd, bytes, sizeof(bytes), MSG_WAITALL), 4);
    close(fd);
}

static void r082_after_on_end_a_write_is_a_broken_pipe(void **state)
{
    struct net *net = *state;

    net_pair(net);
    prong_socket_pause(net->client.socket);
    assert_int_equal(prong_socket_write(net->accepted.socket, big, BIG), 1);
    prong_socket_end(net->client.socket);
    run_until(net, &net->accepted, "end");
    run_idle(net);
    assert_int_equal(prong_socket_state(net->accepted.socket), PRONG_SOCKET_ENDING);
    assert_int_equal(prong_socket_write(net->accepted.socket, "x", 1), -EPIPE);
    run_until(net, &net->accepted, "close");
    assert_events(&net->accepted, "end error close");
}

static void r083_a_write_after_destroy_is_refused_without_an_event(void **state)
{
    struct net *net = *state;
    struct prong_socket *socket;

    net_pair(net);
    socket = net->client.socket;
    prong_socket_hold(socket);
    forget(&net->client);
    prong_socket_destroy(socket, 0);
    assert_int_equal(prong_socket_write_then(socket, "x", 1, note_written, "x"), PRONG_EDESTROYED);
    assert_int_equal(prong_socket_end(socket), PRONG_EDESTROYED);
    run_until(net, &net->client, "close");
    assert_int_equal(prong_socket_write(socket, "x", 1), PRONG_EDESTROYED);
    assert_events(&net->client, "close");
    prong_socket_release(socket);
}

/* --- The peer is gone --- */

static void r084_a_write_to_nobody_fails_the_second_time(void **state)
{
    struct net *net = *state;
    int fd = net_raw_pair(net);

    prong_socket_pause(net->accepted.socket); /* so that the end is not read */
    close(fd);
    assert_int_equal(prong_socket_write(net->accepted.socket, "x", 1), 0);
    assert_int_equal(prong_socket_write(net->accepted.socket, "x", 1), -EPIPE); /* and no SIGPIPE */
    run_until(net, &net->accepted, "close");
    assert_events(&net->accepted, "error close");
    assert_string_equal(net->accepted.error.syscall, "write");
    assert_true(net->accepted.had_error);
}

static void r085_the_failing_write_is_told_before_the_one_error(void **state)
{
    struct net *net = *state;
    int fd = net_raw_pair(net);

    prong_socket_pause(net->accepted.socket);
    prong_socket_write_then(net->accepted.socket, big, BIG, note_written, "big");
    prong_socket_write_then(net->accepted.socket, "x", 1, note_written, "x");
    close(fd); /* with unread bytes: RST */
    run_until(net, &net->accepted, "close");
    assert_events(&net->accepted, "written:big:ECONNRESET written:x:ECANCELED error close");
    assert_int_equal(net->accepted.error.code, -ECONNRESET);
}

static const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    TEST(r077_writes_are_told_in_order_once_and_later),
    TEST(r077_a_write_is_told_when_its_last_byte_is_in_the_kernel),
    TEST(r077_early_writes_are_told_after_on_connect),
    TEST(r077_corked_writes_are_told_when_they_left),
    TEST(r077_a_socket_may_be_destroyed_by_whom_it_tells),
    TEST(r077_borrowed_bytes_are_sent_in_order_from_where_they_are),
    TEST(r077_a_detached_socket_tells_that_its_bytes_travel),
    TEST(r077_memory_that_is_short_refuses_before_anything_is_sent),
    TEST(r077_nobody_needs_to_be_told),
    TEST(r077_borrowing_needs_memory_too),
    TEST(r081_a_write_after_ones_own_end_is_an_error),
    TEST(r077_a_write_inside_on_end_is_told_before_on_finish),
    TEST(r082_on_end_may_still_write),
    TEST(r082_after_on_end_a_write_is_a_broken_pipe),
    TEST(r083_a_write_after_destroy_is_refused_without_an_event),
    TEST(r084_a_write_to_nobody_fails_the_second_time),
    TEST(r085_the_failing_write_is_told_before_the_one_error),
};

int main(void)
{
    return cmocka_run_group_tests(tests, NULL, NULL);
}
