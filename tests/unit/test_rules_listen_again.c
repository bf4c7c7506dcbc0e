/* SPDX-License-Identifier: MIT
 *
 * When a server listens, and listens again: R5, R6; and on a name that the program resolves, R4.
 */
#include "net_fixture.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static struct prong_address ip(const char *text, uint16_t port)
{
    struct prong_address address;

    assert_int_equal(prong_address_from_ip(&address, text, port), 0);
    return address;
}

/* --- Again --- */

static void r005_on_listening_never_comes_from_inside_the_call(void **state)
{
    struct net *net = *state;

    assert_int_equal(prong_server_listen(net->server, "127.0.0.1", 0, NULL), 0);
    assert_events(&net->listener, "");
    run_until(net, &net->listener, "listening");
    run_idle(net);
    assert_events(&net->listener, "listening");
}

static void r005_a_server_that_was_closed_first_does_not_tell_that_it_listens(void **state)
{
    struct net *net = *state;

    assert_int_equal(prong_server_listen(net->server, "127.0.0.1", 0, NULL), 0);
    assert_int_equal(prong_server_close(net->server), 0);
    run_until(net, &net->listener, "close");
    assert_events(&net->listener, "close");
}

static void listen_again(struct record *record)
{
    struct net *net = record->net;

    record->then = NULL;
    note(record, "again:%d", prong_server_listen(net->server, "127.0.0.1", 0, NULL));
}

static void r006_a_listening_server_cannot_listen_again(void **state)
{
    struct net *net = *state;
    struct prong_address address = ip("127.0.0.1", 0);

    assert_int_equal(prong_server_listen(net->server, "127.0.0.1", 0, NULL), 0);
    assert_int_equal(prong_server_listen(net->server, "127.0.0.1", 0, NULL), -EALREADY);
    assert_int_equal(prong_server_listen_address(net->server, &address, NULL), -EALREADY);
    assert_int_equal(prong_server_listen_fd(net->server, dup(0), 0), -EALREADY);
    run_until(net, &net->listener, "listening");
    assert_int_equal(prong_server_listen(net->server, NULL, 0, NULL), -EALREADY);
}

static void r006_it_may_listen_again_inside_on_error_and_on_close(void **state)
{
    struct net *net = *state;
    struct prong_address taken;
    int fd = net_raw_listener("127.0.0.1", &taken);

    net->listener.when = "error";
    net->listener.then = listen_again;
    assert_int_equal(prong_server_listen_address(net->server, &taken, NULL), 0);
    run_until(net, &net->listener, "listening");
    assert_events(&net->listener, "error again:0 listening");
    net->listener.when = "close";
    net->listener.then = listen_again;
    assert_int_equal(prong_server_close(net->server), 0);
    forget(&net->listener);
    run_until(net, &net->listener, "listening");
    assert_events(&net->listener, "close again:0 listening");
    close(fd);
}

static void r006_a_failed_listen_is_told_before_the_next_one_begins(void **state)
{
    struct net *net = *state;
    struct prong_address taken;
    int fd = net_raw_listener("127.0.0.1", &taken);

    assert_int_equal(prong_server_listen_address(net->server, &taken, NULL), 0);
    assert_int_equal(prong_server_listen(net->server, NULL, 0, NULL), -EALREADY);
    assert_int_equal(prong_server_close(net->server), -ENOTCONN);
    run_until(net, &net->listener, "error");
    run_idle(net);
    assert_events(&net->listener, "error");
    assert_int_equal(prong_server_listen(net->server, NULL, 0, NULL), 0);
    close(fd);
}

/* --- A resolver of the program's own --- */

struct resolver {
    struct prong_lookup *lookup; /* that waits for its answer */
    int family;
    int calls;
};

static void resolve(struct prong_lookup *lookup, void *user)
{
    struct resolver *resolver = user;

    assert_string_equal(prong_lookup_host(lookup), "here.example");
    resolver->lookup = lookup;
    resolver->family = prong_lookup_family(lookup);
    resolver->calls++;
}

static struct prong_listen_options asking(struct resolver *resolver)
{
    struct prong_listen_options options;

    *resolver = (struct resolver){0};
    prong_listen_options_init(&options);
    options.resolve = resolve;
    options.resolve_user = resolver;
    return options;
}

static void r004_the_program_may_resolve_the_name_itself(void **state)
{
    struct net *net = *state;
    struct prong_address answer = ip("127.0.0.1", 99), bound;
    struct resolver resolver;
    struct prong_listen_options options = asking(&resolver);

    assert_int_equal(prong_server_listen(net->server, "here.example", 0, &options), 0);
    assert_int_equal(resolver.calls, 0); /* never from inside the call */
    run_idle(net);
    assert_int_equal(resolver.calls, 1);
    assert_int_equal(resolver.family, AF_UNSPEC);
    prong_lookup_answer(resolver.lookup, 0, &answer, 1);
    run_until(net, &net->listener, "listening");
    assert_int_equal(prong_server_address(net->server, &bound), 0);
    assert_int_equal(bound.family, AF_INET);
    assert_int_not_equal(bound.port, 99); /* the port is that of the call */
}

static void r004_it_is_told_which_family_is_wanted_and_others_do_not_count(void **state)
{
    struct net *net = *state;
    struct prong_address answer = ip("127.0.0.1", 0);
    struct resolver resolver;
    struct prong_listen_options options = asking(&resolver);

    options.family = AF_INET6;
    assert_int_equal(prong_server_listen(net->server, "here.example", 0, &options), 0);
    run_idle(net);
    assert_int_equal(resolver.family, AF_INET6);
    prong_lookup_answer(resolver.lookup, 0, &answer, 1);
    run_until(net, &net->listener, "error");
    assert_events(&net->listener, "error");
}

static void r008_a_close_before_it_was_asked_leaves_it_alone(void **state)
{
    struct net *net = *state;
    struct resolver resolver;
    struct prong_listen_options options = asking(&resolver);

    assert_int_equal(prong_server_listen(net->server, "here.example", 0, &options), 0);
    assert_int_equal(prong_server_close(net->server), 0);
    run_until(net, &net->listener, "close");
    run_idle(net);
    assert_int_equal(resolver.calls, 0);
}

static void r008_an_answer_after_the_close_is_harmless(void **state)
{
    struct net *net = *state;
    struct prong_address answer = ip("127.0.0.1", 0);
    struct resolver resolver;
    struct prong_listen_options options = asking(&resolver);

    assert_int_equal(prong_server_listen(net->server, "here.example", 0, &options), 0);
    run_idle(net);
    assert_int_equal(prong_server_close(net->server), 0);
    prong_lookup_answer(resolver.lookup, 0, &answer, 1);
    run_until(net, &net->listener, "close");
    assert_events(&net->listener, "close");
}

static const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, net_setup, net_teardown)
    TEST(r005_on_listening_never_comes_from_inside_the_call),
    TEST(r005_a_server_that_was_closed_first_does_not_tell_that_it_listens),
    TEST(r006_a_listening_server_cannot_listen_again),
    TEST(r006_it_may_listen_again_inside_on_error_and_on_close),
    TEST(r006_a_failed_listen_is_told_before_the_next_one_begins),
    TEST(r004_the_program_may_resolve_the_name_itself),
    TEST(r004_it_is_told_which_family_is_wanted_and_others_do_not_count),
    TEST(r008_a_close_before_it_was_asked_leaves_it_alone),
    TEST(r008_an_answer_after_the_close_is_harmless),
};

int main(void)
{
    return cmocka_run_group_tests(tests, NULL, NULL);
}
