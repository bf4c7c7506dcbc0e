/* SPDX-License-Identifier: MIT
 *
 * Listening on a name: R4, R7 and R8.
 */
#include "lookup.h"
#include "net_fixture.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* --- The resolver, linked with --wrap: it answers when a test says so --- */

static struct prong_lookup question;
static on_lookup_done *answer_to; /* NULL: nobody asks */
static void *answer_user;
static char asked_host[64];
static uint16_t asked_port;
static bool memory_is_short;

struct prong_lookup *__wrap_lookup_new(struct prong_loop *loop, const char *host, uint16_t port,
                                       int family, on_lookup_done *on_done, void *user);
void __wrap_lookup_ask_later(struct prong_lookup *lookup, prong_resolve *resolve,
                             void *resolve_user);
void __wrap_lookup_cancel(struct prong_lookup *lookup);

struct prong_lookup *__wrap_lookup_new(struct prong_loop *loop, const char *host, uint16_t port,
                                       int family, on_lookup_done *on_done, void *user)
{
    (void)loop;
    assert_int_equal(family, AF_UNSPEC);
    if (memory_is_short)
        return NULL;
    assert_null(answer_to);
    snprintf(asked_host, sizeof(asked_host), "%s", host);
    asked_port = port;
    answer_to = on_done;
    answer_user = user;
    return &question;
}

void __wrap_lookup_ask_later(struct prong_lookup *lookup, prong_resolve *resolve,
                             void *resolve_user)
{
    assert_ptr_equal(lookup, &question);
    assert_null(resolve);
    assert_null(resolve_user);
}

void __wrap_lookup_cancel(struct prong_lookup *lookup)
{
    if (lookup == NULL)
        return;
    assert_ptr_equal(lookup, &question);
    assert_non_null(answer_to);
    answer_to = NULL;
}

static void answer(int error, const struct prong_address *addresses, size_t count)
{
    on_lookup_done *done = answer_to;

    assert_non_null(done);
    answer_to = NULL;
    done(answer_user, error, addresses, count);
}

static int set_up(void **state)
{
    answer_to = NULL;
    memory_is_short = false;
    return net_setup(state);
}

static struct prong_address ip(const char *text, uint16_t port)
{
    struct prong_address address;

    assert_int_equal(prong_address_from_ip(&address, text, port), 0);
    return address;
}

static void listen_on_name(struct net *net, const char *name)
{
    assert_int_equal(prong_server_listen(net->server, name, 0, NULL), 0);
    assert_string_equal(asked_host, name);
}

/* --- What is bound --- */

static void r004_a_name_is_resolved_and_one_of_its_addresses_is_bound(void **state)
{
    struct net *net = *state;
    struct prong_address addresses[] = {ip("127.0.0.3", 0), ip("127.0.0.4", 0)}, bound;

    listen_on_name(net, "here.example");
    assert_int_equal(asked_port, 0);
    answer(0, addresses, 2);
    run_until(net, &net->listener, "listening");
    assert_int_equal(prong_server_address(net->server, &bound), 0);
    assert_memory_equal(bound.ip, addresses[0].ip, 4);
}

static void r004_an_address_that_needs_no_zone_goes_first(void **state)
{
    struct net *net = *state;
    struct prong_address addresses[] = {ip("fe80::1", 0), ip("febf::1", 0), ip("127.0.0.3", 0)};
    struct prong_address bound;

    listen_on_name(net, "here.example");
    answer(0, addresses, 3);
    run_until(net, &net->listener, "listening");
    assert_int_equal(prong_server_address(net->server, &bound), 0);
    assert_memory_equal(bound.ip, addresses[2].ip, 4);
}

static void r004_where_all_are_link_local_the_first_is_tried(void **state)
{
    struct net *net = *state;
    struct prong_address addresses[] = {ip("fe80::1", 80), ip("fe80::2", 80)};

    listen_on_name(net, "here.example");
    answer(0, addresses, 2);
    run_until(net, &net->listener, "error");
    assert_string_equal(net->listener.error.syscall, "listen");
    assert_true(prong_address_equal(&net->listener.error.address, &addresses[0]));
}

static void check_host(struct record *record)
{
    assert_non_null(record->error.host);
    assert_string_equal(record->error.host, "nowhere.example");
    /* Listening again, on another name, must not touch what was told. */
    listen_on_name(record->net, "elsewhere.example");
    assert_string_equal(record->error.host, "nowhere.example");
    record->then = NULL;
}

static void r004_a_name_that_does_not_resolve_is_told_with_call_and_host(void **state)
{
    struct net *net = *state;

    net->listener.when = "error";
    net->listener.then = check_host;
    listen_on_name(net, "nowhere.example");
    answer(PRONG_ENOTFOUND, NULL, 0);
    assert_events(&net->listener, "");
    run_until(net, &net->listener, "error");
    assert_int_equal(net->listener.error.code, PRONG_ENOTFOUND);
    assert_string_equal(net->listener.error.syscall, "getaddrinfo");
    assert_int_equal(net->listener.error.address.family, 0);
    assert_string_equal(asked_host, "elsewhere.example");
    assert_int_equal(prong_server_close(net->server), 0);
}

static void r004_without_memory_for_the_question_nothing_has_begun(void **state)
{
    struct net *net = *state;

    memory_is_short = true;
    assert_int_equal(prong_server_listen(net->server, "here.example", 0, NULL), -ENOMEM);
    assert_int_equal(prong_server_listen(net->server, "127.0.0.1", 0, NULL), 0);
}

/* --- While the answer is on its way --- */

static void r007_a_second_listen_is_refused_and_changes_nothing(void **state)
{
    struct net *net = *state;
    struct prong_address address = ip("127.0.0.3", 0);

    listen_on_name(net, "here.example");
    assert_int_equal(prong_server_listen(net->server, "there.example", 0, NULL), -EALREADY);
    assert_int_equal(prong_server_listen(net->server, NULL, 0, NULL), -EALREADY);
    assert_string_equal(asked_host, "here.example");
    answer(0, &address, 1);
    run_until(net, &net->listener, "listening");
}

static void r008_close_takes_the_question_back(void **state)
{
    struct net *net = *state;

    listen_on_name(net, "here.example");
    assert_int_equal(prong_server_close(net->server), 0);
    assert_null(answer_to);
    run_until(net, &net->listener, "close");
    assert_events(&net->listener, "close");
}

static void r008_so_does_free(void **state)
{
    struct net *net = *state;

    listen_on_name(net, "here.example");
    prong_server_free(net->server);
    net->server = NULL;
    assert_null(answer_to);
    run_idle(net);
    assert_events(&net->listener, "");
}

static const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, net_teardown)
    TEST(r004_a_name_is_resolved_and_one_of_its_addresses_is_bound),
    TEST(r004_an_address_that_needs_no_zone_goes_first),
    TEST(r004_where_all_are_link_local_the_first_is_tried),
    TEST(r004_a_name_that_does_not_resolve_is_told_with_call_and_host),
    TEST(r004_without_memory_for_the_question_nothing_has_begun),
    TEST(r007_a_second_listen_is_refused_and_changes_nothing),
    TEST(r008_close_takes_the_question_back),
    TEST(r008_so_does_free),
};

int main(void)
{
    return cmocka_run_group_tests(tests, NULL, NULL);
}
