/* SPDX-License-Identifier: MIT
 *
 * Items of a `listen` list: how they are written, what they become, which exclude each other.
 */
#include "listen_item.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

#define FORMS "write HOST:PORT, [IPV6]:PORT, *:PORT, unix:/PATH, unix:@NAME or systemd:NAME"

static char problem[512];

int __wrap_getaddrinfo(const char *host, const char *service, const struct addrinfo *hints,
                       struct addrinfo **result);
void __wrap_freeaddrinfo(struct addrinfo *result);

/* "two.test" has two addresses, and no other name has any. */
int __wrap_getaddrinfo(const char *host, const char *service, const struct addrinfo *hints,
                       struct addrinfo **result)
{
    static struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_addr = {0x0100007f}};
    static struct sockaddr_in6 v6 = {.sin6_family = AF_INET6};
    static struct addrinfo second = {.ai_addr = (void *)&v4, .ai_addrlen = sizeof(v4)};
    static struct addrinfo first = {
        .ai_addr = (void *)&v6, .ai_addrlen = sizeof(v6), .ai_next = &second};

    assert_null(service);
    assert_int_equal(hints->ai_socktype, SOCK_STREAM);
    v6.sin6_addr.s6_addr[15] = 1;
    if (strcmp(host, "two.test") != 0)
        return EAI_NONAME;
    *result = &first;
    return 0;
}

void __wrap_freeaddrinfo(struct addrinfo *result)
{
    assert_non_null(result);
}

static struct config_listen resolve(const char *item)
{
    struct config_listen listen = {0};

    if (listen_item_check(item, problem, sizeof(problem)) < 0 ||
        listen_item_resolve(&listen, item, problem, sizeof(problem)) < 0)
        fail_msg("%s", problem);
    return listen;
}

static void an_item_becomes_an_address(void **state)
{
    static const struct {
        const char *item;
        const char *address;
        bool any_host;
    } cases[] = {
        {"127.0.0.1:80", "127.0.0.1:80", false},
        {"0.0.0.0:0", "0.0.0.0:0", false},
        {"[::1]:65535", "[::1]:65535", false},
        {"[::]:80", "[::]:80", false},
        {"*:80", "[::]:80", true},
        {"two.test:80", "[::1]:80", false},
        {"unix:/run/x.sock", "unix:/run/x.sock", false},
        {"unix:@name", "unix:@name", false},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct config_listen listen = resolve(cases[i].item);
        char text[PRONG_ADDRESS_TEXT_SIZE];

        prong_address_format(&listen.address, text, sizeof(text));
        assert_string_equal(text, cases[i].address);
        assert_int_equal(listen.any_host, cases[i].any_host);
    }
}

static void a_socket_of_systemd_has_a_name_and_no_address(void **state)
{
    const struct config_listen listen = resolve("systemd:web.socket");

    (void)state;
    assert_string_equal(listen.given, "web.socket");
    assert_int_equal(listen.address.family, 0);
}

static void a_name_without_an_address_is_told(void **state)
{
    struct config_listen listen;

    (void)state;
    assert_int_equal(listen_item_check("none.test:80", problem, sizeof(problem)), 0);
    assert_int_equal(listen_item_resolve(&listen, "none.test:80", problem, sizeof(problem)),
                     -EINVAL);
    assert_string_equal(problem,
                        "the host \"none.test\" has no address: Name or service not known");
}

static void a_wrong_item_is_told_how_it_is_written(void **state)
{
    static const struct {
        const char *item;
        const char *problem;
    } cases[] = {
        {"", "\"\" is not an address: " FORMS},
        {"8080", "\"8080\" has no host: write *:8080 for every address"},
        {":8080", "\":8080\" has no host: write *:8080 for every address"},
        {"127.0.0.1", "\"127.0.0.1\" is not an address: " FORMS},
        {"127.0.0.1:", "\"127.0.0.1:\" does not end with a port from 0 to 65535"},
        {"127.0.0.1:http", "\"127.0.0.1:http\" does not end with a port from 0 to 65535"},
        {"127.0.0.1:65536", "\"127.0.0.1:65536\" does not end with a port from 0 to 65535"},
        {"127.0.0.1:-1", "\"127.0.0.1:-1\" does not end with a port from 0 to 65535"},
        {"300.1.1.1:80", "\"300.1.1.1:80\" is neither an IPv4 address nor a name"},
        {"1.2.3:80", "\"1.2.3:80\" is neither an IPv4 address nor a name"},
        {"::1:80", "\"::1:80\" is not an address: IPv6 is written as [IPV6]:PORT"},
        {"[::1]", "\"[::1]\" is not [IPV6]:PORT with a port from 0 to 65535"},
        {"[::1]:99999", "\"[::1]:99999\" is not [IPV6]:PORT with a port from 0 to 65535"},
        {"[127.0.0.1]:80", "\"[127.0.0.1]:80\" is not [IPV6]:PORT with a port from 0 to 65535"},
        {"a host:80", "\"a host:80\" is not an address: " FORMS},
        {"host/path:80", "\"host/path:80\" is not an address: " FORMS},
        {"/run/x", "\"/run/x\" is not an address: write unix:/run/x"},
        {"unix:", "\"unix:\" has no absolute path: write unix:/PATH or unix:@NAME"},
        {"unix:x", "\"unix:x\" has no absolute path: write unix:/PATH or unix:@NAME"},
        {"unix:@", "\"unix:@\" has no absolute path: write unix:/PATH or unix:@NAME"},
        {"systemd:", "\"systemd:\" does not name a socket: write systemd:NAME as in "
                     "FileDescriptorName=NAME of the socket unit"},
        {"systemd:a:b", "\"systemd:a:b\" has a \":\" in the name of its socket"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        assert_int_equal(listen_item_check(cases[i].item, problem, sizeof(problem)), -EINVAL);
        assert_string_equal(problem, cases[i].problem);
    }
}

static void a_path_that_does_not_fit_is_refused(void **state)
{
    char item[256];

    (void)state;
    snprintf(item, sizeof(item), "unix:/%0106d", 0);
    assert_int_equal(listen_item_check(item, problem, sizeof(problem)), 0);
    snprintf(item, sizeof(item), "unix:/%0107d", 0);
    assert_int_equal(listen_item_check(item, problem, sizeof(problem)), -EINVAL);
    assert_non_null(strstr(problem, "at most 107 bytes"));
}

static void what_the_kernel_would_refuse_clashes(void **state)
{
    static const struct {
        const char *left;
        const char *right;
        bool ipv6_only;
        bool clash;
    } cases[] = {
        {"127.0.0.1:80", "127.0.0.1:80", false, true},
        {"127.0.0.1:80", "127.0.0.1:81", false, false},
        {"127.0.0.1:80", "127.0.0.2:80", false, false},
        {"127.0.0.1:0", "127.0.0.1:0", false, false},
        {"0.0.0.0:80", "127.0.0.1:80", false, true},
        {"0.0.0.0:80", "[::1]:80", false, false},
        {"[::]:80", "127.0.0.1:80", false, true},
        {"[::]:80", "127.0.0.1:80", true, false},
        {"[::]:80", "[::1]:80", true, true},
        {"*:80", "0.0.0.0:80", false, true},
        {"*:80", "[::]:80", false, true},
        {"*:80", "*:80", true, true},
        {"two.test:80", "[::1]:80", false, true},
        {"unix:/x", "unix:/x", false, true},
        {"unix:/x", "unix:@/x", false, false},
        {"unix:/x", "*:80", false, false},
        {"systemd:x", "systemd:x", false, true},
        {"systemd:x", "systemd:y", false, false},
        {"systemd:x", "*:80", false, false},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct config_listen left = resolve(cases[i].left);
        struct config_listen right = resolve(cases[i].right);

        if (listen_items_clash(&left, cases[i].ipv6_only, &right, cases[i].ipv6_only) !=
                cases[i].clash ||
            listen_items_clash(&right, cases[i].ipv6_only, &left, cases[i].ipv6_only) !=
                cases[i].clash)
            fail_msg("%s and %s", cases[i].left, cases[i].right);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_item_becomes_an_address),
        cmocka_unit_test(a_socket_of_systemd_has_a_name_and_no_address),
        cmocka_unit_test(a_name_without_an_address_is_told),
        cmocka_unit_test(a_wrong_item_is_told_how_it_is_written),
        cmocka_unit_test(a_path_that_does_not_fit_is_refused),
        cmocka_unit_test(what_the_kernel_would_refuse_clashes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
