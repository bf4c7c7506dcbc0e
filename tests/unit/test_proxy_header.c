/* SPDX-License-Identifier: MIT
 *
 * Headers of the PROXY protocol, read and written.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include <cmocka.h>

#include <prong/proxy_header.h>

#define SIGNATURE "\r\n\r\n\0\r\nQUIT\n"

/* A literal without its NUL. */
#define BYTES(literal) (literal), sizeof(literal) - 1

static struct prong_address address(const char *text)
{
    struct prong_address result;

    assert_int_equal(prong_address_parse(&result, text), 0);
    return result;
}

static void assert_names(const struct prong_proxy_header *header, const char *source,
                         const char *destination)
{
    char text[PRONG_ADDRESS_TEXT_SIZE];

    assert_string_equal(prong_address_format(&header->source, text, sizeof(text)), source);
    assert_string_equal(prong_address_format(&header->destination, text, sizeof(text)),
                        destination);
}

struct good {
    const char *bytes;
    size_t size;
    const char *source, *destination;
};

static const struct good good[] = {
    {BYTES("PROXY TCP4 192.0.2.1 192.0.2.2 56324 443\r\n"), "192.0.2.1:56324", "192.0.2.2:443"},
    {BYTES("PROXY TCP6 2001:db8::1 ::1 0 65535\r\n"), "[2001:db8::1]:0", "[::1]:65535"},
    {BYTES("PROXY TCP6 ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff "
           "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff 65535 65535\r\n"),
     "[ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff]:65535",
     "[ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff]:65535"},
    {BYTES("PROXY UNKNOWN\r\n"), "-", "-"},
    {BYTES("PROXY UNKNOWN whatever this means 1 2 3\r\n"), "-", "-"},
    {BYTES(SIGNATURE "\x21\x11\0\x0c\xc0\0\x02\x01\xc0\0\x02\x02\xdc\x04\x01\xbb"),
     "192.0.2.1:56324", "192.0.2.2:443"},
    {BYTES(SIGNATURE "\x21\x21\0\x24 \x01\r\xb8\0\0\0\0\0\0\0\0\0\0\0\x01"
                     "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x01\0\x01\0\x02"),
     "[2001:db8::1]:1", "[::1]:2"},
    {BYTES(SIGNATURE "\x20\0\0\0"), "-", "-"},
    {BYTES(SIGNATURE "\x20\x11\0\x0c\xc0\0\x02\x01\xc0\0\x02\x02\xdc\x04\x01\xbb"), "-", "-"},
    {BYTES(SIGNATURE "\x21\0\0\0"), "-", "-"},
    /* Values behind the addresses: two of them, and one of no type that is known. */
    {BYTES(SIGNATURE "\x21\x11\0\x18\xc0\0\x02\x01\xc0\0\x02\x02\xdc\x04\x01\xbb"
                     "\x04\0\0\x02\0\x03"
                     "abc\xee\0\0"),
     "192.0.2.1:56324", "192.0.2.2:443"},
};

static void headers_of_both_versions_are_read(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        struct prong_proxy_header header = {.source.port = 7};

        assert_int_equal(prong_proxy_header_read(&header, good[i].bytes, good[i].size),
                         good[i].size);
        assert_names(&header, good[i].source, good[i].destination);
    }
}

static void bytes_behind_the_header_are_left(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        struct prong_proxy_header header;
        char bytes[256] = {0};

        memcpy(bytes, good[i].bytes, good[i].size);
        memcpy(bytes + good[i].size, "PROXY", 5);
        assert_int_equal(prong_proxy_header_read(&header, bytes, good[i].size + 5), good[i].size);
    }
}

static void a_part_of_a_header_waits_for_the_rest(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        struct prong_proxy_header header;

        for (size_t size = 0; size < good[i].size; size++)
            assert_int_equal(prong_proxy_header_read(&header, good[i].bytes, size), 0);
    }
}

static const struct {
    const char *bytes;
    size_t size;
} bad[] = {
    {BYTES("GET / HTTP/1.1\r\n")},
    {BYTES("PROXZ")},
    {BYTES("\r\n\r\n\1")},
    {BYTES("PROXY TCP5 192.0.2.1 192.0.2.2 1 2\r\n")},
    {BYTES("PROXY  TCP4 192.0.2.1 192.0.2.2 1 2\r\n")},
    {BYTES("PROXY TCP4  192.0.2.1 192.0.2.2 1 2\r\n")},
    {BYTES("PROXY TCP4 192.0.2.1 192.0.2.2 1\r\n")},
    {BYTES("PROXY TCP4 192.0.2.1 192.0.2.2 1 2 3\r\n")},
    {BYTES("PROXY TCP4 192.0.2.1 192.0.2.2 1 2 \r\n")},
    {BYTES("PROXY TCP4 192.0.2.1 192.0.2.2 01 2\r\n")},
    {BYTES("PROXY TCP4 192.0.2.1 192.0.2.2 1 65536\r\n")},
    {BYTES("PROXY TCP4 192.0.2.1 192.0.2.2 1 -2\r\n")},
    {BYTES("PROXY TCP4 192.0.2.01 192.0.2.2 1 2\r\n")},
    {BYTES("PROXY TCP4 ::1 ::2 1 2\r\n")},
    {BYTES("PROXY TCP6 192.0.2.1 192.0.2.2 1 2\r\n")},
    {BYTES("PROXY TCP6 fe80::1%lo ::2 1 2\r\n")},
    {BYTES("PROXY TCP4 192.0.2.1 192.0.2.2 1 2\rx")},
    {BYTES("PROXY TCP4 192.0.2.1\0 192.0.2.2 1 2\r\n")},
    {BYTES("PROXY\r\n")},
    {BYTES("PROXY \r\n")},
    {BYTES(SIGNATURE "\x31")},                                 /* version 3 */
    {BYTES(SIGNATURE "\x22\x11\0\0")},                         /* no such command */
    {BYTES(SIGNATURE "\x21\x41\0\0")},                         /* no such family */
    {BYTES(SIGNATURE "\x21\x13\0\0")},                         /* no such protocol */
    {BYTES(SIGNATURE "\x21\x11\0\x0b\0\0\0\0\0\0\0\0\0\0\0")}, /* addresses too short */
    {BYTES(SIGNATURE "\x21\0\0\x02\x04\0")},                   /* half the head of a value */
    {BYTES(SIGNATURE "\x21\0\0\x04\x04\0\x02x")},              /* a value too long */
};

static void what_is_no_header_is_told(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct prong_proxy_header header;

        if (prong_proxy_header_read(&header, bad[i].bytes, bad[i].size) != -EPROTO)
            fail_msg("case %zu is accepted", i);
    }
}

static void an_endless_line_is_no_header(void **state)
{
    struct prong_proxy_header header;
    char bytes[200];

    (void)state;
    memset(bytes, 'x', sizeof(bytes));
    memcpy(bytes, "PROXY UNKNOWN ", 14);
    assert_int_equal(prong_proxy_header_read(&header, bytes, 105), 0);
    assert_int_equal(prong_proxy_header_read(&header, bytes, 106), -EPROTO);
    assert_int_equal(prong_proxy_header_read(&header, bytes, 200), -EPROTO);
}

static void a_header_beyond_the_limit_is_told_at_once(void **state)
{
    static const char head[] = SIGNATURE "\x20\0\x0f\xf1"; /* 16 + 4081 */
    struct prong_proxy_header header;

    (void)state;
    assert_int_equal(prong_proxy_header_read(&header, head, sizeof(head) - 1), -EMSGSIZE);
}

/* As HAProxy writes it with proxy-v2-options crc32c, of 127.0.0.1:1 and 127.0.0.1:2. */
static void a_checksum_must_be_right(void **state)
{
    char bytes[] = SIGNATURE "\x21\x11\0\x13\x7f\0\0\x01\x7f\0\0\x01\0\x01\0\x02\x03\0\x04"
                             "\0\0\0\0";
    size_t size = sizeof(bytes) - 1;
    uint32_t crc = UINT32_MAX;
    struct prong_proxy_header header;

    (void)state;
    for (size_t i = 0; i < size; i++) {
        crc ^= (uint8_t)bytes[i];
        for (unsigned bit = 0; bit < 8; bit++)
            crc = crc >> 1 ^ (crc & 1 ? 0x82f63b78 : 0);
    }
    crc = ~crc;
    assert_int_equal(prong_proxy_header_read(&header, bytes, size), -EBADMSG);
    for (unsigned i = 0; i < 4; i++)
        bytes[size - 4 + i] = (char)(crc >> (24 - 8 * i));
    assert_int_equal(prong_proxy_header_read(&header, bytes, size), size);
    bytes[20]++;
    assert_int_equal(prong_proxy_header_read(&header, bytes, size), -EBADMSG);
}

static void what_is_written_is_read_again(void **state)
{
    static const char *const pairs[][2] = {
        {"192.0.2.1:56324", "192.0.2.2:443"},
        {"[2001:db8::1]:1", "[::1]:65535"},
        {"[ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff]:65535",
         "[ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff]:65535"},
    };

    (void)state;
    for (size_t i = 0; i < 2 * sizeof(pairs) / sizeof(pairs[0]); i++) {
        enum prong_proxy_version version = i % 2 == 0 ? PRONG_PROXY_V1 : PRONG_PROXY_V2;
        struct prong_address source = address(pairs[i / 2][0]);
        struct prong_address destination = address(pairs[i / 2][1]);
        struct prong_proxy_header header;
        uint8_t bytes[PRONG_PROXY_HEADER_SIZE];
        size_t size = prong_proxy_header_write(bytes, version, &source, &destination);

        assert_int_equal(prong_proxy_header_read(&header, bytes, size), size);
        assert_names(&header, pairs[i / 2][0], pairs[i / 2][1]);
    }
}

static void mapped_addresses_are_written_as_ipv4(void **state)
{
    struct prong_address source = address("[::ffff:192.0.2.1]:1");
    struct prong_address destination = address("[::ffff:192.0.2.2]:2");
    uint8_t bytes[PRONG_PROXY_HEADER_SIZE];
    size_t size = prong_proxy_header_write(bytes, PRONG_PROXY_V1, &source, &destination);

    (void)state;
    assert_int_equal(size, strlen("PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r\n"));
    assert_memory_equal(bytes, "PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r\n", size);
}

static void two_families_are_written_as_ipv6(void **state)
{
    struct prong_address source = address("[2001:db8::1]:1"), destination = address("192.0.2.2:2");
    struct prong_proxy_header header;
    uint8_t bytes[PRONG_PROXY_HEADER_SIZE];
    size_t size = prong_proxy_header_write(bytes, PRONG_PROXY_V2, &source, &destination);

    (void)state;
    assert_int_equal(prong_proxy_header_read(&header, bytes, size), size);
    assert_names(&header, "[2001:db8::1]:1", "[::ffff:192.0.2.2]:2");
}

static void a_client_without_an_ip_address_is_unknown(void **state)
{
    struct prong_address source = {.family = AF_UNIX}, destination = address("192.0.2.2:2");
    uint8_t bytes[PRONG_PROXY_HEADER_SIZE];
    struct prong_proxy_header header;
    size_t size = prong_proxy_header_write(bytes, PRONG_PROXY_V1, &source, &destination);

    (void)state;
    assert_int_equal(size, 15);
    assert_memory_equal(bytes, "PROXY UNKNOWN\r\n", size);
    size = prong_proxy_header_write(bytes, PRONG_PROXY_V2, &source, &destination);
    assert_int_equal(prong_proxy_header_read(&header, bytes, size), 16);
    assert_int_equal(header.source.family, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(headers_of_both_versions_are_read),
        cmocka_unit_test(bytes_behind_the_header_are_left),
        cmocka_unit_test(a_part_of_a_header_waits_for_the_rest),
        cmocka_unit_test(what_is_no_header_is_told),
        cmocka_unit_test(an_endless_line_is_no_header),
        cmocka_unit_test(a_header_beyond_the_limit_is_told_at_once),
        cmocka_unit_test(a_checksum_must_be_right),
        cmocka_unit_test(what_is_written_is_read_again),
        cmocka_unit_test(mapped_addresses_are_written_as_ipv4),
        cmocka_unit_test(two_families_are_written_as_ipv6),
        cmocka_unit_test(a_client_without_an_ip_address_is_unknown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
