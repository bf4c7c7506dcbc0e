/* SPDX-License-Identifier: MIT
 *
 * The rules of names, R41 and R42: who is asked for what.
 */
#include "names_fixture.h"

#include <ifaddrs.h>
#include <net/if.h>
#include <sys/socket.h>

/* Linked with --wrap: the addresses of this machine, while there are any here. */
static struct ifaddrs *interfaces;

int __real_getifaddrs(struct ifaddrs **result);
int __wrap_getifaddrs(struct ifaddrs **result);
void __real_freeifaddrs(struct ifaddrs *list);
void __wrap_freeifaddrs(struct ifaddrs *list);

int __wrap_getifaddrs(struct ifaddrs **result)
{
    if (interfaces == NULL)
        return __real_getifaddrs(result);
    *result = interfaces;
    return 0;
}

void __wrap_freeifaddrs(struct ifaddrs *list)
{
    if (list != interfaces)
        __real_freeifaddrs(list);
}

static void r041_only_families_of_this_machine_are_asked_for(void **state)
{
    struct sockaddr loopback = {.sa_family = AF_INET6}, other = {.sa_family = AF_INET};
    struct ifaddrs second = {.ifa_addr = &other}, none = {.ifa_next = &second};
    struct ifaddrs first = {.ifa_next = &none, .ifa_addr = &loopback, .ifa_flags = IFF_LOOPBACK};
    struct net *net = *state;
    struct names names = {.error = PRONG_ENOTFOUND};
    struct prong_socket_options options;

    names_options(&options, &names);
    interfaces = &first;
    names_connect(net, &options, 1);
    run_until(net, &net->client, "close");
    assert_int_equal(names.family, AF_INET);
    other.sa_family = AF_INET6;
    names_connect(net, &options, 1);
    run_until(net, &net->client, "close");
    assert_int_equal(names.family, AF_INET6);
    loopback.sa_family = AF_INET;
    first.ifa_flags = 0; /* both */
    names_connect(net, &options, 1);
    run_until(net, &net->client, "close");
    assert_int_equal(names.family, AF_UNSPEC);
    interfaces = NULL;
}

static void r041_a_forced_family_is_asked_for(void **state)
{
    struct net *net = *state;
    struct names names = {.error = PRONG_ENOTFOUND};
    struct prong_socket_options options;

    names_options(&options, &names);
    options.connect.family = AF_INET6;
    names_connect(net, &options, 1);
    run_until(net, &net->client, "close");
    assert_int_equal(names.family, AF_INET6);
}

static void r041_the_host_is_localhost_by_default(void **state)
{
    struct net *net = *state;
    struct names names = {0};
    struct prong_socket_options options;

    names_options(&options, &names);
    names_add(&names, "127.0.0.1");
    net_listen(net);
    net_client(net, &options);
    assert_int_equal(prong_socket_connect(net->client.socket, NULL, net->port), 0);
    run_until(net, &net->client, "connect");
    assert_string_equal(names.host, "localhost");
    assert_events(&net->client, "lookup:4 attempt:started:127.0.0.1 connect");
    names_end(net);
    forget(&net->client);
    names.host[0] = '\0';
    net_client(net, &options);
    assert_int_equal(prong_socket_connect(net->client.socket, "", net->port), 0);
    run_until(net, &net->client, "connect");
    assert_string_equal(names.host, "localhost");
}

static void r042_a_name_without_an_address_is_an_error_without_one(void **state)
{
    struct net *net = *state;
    struct names names = {.error = PRONG_ERESOLVE};
    struct prong_socket_options options;

    names_options(&options, &names);
    net_client(net, &options);
    assert_int_equal(prong_socket_connect(net->client.socket, "nowhere.example", 80), 0);
    run_until(net, &net->client, "error");
    assert_string_equal(net->client.host, "nowhere.example");
    assert_int_equal(net->client.error.code, PRONG_ERESOLVE);
    assert_string_equal(net->client.error.syscall, "getaddrinfo");
    assert_int_equal(net->client.error.address.family, 0);
    run_until(net, &net->client, "close");
    assert_events(&net->client, "lookup:error error close");
    assert_true(net->client.had_error);
}

static const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, net_setup, net_teardown)
    TEST(r041_only_families_of_this_machine_are_asked_for),
    TEST(r041_a_forced_family_is_asked_for),
    TEST(r041_the_host_is_localhost_by_default),
    TEST(r042_a_name_without_an_address_is_an_error_without_one),
};

int main(void)
{
    return cmocka_run_group_tests(tests, NULL, NULL);
}
