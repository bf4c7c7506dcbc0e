/* SPDX-License-Identifier: MIT
 *
 * The rules of reading, R63 to R66 and R68 to R71.  R67 stands in test_rules_hangup.c.
 */
#include "net_fixture.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static void send_all(int fd, size_t size)
{
    char *bytes = calloc(1, size);

    assert_non_null(bytes);
    assert_int_equal(send(fd, bytes, size, MSG_NOSIGNAL), size);
    free(bytes);
}

/* --- Portions --- */

static void note_portion(struct record *record)
{
    assert_true(record->size <= PRONG_READ_SIZE);
    record->size = 0;
}

static void r063_one_data_is_one_read_of_at_most_64_kib(void **state)
{
    struct net *net = *state;
    int fd = net_raw_pair(net);
    struct prong_socket *socket = net->accepted.socket;

    prong_socket_pause(socket);
    send_all(fd, 200000);
    net->accepted.when = "data";
    net->accepted.then = note_portion;
    prong_socket_resume(socket);
    while (prong_socket_bytes_read(socket) < 200000)
        run_idle(net);
    assert_true(happened(&net->accepted, "data:65536"));
    close(fd);
}

static void r064_nothing_is_read_ahead_for_a_paused_socket(void **state)
{
    struct net *net = *state;
    int fd;

    net->options.pause_on_connect = true;
    fd = net_raw_pair(net);
    send_all(fd, 1000);
    run_idle(net);
    assert_int_equal(prong_socket_bytes_read(net->accepted.socket), 0);
    assert_int_equal(prong_server_counters(net->server)->bytes_read, 0);
    prong_socket_resume(net->accepted.socket);
    run_until_bytes(net, &net->accepted, 1000);
    close(fd);
}

/* --- The end behind the last byte --- */

static void give_back_all(struct record *record)
{
    record->then = NULL;
    assert_int_equal(prong_socket_unread(record->socket, record->bytes, record->size), 0);
    record->size = 0;
}

static void r065_end_comes_after_every_byte_was_consumed(void **state)
{
    struct net *net = *state;
    int fd = net_raw_pair(net);

    net->accepted.when = "data";
    net->accepted.then = give_back_all;
    send_all(fd, 10);
    close(fd);
    run_until(net, &net->accepted, "close");
    assert_events(&net->accepted, "data:10 data:10 end finish close");
}

static void pause_and_give_back(struct record *record)
{
    give_back_all(record);
    prong_socket_pause(record->socket);
}

static void r065_end_waits_while_bytes_are_held_back(void **state)
{
    struct net *net = *state;
    int fd = net_raw_pair(net);

    net->accepted.when = "data";
    net->accepted.then = pause_and_give_back;
    send_all(fd, 10);
    close(fd);
    run_until(net, &net->accepted, "data:10");
    run_idle(net);
    assert_false(happened(&net->accepted, "end"));
    assert_int_equal(prong_socket_unread_bytes(net->accepted.socket), 10);
    prong_socket_resume(net->accepted.socket);
    run_until(net, &net->accepted, "close");
    assert_events(&net->accepted, "data:10 data:10 end finish close");
}

static void r065_without_a_reader_bytes_are_discarded_and_the_end_arrives(void **state)
{
    static struct prong_socket_events deaf;
    struct net *net = *state;
    int fd = net_raw_pair(net);

    deaf = recording;
    deaf.on_data = NULL;
    prong_socket_set_events(net->accepted.socket, &deaf, &net->accepted);
    send_all(fd, 100000);
    close(fd);
    run_until(net, &net->accepted, "close");
    assert_events(&net->accepted, "end finish close");
    assert_int_equal(prong_server_counters(net->server)->bytes_read, 100000);
}

/* --- Pausing --- */

static void pause_self(struct record *record)
{
    prong_socket_pause(record->socket);
}

static void r066_a_pause_inside_on_data_stops_at_once(void **state)
{
    struct net *net = *state;
    struct prong_socket *socket;
    int fd = net_raw_pair(net);

    socket = net->accepted.socket;
    net->accepted.when = "data";
    net->accepted.then = pause_self;
    send_all(fd, 200000);
    run_until(net, &net->accepted, "data");
    run_idle(net);
    assert_true(prong_socket_is_paused(socket));
    assert_int_equal(prong_socket_bytes_read(socket), net->accepted.size);
    assert_true(net->accepted.size <= PRONG_READ_SIZE);
    close(fd);
}

static void r066_resume_goes_on_where_it_stopped(void **state)
{
    struct net *net = *state;
    int fd = net_raw_pair(net);

    prong_socket_pause(net->accepted.socket);
    assert_int_equal(write(fd, "abc", 3), 3);
    run_idle(net);
    assert_int_equal(write(fd, "def", 3), 3);
    prong_socket_resume(net->accepted.socket);
    run_until_bytes(net, &net->accepted, 6);
    assert_memory_equal(net->accepted.bytes, "abcdef", 6);
    close(fd);
}

/* --- Counting, discarding --- */

static void r068_the_count_survives_the_socket(void **state)
{
    struct net *net = *state;
    struct prong_socket *socket;
    int fd = net_raw_pair(net);

    socket = net->accepted.socket;
    prong_socket_hold(socket);
    send_all(fd, 1000);
    run_until_bytes(net, &net->accepted, 1000);
    prong_socket_destroy(socket, 0);
    assert_int_equal(prong_socket_bytes_read(socket), 1000);
    run_until(net, &net->accepted, "close");
    assert_int_equal(prong_socket_bytes_read(socket), 1000);
    prong_socket_release(socket);
    close(fd);
}

static void give_back_and_destroy(struct record *record)
{
    give_back_all(record);
    prong_socket_destroy(record->socket, 0);
}

static void r069_destroy_drops_what_was_not_delivered(void **state)
{
    struct net *net = *state;
    int fd = net_raw_pair(net);

    net->accepted.when = "data";
    net->accepted.then = give_back_and_destroy;
    send_all(fd, 100);
    run_until(net, &net->accepted, "close");
    assert_events(&net->accepted, "data:100 close");
    close(fd);
}

/* --- The user's own buffer --- */

static char place[8];
static size_t room;
static bool go_on;

static void *on_buffer(struct prong_socket *socket, size_t *size)
{
    (void)socket;
    *size = room;
    return place;
}

static bool on_read(struct prong_socket *socket, void *bytes, size_t size)
{
    struct record *record = prong_socket_user(socket);

    assert_ptr_equal(bytes, place);
    memcpy(record->bytes + record->size, bytes, size);
    record->size += size;
    note(record, "read:%zu", size);
    return go_on;
}

static void use_own_buffer(struct net *net)
{
    static struct prong_socket_events events;

    events = recording;
    events.on_buffer = on_buffer;
    events.on_read = on_read;
    room = sizeof(place);
    go_on = true;
    prong_socket_set_events(net->accepted.socket, &events, &net->accepted);
}

static void r070_own_buffers_are_filled_instead_of_on_data(void **state)
{
    struct net *net = *state;
    int fd = net_raw_pair(net);

    use_own_buffer(net);
    assert_int_equal(write(fd, "0123456789", 10), 10);
    close(fd);
    run_until(net, &net->accepted, "close");
    assert_events(&net->accepted, "read:8 read:2 end finish close");
    assert_memory_equal(net->accepted.bytes, "0123456789", 10);
}

static void r070_false_pauses(void **state)
{
    struct net *net = *state;
    int fd = net_raw_pair(net);

    use_own_buffer(net);
    go_on = false;
    assert_int_equal(write(fd, "0123456789", 10), 10);
    run_until(net, &net->accepted, "read:8");
    run_idle(net);
    assert_events(&net->accepted, "read:8");
    assert_true(prong_socket_is_paused(net->accepted.socket));
    prong_socket_resume(net->accepted.socket);
    run_until(net, &net->accepted, "read:2");
    close(fd);
}

static void r070_no_room_pauses(void **state)
{
    struct net *net = *state;
    int fd = net_raw_pair(net);

    use_own_buffer(net);
    room = 0;
    assert_int_equal(write(fd, "01234567", 8), 8);
    run_idle(net);
    assert_true(prong_socket_is_paused(net->accepted.socket));
    assert_int_equal(prong_socket_bytes_read(net->accepted.socket), 0);
    room = sizeof(place);
    prong_socket_resume(net->accepted.socket);
    run_until(net, &net->accepted, "read:8");
    close(fd);
}

static void r070_what_was_given_back_comes_in_portions_and_before_the_end(void **state)
{
    struct net *net = *state;
    int fd = net_raw_pair(net);

    net->accepted.when = "data";
    net->accepted.then = pause_and_give_back;
    assert_int_equal(write(fd, "0123456789abcdefXYZ", 19), 19);
    run_until(net, &net->accepted, "data:19");
    use_own_buffer(net);
    assert_int_equal(write(fd, "!", 1), 1);
    close(fd);
    prong_socket_resume(net->accepted.socket);
    run_until(net, &net->accepted, "close");
    assert_events(&net->accepted, "data:19 read:8 read:8 read:3 read:1 end finish close");
    assert_memory_equal(net->accepted.bytes, "0123456789abcdefXYZ!", 20);
}

/* --- Resets --- */

static void r071_a_reset_is_an_error_and_no_end(void **state)
{
    struct net *net = *state;
    int fd = net_raw_pair(net);

    net_raw_reset(fd);
    run_until(net, &net->accepted, "close");
    assert_events(&net->accepted, "error close");
    assert_int_equal(net->accepted.error.code, -ECONNRESET);
    assert_string_equal(net->accepted.error.syscall, "read");
    assert_true(net->accepted.had_error);
}

static void r071_a_reset_behind_bytes_is_an_error_behind_them(void **state)
{
    struct net *net = *state;
    int fd = net_raw_pair(net);

    assert_int_equal(write(fd, "bytes", 5), 5);
    net_raw_reset(fd);
    run_until(net, &net->accepted, "close");
    assert_events(&net->accepted, "data:5 error close");
    assert_int_equal(net->accepted.error.code, -ECONNRESET);
}

static const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, net_setup, net_teardown)
    TEST(r063_one_data_is_one_read_of_at_most_64_kib),
    TEST(r064_nothing_is_read_ahead_for_a_paused_socket),
    TEST(r065_end_comes_after_every_byte_was_consumed),
    TEST(r065_end_waits_while_bytes_are_held_back),
    TEST(r065_without_a_reader_bytes_are_discarded_and_the_end_arrives),
    TEST(r066_a_pause_inside_on_data_stops_at_once),
    TEST(r066_resume_goes_on_where_it_stopped),
    TEST(r068_the_count_survives_the_socket),
    TEST(r069_destroy_drops_what_was_not_delivered),
    TEST(r070_own_buffers_are_filled_instead_of_on_data),
    TEST(r070_false_pauses),
    TEST(r070_no_room_pauses),
    TEST(r070_what_was_given_back_comes_in_portions_and_before_the_end),
    TEST(r071_a_reset_is_an_error_and_no_end),
    TEST(r071_a_reset_behind_bytes_is_an_error_behind_them),
};

int main(void)
{
    return cmocka_run_group_tests(tests, NULL, NULL);
}
