/* SPDX-License-Identifier: MIT
 *
 * Frames that leave: what is on the wire, what is refused, and that the peer's framing gives back
 * what was written.
 */
#include "net_fixture.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>

struct row {
    struct prong_framing_options options;
    const char *bytes;
    size_t size;
    const char *wire; /* NULL: refused with `result` */
    size_t wire_size;
    int result;
};

#define SENT(kind, limit, bytes, wire)                                                     \
    {                                                                                      \
        {PRONG_FRAMING_##kind, limit}, bytes, sizeof(bytes) - 1, wire, sizeof(wire) - 1, 0 \
    }
#define REFUSED(kind, limit, bytes, result)                                      \
    {                                                                            \
        {PRONG_FRAMING_##kind, limit}, bytes, sizeof(bytes) - 1, NULL, 0, result \
    }

static const struct row rows[] = {
    SENT(LINE, 9, "hello", "hello\n"),
    SENT(LINE, 9, "", "\n"),
    SENT(LINE, 9, "a\rb", "a\rb\n"),
    SENT(LF, 9, "hello\r", "hello\r\n"),
    SENT(CRLF, 9, "a\nb\r", "a\nb\r\r\n"),
    SENT(U8, 9, "hello", "\5hello"),
    SENT(U8, 9, "", "\0"),
    SENT(U16_BE, 9, "hello", "\0\5hello"),
    SENT(U16_LE, 9, "hello", "\5\0hello"),
    SENT(U32_BE, 9, "hello", "\0\0\0\5hello"),
    SENT(U32_LE, 9, "hello", "\5\0\0\0hello"),
    SENT(VARINT, 9, "hello", "\5hello"),
    SENT(FIXED, 5, "hello", "hello"),
    REFUSED(LINE, 9, "two\nlines", -EINVAL),
    REFUSED(LINE, 9, "hello\r", -EINVAL),
    REFUSED(LF, 9, "\n", -EINVAL),
    REFUSED(CRLF, 9, "two\r\nx", -EINVAL),
    REFUSED(FIXED, 5, "four", -EINVAL),
    REFUSED(LINE, 4, "hello", -EMSGSIZE),
    REFUSED(U32_BE, 4, "hello", -EMSGSIZE),
};

#define ROW_COUNT (sizeof(rows) / sizeof(rows[0]))

static int write_row(struct net *net, const struct row *row)
{
    return prong_framing_write(net->client.socket, &row->options, row->bytes, row->size);
}

static void assert_frame(const struct row *row, const void *wire, size_t size)
{
    struct prong_bytes input = {wire, size}, frame;
    struct prong_framing framing;

    assert_int_equal(prong_framing_init(&framing, &row->options), 0);
    assert_int_equal(prong_framing_next(&framing, &input, &frame), 1);
    assert_int_equal(frame.size, row->size);
    assert_memory_equal(frame.bytes, row->bytes, row->size);
    assert_int_equal(prong_framing_next(&framing, &input, &frame), 0);
}

static void what_is_written_is_the_frame_that_the_peer_gets(void **state)
{
    struct net *net = *state;
    size_t before = 0;

    net_pair(net);
    for (size_t i = 0; i < ROW_COUNT; i++) {
        if (rows[i].wire == NULL)
            continue;
        assert_int_equal(write_row(net, &rows[i]), 0);
        run_until_bytes(net, &net->accepted, before + rows[i].wire_size);
        assert_int_equal(net->accepted.size, before + rows[i].wire_size);
        assert_memory_equal(net->accepted.bytes + before, rows[i].wire, rows[i].wire_size);
        assert_frame(&rows[i], net->accepted.bytes + before, rows[i].wire_size);
        before = net->accepted.size;
    }
}

static void what_the_peer_could_not_cut_is_refused_and_nothing_sent(void **state)
{
    struct net *net = *state;

    net_pair(net);
    for (size_t i = 0; i < ROW_COUNT; i++) {
        if (rows[i].wire == NULL)
            assert_int_equal(write_row(net, &rows[i]), rows[i].result);
    }
    assert_int_equal(prong_socket_bytes_written(net->client.socket), 0);
    assert_int_equal(prong_socket_state(net->client.socket), PRONG_SOCKET_OPEN);
}

static void a_length_must_have_room_in_its_mark(void **state)
{
    static const char bytes[65536];
    static const struct {
        struct prong_framing_options options;
        size_t most;
    } marks[] = {
        {{PRONG_FRAMING_U8, 100000}, 255},
        {{PRONG_FRAMING_U16_BE, 100000}, 65535},
        {{PRONG_FRAMING_U16_LE, 100000}, 65535},
    };
    struct net *net = *state;

    net_pair(net);
    for (size_t i = 0; i < sizeof(marks) / sizeof(marks[0]); i++) {
        struct prong_socket *socket = net->client.socket;

        assert_int_equal(prong_framing_write(socket, &marks[i].options, bytes, marks[i].most + 1),
                         -EMSGSIZE);
        assert_true(prong_framing_write(socket, &marks[i].options, bytes, marks[i].most) >= 0);
    }
    assert_int_equal(prong_socket_bytes_written(net->client.socket) +
                         prong_socket_queue_bytes(net->client.socket),
                     256 + 2 * 65537);
}

static void a_long_varint_is_cut_again(void **state)
{
    static const struct prong_framing_options options = {PRONG_FRAMING_VARINT, 100000};
    static char bytes[20000];
    const struct row row = {options, bytes, sizeof(bytes), NULL, 0, 0};
    struct net *net = *state;

    memset(bytes, 'v', sizeof(bytes));
    net_pair(net);
    assert_int_equal(write_row(net, &row), 0);
    run_until_bytes(net, &net->accepted, sizeof(bytes) + 3);
    assert_memory_equal(net->accepted.bytes, "\xa0\x9c\x01", 3);
    assert_frame(&row, net->accepted.bytes, net->accepted.size);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, net_setup, net_teardown)

static const struct CMUnitTest tests[] = {
    TEST(what_is_written_is_the_frame_that_the_peer_gets),
    TEST(what_the_peer_could_not_cut_is_refused_and_nothing_sent),
    TEST(a_length_must_have_room_in_its_mark),
    TEST(a_long_varint_is_cut_again),
};

int main(void)
{
    return cmocka_run_group_tests(tests, NULL, NULL);
}
