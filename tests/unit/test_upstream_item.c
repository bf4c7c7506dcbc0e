/* SPDX-License-Identifier: MIT
 *
 * Items of an `upstream` list.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include <cmocka.h>

#include "upstream_item.h"

static struct upstream_item parse(const char *text)
{
    struct upstream_item item;
    char problem[256] = "";

    assert_int_equal(upstream_item_parse(&item, text, problem, sizeof(problem)), 0);
    assert_string_equal(problem, "");
    return item;
}

static void an_address_is_known_at_once(void **state)
{
    static const char *const texts[] = {"192.0.2.1:80", "[2001:db8::1]:80", "unix:/run/x.sock"};

    (void)state;
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        struct upstream_item item = parse(texts[i]);
        char text[PRONG_ADDRESS_TEXT_SIZE];

        assert_string_equal(prong_address_format(&item.address, text, sizeof(text)), texts[i]);
        assert_string_equal(item.host, "");
    }
}

static void a_name_is_to_be_looked_up(void **state)
{
    struct upstream_item item = parse("db-1.example.com:5432");

    (void)state;
    assert_string_equal(item.host, "db-1.example.com");
    assert_int_equal(item.address.family, 0);
    assert_int_equal(item.address.port, 5432);
}

static void nothing_said_is_weight_one_without_a_limit(void **state)
{
    struct upstream_item item = parse("192.0.2.1:80");

    (void)state;
    assert_int_equal(item.weight, 1);
    assert_int_equal(item.max_connections, 0);
    assert_false(item.is_backup);
}

static void what_is_said_is_read_in_any_order(void **state)
{
    struct upstream_item item = parse("unix:@spare  backup max_connections=100\tweight=7");

    (void)state;
    assert_int_equal(item.weight, 7);
    assert_int_equal(item.max_connections, 100);
    assert_true(item.is_backup);
    assert_int_equal(item.address.family, AF_UNIX);
}

static void what_is_wrong_is_told_with_what_to_write(void **state)
{
    static const char *const cases[][2] = {
        {"", "is empty"},
        {"example.com", "write HOST:PORT"},
        {"example.com:0", "from 1 to 65535"},
        {"192.0.2.1:0", "from 1 to 65535"},
        {"192.0.2.1:65536", "from 1 to 65535"},
        {"192.0.2.256:80", "neither an IPv4 address nor a name"},
        {"2001:db8::1:80", "write HOST:PORT"},
        {"[2001:db8::x]:80", "write HOST:PORT"},
        {"a/b:80", "neither an address nor a name"},
        {":80", "has no host"},
        {"/run/x.sock", "write unix:/run/x.sock"},
        {"unix:run/x.sock", "no absolute path"},
        {"192.0.2.1:80 weight", "write weight=N"},
        {"192.0.2.1:80 heavy=3", "write weight=N"},
        {"192.0.2.1:80 weight=0", "from 1 to 256"},
        {"192.0.2.1:80 weight=257", "from 1 to 256"},
        {"192.0.2.1:80 weight=-1", "from 1 to 256"},
        {"192.0.2.1:80 max_connections=99999999999", "from 1 to 1000000000"},
        {"192.0.2.1:80 backup=1", "write weight=N"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char problem[256] = "";

        assert_int_equal(upstream_item_check(cases[i][0], problem, sizeof(problem)), -22);
        if (strstr(problem, cases[i][1]) == NULL)
            fail_msg("\"%s\": %s", cases[i][0], problem);
    }
}

static void names_and_paths_that_are_too_long_are_refused(void **state)
{
    char text[400], problem[512];

    (void)state;
    snprintf(text, sizeof(text), "%0254d.example:80", 1);
    assert_int_equal(upstream_item_check(text, problem, sizeof(problem)), -22);
    snprintf(text, sizeof(text), "unix:/%0120d", 1);
    assert_int_equal(upstream_item_check(text, problem, sizeof(problem)), -22);
    assert_non_null(strstr(problem, "at most 107 bytes"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_address_is_known_at_once),
        cmocka_unit_test(a_name_is_to_be_looked_up),
        cmocka_unit_test(nothing_said_is_weight_one_without_a_limit),
        cmocka_unit_test(what_is_said_is_read_in_any_order),
        cmocka_unit_test(what_is_wrong_is_told_with_what_to_write),
        cmocka_unit_test(names_and_paths_that_are_too_long_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
