/* SPDX-License-Identifier: MIT
 *
 * Addresses: telling them apart, parsing, formatting, comparing.
 */
#include <prong/address.h>

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>

#include <cmocka.h>

#define COUNT(rows) (sizeof(rows) / sizeof((rows)[0]))

struct kind_row {
    const char *text;
    int kind;
};

static void r115_an_ip_is_told_by_its_text_alone(void **state)
{
    static const struct kind_row rows[] = {
        {"127.0.0.1", 4},
        {"0.0.0.0", 4},
        {"255.255.255.255", 4},
        {"::", 6},
        {"::1", 6},
        {"2001:db8::8:800:200C:417A", 6},
        {"::ffff:127.0.0.1", 6},
        {"1:2:3:4:5:6:7:8", 6},
        {"1:2:3:4:5:6:1.2.3.4", 6},
        {"fe80::1%eth0", 6},
        {"fe80::1%17", 6},
        {"::1%lo", 6},
        {"01.2.3.4", 0},
        {"1.2.3.04", 0},
        {"127.0.0.1/8", 0},
        {"127.0.0.1:80", 0},
        {"127.0.0.1 ", 0},
        {" 127.0.0.1", 0},
        {"127.0.0", 0},
        {"127.0.0.1.1", 0},
        {"127.0.0.256", 0},
        {"1.2.3.4%eth0", 0},
        {"0x7f.1", 0},
        {"::ffff:01.2.3.4", 0},
        {"::/0", 0},
        {"[::1]", 0},
        {"fe80::1%", 0},
        {":::", 0},
        {"1::2::3", 0},
        {"12345::", 0},
        {"1:2:3:4:5:6:7:8:9", 0},
        {"localhost", 0},
        {"", 0},
        {"1111111111111111111111111111111111111111111111111111", 0},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        if (prong_is_ip(rows[i].text) != rows[i].kind)
            fail_msg("\"%s\" gave %d", rows[i].text, prong_is_ip(rows[i].text));
    }
    assert_int_equal(prong_is_ip(NULL), 0);
}

static void r115_what_is_an_ip_becomes_an_address(void **state)
{
    struct prong_address address;
    char text[PRONG_ADDRESS_TEXT_SIZE];

    (void)state;
    assert_int_equal(prong_address_from_ip(&address, "2001:DB8::1", 80), 0);
    assert_int_equal(address.family, AF_INET6);
    assert_int_equal(address.port, 80);
    assert_string_equal(prong_address_format_ip(&address, text, sizeof(text)), "2001:db8::1");
    assert_int_equal(prong_address_from_ip(&address, "10.1.2.3", 0), 0);
    assert_int_equal(address.family, AF_INET);
    assert_string_equal(prong_address_format_ip(&address, text, sizeof(text)), "10.1.2.3");
}

static void what_is_none_leaves_the_address_untouched(void **state)
{
    static const struct kind_row rows[] = {
        {"localhost", -EINVAL},          {"", -EINVAL},         {"1.2.3.4%lo", -EINVAL},
        {"fe80::1%no-such-if", -ENODEV}, {"fe80::1%", -EINVAL}, {"fe80::1%1x", -EINVAL},
        {"fe80::1%4294967296", -EINVAL},
    };
    struct prong_address address = {.port = 4711};

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++)
        assert_int_equal(prong_address_from_ip(&address, rows[i].text, 80), rows[i].kind);
    assert_int_equal(prong_address_from_ip(&address, NULL, 80), -EINVAL);
    assert_int_equal(prong_address_from_path(&address, ""), -EINVAL);
    assert_int_equal(prong_address_from_path(&address, "@"), -EINVAL);
    assert_int_equal(prong_address_from_path(&address, NULL), -EINVAL);
    assert_int_equal(prong_address_parse(&address, NULL), -EINVAL);
    assert_int_equal(address.port, 4711);
}

static void a_zone_is_the_name_or_the_number_of_an_interface(void **state)
{
    struct prong_address by_name, by_number;
    char text[PRONG_ADDRESS_TEXT_SIZE];

    (void)state;
    assert_int_equal(prong_address_from_ip(&by_name, "fe80::1%lo", 0), 0);
    assert_int_equal(prong_address_from_ip(&by_number, "fe80::1%1", 0), 0);
    assert_true(prong_address_equal(&by_name, &by_number));
    assert_string_equal(prong_address_format_ip(&by_name, text, sizeof(text)), "fe80::1%1");
    by_number.scope = 2;
    assert_false(prong_address_equal(&by_name, &by_number));
}

/* --- Text and back --- */

static void what_is_parsed_is_formatted_the_same(void **state)
{
    static const char *const texts[] = {
        "1.2.3.4:80",     "0.0.0.0:0",         "255.255.255.255:65535",  "[::]:0",     "[::1]:80",
        "[fe80::1%1]:80", "[2001:db8::1]:443", "unix:/run/prong/a.sock", "unix:@name", "unix:a",
    };
    char text[PRONG_ADDRESS_TEXT_SIZE];

    (void)state;
    for (size_t i = 0; i < COUNT(texts); i++) {
        struct prong_address address, again;

        assert_int_equal(prong_address_parse(&address, texts[i]), 0);
        assert_string_equal(prong_address_format(&address, text, sizeof(text)), texts[i]);
        assert_int_equal(prong_address_parse(&again, text), 0);
        assert_true(prong_address_equal(&address, &again));
    }
}

static void what_is_no_address_is_not_parsed(void **state)
{
    static const char *const texts[] = {
        "",
        ":",
        ":80",
        "1.2.3.4",
        "1.2.3.4:",
        "1.2.3.4:65536",
        "1.2.3.4:x",
        "1.2.3.4:+1",
        "1.2.3.4: 1",
        "1.2.3.4:1 ",
        "::1:80",
        "[1.2.3.4]:80",
        "[::1]80",
        "[::1:80",
        "::1]:80",
        "[::1]",
        "[]:80",
        "[:80",
        "]:80",
        "name:80",
        "[::1%]:80",
        "unix:",
        "unix:@",
        "01.2.3.4:80",
        "[[::1]]:80",
        "1.2.3.4:99999999999999999999",
        "[1111111111111111111111111111111111111111111111111111111111111111111111111111111]:80",
    };
    struct prong_address address;

    (void)state;
    for (size_t i = 0; i < COUNT(texts); i++) {
        if (prong_address_parse(&address, texts[i]) != -EINVAL)
            fail_msg("\"%s\" was parsed", texts[i]);
    }
}

static void r018_a_name_that_does_not_fit_is_too_long(void **state)
{
    struct prong_address address;
    char text[5 + PRONG_PATH_SIZE + 2] = "unix:";

    (void)state;
    memset(text + 5, 'x', PRONG_PATH_SIZE);
    assert_int_equal(prong_address_parse(&address, text), -ENAMETOOLONG);
    text[5] = '@'; /* an abstract name needs no NUL */
    assert_int_equal(prong_address_parse(&address, text), 0);
    assert_int_equal(address.path_size, PRONG_PATH_SIZE);
    text[5 + PRONG_PATH_SIZE] = 'x';
    assert_int_equal(prong_address_parse(&address, text), -ENAMETOOLONG);
}

static void odd_bytes_of_a_path_are_escaped(void **state)
{
    struct prong_address address;
    char text[PRONG_ADDRESS_TEXT_SIZE];

    (void)state;
    assert_int_equal(prong_address_from_path(&address, "/a b\\c\n\x7f\xc3"), 0);
    assert_string_equal(prong_address_format(&address, text, sizeof(text)),
                        "unix:/a\\x20b\\x5cc\\x0a\\x7f\\xc3");
    address = (struct prong_address){.family = AF_UNIX, .path_size = 4, .path = "\0a\0b"};
    assert_string_equal(prong_address_format(&address, text, sizeof(text)), "unix:@a\\x00b");
    address = (struct prong_address){.family = AF_UNIX, .path_size = 2, .path = "@a"};
    assert_string_equal(prong_address_format(&address, text, sizeof(text)), "unix:\\x40a");
    memset(address.path, '\n', sizeof(address.path));
    address.path_size = PRONG_PATH_SIZE;
    assert_int_equal(strlen(prong_address_format(&address, text, sizeof(text))),
                     5 + 4 * PRONG_PATH_SIZE);
}

static void a_text_that_is_too_small_is_cut_at_a_byte_of_the_path(void **state)
{
    struct prong_address address;
    char text[16];

    (void)state;
    assert_int_equal(prong_address_from_path(&address, "abc\ndef"), 0);
    for (size_t size = 1; size <= sizeof(text); size++) {
        memset(text, '#', sizeof(text));
        prong_address_format(&address, text, size);
        assert_true(strlen(text) < size);
    }
    assert_string_equal(prong_address_format(&address, text, 11), "unix:abc");
    assert_string_equal(prong_address_format(&address, text, 13), "unix:abc\\x0a");
    text[0] = '#';
    prong_address_format(&address, text, 0);
    assert_int_equal(text[0], '#');
}

static void an_address_of_no_family_is_a_dash(void **state)
{
    struct prong_address none = {0}, unnamed = {.family = AF_UNIX};
    char text[PRONG_ADDRESS_TEXT_SIZE];

    (void)state;
    assert_string_equal(prong_address_format(&none, text, sizeof(text)), "-");
    assert_string_equal(prong_address_format_ip(&none, text, sizeof(text)), "-");
    assert_string_equal(prong_address_format_ip(&unnamed, text, sizeof(text)), "-");
    assert_string_equal(prong_address_format(&unnamed, text, sizeof(text)), "unix:");
}

/* --- Comparing --- */

static void equal_is_the_same_family_value_and_port(void **state)
{
    static const char *const texts[] = {
        "1.2.3.4:80", "1.2.3.4:81", "1.2.3.5:80", "[::ffff:1.2.3.4]:80",
        "[::1]:80",   "[::1]:81",   "[::2]:80",   "unix:/a",
        "unix:/b",    "unix:@a",
    };

    (void)state;
    for (size_t i = 0; i < COUNT(texts); i++) {
        for (size_t j = 0; j < COUNT(texts); j++) {
            struct prong_address left, right;

            memset(&left, 0x55, sizeof(left));
            memset(&right, 0xaa, sizeof(right));
            assert_int_equal(prong_address_parse(&left, texts[i]), 0);
            assert_int_equal(prong_address_parse(&right, texts[j]), 0);
            assert_int_equal(prong_address_equal(&left, &right), i == j);
        }
    }
}

static void two_addresses_of_no_family_are_equal(void **state)
{
    struct prong_address left = {0}, right = {0};

    (void)state;
    assert_true(prong_address_equal(&left, &right));
}

static void only_ipv4_in_ipv6_is_mapped(void **state)
{
    static const struct kind_row rows[] = {
        {"::ffff:1.2.3.4", 1}, {"::ffff:0:1.2.3.4", 0}, {"::1.2.3.4", 0}, {"1.2.3.4", 0}, {"::", 0},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct prong_address address;

        assert_int_equal(prong_address_from_ip(&address, rows[i].text, 0), 0);
        assert_int_equal(prong_address_is_mapped(&address), rows[i].kind);
    }
}

/* --- The kernel's form --- */

static void the_kernels_form_and_back_is_the_same(void **state)
{
    static const char *const texts[] = {
        "1.2.3.4:80", "[fe80::1%1]:80", "unix:/run/a", "unix:@a", "[::]:0",
    };

    (void)state;
    for (size_t i = 0; i < COUNT(texts); i++) {
        struct prong_address address, again;
        struct sockaddr_storage storage;
        socklen_t length = 0;

        assert_int_equal(prong_address_parse(&address, texts[i]), 0);
        assert_int_equal(prong_address_to_sockaddr(&address, &storage, &length), 0);
        prong_address_from_sockaddr(&again, (struct sockaddr *)&storage, length);
        assert_true(prong_address_equal(&address, &again));
    }
}

static void what_the_kernel_says_may_be_short_or_strange(void **state)
{
    struct sockaddr_storage storage = {.ss_family = AF_INET6};
    struct sockaddr_un name = {.sun_family = AF_UNIX};
    struct prong_address address;
    socklen_t length;

    (void)state;
    prong_address_from_sockaddr(&address, (struct sockaddr *)&storage, 1);
    assert_int_equal(address.family, 0);
    prong_address_from_sockaddr(&address, (struct sockaddr *)&storage, 8);
    assert_int_equal(address.family, 0);
    storage.ss_family = AF_PACKET;
    prong_address_from_sockaddr(&address, (struct sockaddr *)&storage, sizeof(storage));
    assert_int_equal(address.family, 0);
    prong_address_from_sockaddr(&address, (struct sockaddr *)&name, sizeof(sa_family_t));
    assert_int_equal(address.family, AF_UNIX);
    assert_int_equal(address.path_size, 0);
    /* A path that fills sun_path has no NUL (unix(7), BUGS). */
    memset(name.sun_path, 'x', sizeof(name.sun_path));
    prong_address_from_sockaddr(&address, (struct sockaddr *)&name, sizeof(name));
    assert_int_equal(address.path_size, PRONG_PATH_SIZE);
    address.family = 0;
    assert_int_equal(prong_address_to_sockaddr(&address, &storage, &length), -EAFNOSUPPORT);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(r115_an_ip_is_told_by_its_text_alone),
    cmocka_unit_test(r115_what_is_an_ip_becomes_an_address),
    cmocka_unit_test(what_is_none_leaves_the_address_untouched),
    cmocka_unit_test(a_zone_is_the_name_or_the_number_of_an_interface),
    cmocka_unit_test(what_is_parsed_is_formatted_the_same),
    cmocka_unit_test(what_is_no_address_is_not_parsed),
    cmocka_unit_test(r018_a_name_that_does_not_fit_is_too_long),
    cmocka_unit_test(odd_bytes_of_a_path_are_escaped),
    cmocka_unit_test(a_text_that_is_too_small_is_cut_at_a_byte_of_the_path),
    cmocka_unit_test(an_address_of_no_family_is_a_dash),
    cmocka_unit_test(equal_is_the_same_family_value_and_port),
    cmocka_unit_test(two_addresses_of_no_family_are_equal),
    cmocka_unit_test(only_ipv4_in_ipv6_is_mapped),
    cmocka_unit_test(the_kernels_form_and_back_is_the_same),
    cmocka_unit_test(what_the_kernel_says_may_be_short_or_strange),
};

int main(void)
{
    return cmocka_run_group_tests(tests, NULL, NULL);
}
