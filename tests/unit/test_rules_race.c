/* SPDX-License-Identifier: MIT
 *
 * The rules of a name with several addresses, R50 to R56: who is tried, and who wins.
 */
#include "names_fixture.h"

#include <errno.h>
#include <unistd.h>

/* --- Who is tried --- */

static void r050_addresses_race_by_default(void **state)
{
    struct net *net = *state;
    struct names names = {0};
    struct prong_socket_options options;

    names_options(&options, &names);
    names_add(&names, "127.0.0.2");
    names_add(&names, "127.0.0.1");
    net_listen(net); /* on the second one only */
    names_connect(net, &options, net->port);
    run_until(net, &net->client, "connect");
    assert_events(&net->client, "lookup:4 lookup:4 attempt:started:127.0.0.2 "
                                "attempt:failed:127.0.0.2 attempt:started:127.0.0.1 connect");
    names_end(net);
}

static void ask_for_a_family(struct prong_connect_options *options)
{
    options->family = AF_INET;
}

static void bind_to_an_address(struct prong_connect_options *options)
{
    assert_int_equal(prong_address_from_ip(&options->local, "127.0.0.9", 0), 0);
}

static void bind_to_a_port(struct prong_connect_options *options)
{
    struct prong_address free_port;

    net_free_port(&free_port);
    options->local.port = free_port.port;
}

static void switch_off(struct prong_connect_options *options)
{
    options->auto_select_family = false;
}

static void r050_only_the_first_address_is_tried_where_something_was_chosen(void **state)
{
    static void (*const choices[])(struct prong_connect_options * options) = {
        ask_for_a_family, bind_to_an_address, bind_to_a_port, switch_off};
    struct net *net = *state;

    net_listen(net);
    for (size_t i = 0; i < sizeof(choices) / sizeof(choices[0]); i++) {
        struct names names = {0};
        struct prong_socket_options options;

        names_options(&options, &names);
        choices[i](&options.connect);
        names_add(&names, "127.0.0.2");
        names_add(&names, "127.0.0.1");
        names_connect(net, &options, net->port);
        run_until(net, &net->client, "close");
        assert_events(&net->client, "lookup:4 lookup:4 attempt:started:127.0.0.2 "
                                    "attempt:failed:127.0.0.2 error close");
        assert_int_equal(net->client.error.code, -ECONNREFUSED);
    }
}

static void r050_the_default_can_be_switched_for_the_process(void **state)
{
    struct prong_connect_options options;

    (void)state;
    assert_true(prong_default_auto_select_family());
    prong_set_default_auto_select_family(false);
    prong_connect_options_init(&options);
    assert_false(options.auto_select_family);
    prong_set_default_auto_select_family(true);
    prong_connect_options_init(&options);
    assert_true(options.auto_select_family);
}

static void r051_families_take_turns_and_doubles_are_dropped(void **state)
{
    static const char *const answers[] = {"127.0.0.2", "127.0.0.3", "127.0.0.2",
                                          "::1",       "::1",       "127.0.0.4"};
    static const char *const order[] = {"127.0.0.2", "::1", "127.0.0.3", "127.0.0.4"};
    struct net *net = *state;
    struct names names = {0};
    struct prong_socket_options options;
    struct prong_address free_port;
    const struct prong_attempt *attempts;
    struct prong_socket *socket;
    size_t count;

    net_free_port(&free_port);
    names_options(&options, &names);
    for (size_t i = 0; i < sizeof(answers) / sizeof(answers[0]); i++)
        names_add(&names, answers[i]);
    names_connect(net, &options, free_port.port);
    socket = net->client.socket;
    prong_socket_hold(socket);
    run_until(net, &net->client, "close");
    attempts = prong_socket_attempts(socket, &count);
    assert_int_equal(count, sizeof(order) / sizeof(order[0]));
    for (size_t i = 0; i < count; i++) {
        char text[PRONG_ADDRESS_TEXT_SIZE];

        assert_string_equal(prong_address_format_ip(&attempts[i].address, text, sizeof(text)),
                            order[i]);
    }
    prong_socket_release(socket);
}

/* --- Who wins --- */

static void r052_a_slow_attempt_goes_on_beside_the_next_and_may_win(void **state)
{
    struct net *net = *state;
    struct names names = {0};
    struct prong_socket_options options;
    struct prong_address slow, remote;
    int filler, listener = net_hanging_listener("127.0.0.1", &slow, &filler), accepted;

    names_options(&options, &names);
    options.connect.stagger_ms = 10;
    names_add(&names, "127.0.0.1");
    names_add(&names, "127.0.0.2"); /* refuses */
    names_connect(net, &options, slow.port);
    run_until(net, &net->client, "failed");
    assert_events(&net->client,
                  "lookup:4 lookup:4 attempt:started:127.0.0.1 attempt:slow:127.0.0.1 "
                  "attempt:started:127.0.0.2 attempt:failed:127.0.0.2");
    assert_int_equal(prong_socket_state(net->client.socket), PRONG_SOCKET_CONNECTING);
    accepted = accept(listener, NULL, NULL);
    run_until(net, &net->client, "connect");
    assert_int_equal(prong_socket_remote(net->client.socket, &remote), 0);
    assert_true(prong_address_equal(&remote, &slow));
    names_end(net);
    close(accepted);
    close(filler);
    close(listener);
}

static void r052_a_fast_one_overtakes_a_slow_one(void **state)
{
    struct net *net = *state;
    struct names names = {0};
    struct prong_socket_options options;
    struct prong_address slow, remote, fast;
    struct prong_listen_options listen_options;
    int filler, listener = net_hanging_listener("127.0.0.2", &slow, &filler);

    prong_listen_options_init(&listen_options);
    assert_int_equal(prong_address_from_ip(&fast, "127.0.0.1", slow.port), 0);
    assert_int_equal(prong_server_listen_address(net->server, &fast, &listen_options), 0);
    names_options(&options, &names);
    options.connect.stagger_ms = 10;
    names_add(&names, "127.0.0.2");
    names_add(&names, "127.0.0.1");
    names_connect(net, &options, slow.port);
    run_until(net, &net->client, "connect");
    assert_int_equal(prong_socket_remote(net->client.socket, &remote), 0);
    assert_true(prong_address_equal(&remote, &fast));
    run_until(net, &net->listener, "connection");
    names_end(net);
    close(filler);
    close(listener);
}

static void r052_the_time_between_attempts_has_a_least_and_a_default(void **state)
{
    struct prong_connect_options options;

    (void)state;
    assert_int_equal(prong_default_stagger_ms(), PRONG_STAGGER_MS);
    assert_int_equal(prong_set_default_stagger_ms(0), -EINVAL);
    assert_int_equal(prong_set_default_stagger_ms(3), 0);
    prong_connect_options_init(&options);
    assert_int_equal(options.stagger_ms, PRONG_STAGGER_MIN_MS);
    assert_int_equal(prong_set_default_stagger_ms(PRONG_STAGGER_MS), 0);
    assert_int_equal(prong_default_stagger_ms(), PRONG_STAGGER_MS);
}

static void r053_the_last_attempt_has_no_timer(void **state)
{
    struct net *net = *state;
    struct names names = {0};
    struct prong_socket_options options;
    struct prong_address slow;
    int filler, listener = net_hanging_listener("127.0.0.1", &slow, &filler);

    names_options(&options, &names);
    options.connect.stagger_ms = 10;
    names_add(&names, "127.0.0.2"); /* refuses at once: the next one follows at once */
    names_add(&names, "127.0.0.1");
    names_connect(net, &options, slow.port);
    run_for(net, 60);
    assert_events(&net->client, "lookup:4 lookup:4 attempt:started:127.0.0.2 "
                                "attempt:failed:127.0.0.2 attempt:started:127.0.0.1");
    assert_int_equal(prong_socket_state(net->client.socket), PRONG_SOCKET_CONNECTING);
    names_end(net);
    close(filler);
    close(listener);
}

static void note_attempts(struct record *record)
{
    size_t count;
    const struct prong_attempt *attempts = prong_socket_attempts(record->socket, &count);

    record->then = NULL;
    for (size_t i = 0; i < count; i++)
        note(record, "%s:%s", attempts[i].syscall, prong_error_name(attempts[i].error));
}

static void r054_when_all_fail_one_error_tells_the_first_and_lists_all(void **state)
{
    struct net *net = *state;
    struct names names = {0};
    struct prong_socket_options options;
    struct prong_block_list *list = prong_block_list_new();

    assert_int_equal(prong_block_list_add_cidr(list, "127.0.0.7"), 0);
    names_options(&options, &names);
    options.connect.block_list = list;
    names_add(&names, "127.0.0.2");
    names_add(&names, "127.0.0.7");
    names_add(&names, "255.255.255.255");
    net_listen(net);
    net->client.when = "error";
    net->client.then = note_attempts;
    names_connect(net, &options, net->port);
    run_until(net, &net->client, "close");
    assert_true(happened(&net->client, "error connect:ECONNREFUSED connect:PRONG_EBLOCKED "
                                       "connect:ENETUNREACH close"));
    assert_int_equal(net->client.error.code, -ECONNREFUSED);
    assert_memory_equal(net->client.error.address.ip, "\177\0\0\2", 4);
    prong_block_list_free(list);
}

static void r054_failures_are_silent_when_one_succeeds(void **state)
{
    struct net *net = *state;
    struct names names = {0};
    struct prong_socket_options options;
    size_t count;

    names_options(&options, &names);
    names_add(&names, "127.0.0.2");
    names_add(&names, "127.0.0.1");
    net_listen(net);
    net->client.when = "connect";
    net->client.then = note_attempts;
    names_connect(net, &options, net->port);
    run_until(net, &net->client, "connect");
    assert_true(happened(&net->client, "connect connect:ECONNREFUSED :0"));
    assert_false(happened(&net->client, "error"));
    assert_null(prong_socket_attempts(net->client.socket, &count));
    names_end(net);
}

/* --- Time --- */

static void r055_the_idle_time_of_the_options_runs_while_connecting(void **state)
{
    struct net *net = *state;
    struct names names = {0};
    struct prong_socket_options options;
    struct prong_address slow;
    int filler, listener = net_hanging_listener("127.0.0.1", &slow, &filler);

    names_options(&options, &names);
    options.timeout_ms = 20;
    names_add(&names, "127.0.0.1");
    names_connect(net, &options, slow.port);
    run_until(net, &net->client, "timeout");
    assert_int_equal(prong_socket_state(net->client.socket), PRONG_SOCKET_CONNECTING);
    names_end(net);
    close(filler);
    close(listener);
}

static void r056_the_connect_timeout_ends_all_attempts(void **state)
{
    struct net *net = *state;
    struct names names = {0};
    struct prong_socket_options options;
    struct prong_address slow;
    int filler, listener = net_hanging_listener("127.0.0.1", &slow, &filler);

    names_options(&options, &names);
    options.timeout_ms = 5; /* only a notice */
    options.connect_timeout_ms = 50;
    names_add(&names, "127.0.0.2");
    names_add(&names, "127.0.0.1");
    net->client.when = "error";
    net->client.then = note_attempts;
    names_connect(net, &options, slow.port);
    run_until(net, &net->client, "close");
    assert_true(happened(&net->client, "timeout"));
    assert_true(happened(&net->client, "error connect:ECONNREFUSED connect:ETIMEDOUT close"));
    assert_int_equal(net->client.error.code, -ETIMEDOUT);
    assert_true(prong_address_equal(&net->client.error.address, &slow));
    close(filler);
    close(listener);
}

static struct prong_lookup *unanswered;

static void resolve_never(struct prong_lookup *lookup, void *user)
{
    (void)user;
    unanswered = lookup;
}

static void r056_the_connect_timeout_covers_the_lookup(void **state)
{
    struct net *net = *state;
    struct prong_socket_options options;

    prong_socket_options_init(&options);
    options.connect.resolve = resolve_never;
    options.connect_timeout_ms = 20;
    names_connect(net, &options, 80);
    run_until(net, &net->client, "error");
    assert_int_equal(net->client.error.code, -ETIMEDOUT);
    assert_string_equal(net->client.error.syscall, "getaddrinfo");
    run_until(net, &net->client, "close");
    prong_lookup_answer(unanswered, 0, NULL, 0);
}

static const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, net_setup, net_teardown)
    TEST(r050_addresses_race_by_default),
    TEST(r050_only_the_first_address_is_tried_where_something_was_chosen),
    TEST(r050_the_default_can_be_switched_for_the_process),
    TEST(r051_families_take_turns_and_doubles_are_dropped),
    TEST(r052_a_slow_attempt_goes_on_beside_the_next_and_may_win),
    TEST(r052_a_fast_one_overtakes_a_slow_one),
    TEST(r052_the_time_between_attempts_has_a_least_and_a_default),
    TEST(r053_the_last_attempt_has_no_timer),
    TEST(r054_when_all_fail_one_error_tells_the_first_and_lists_all),
    TEST(r054_failures_are_silent_when_one_succeeds),
    TEST(r055_the_idle_time_of_the_options_runs_while_connecting),
    TEST(r056_the_connect_timeout_ends_all_attempts),
    TEST(r056_the_connect_timeout_covers_the_lookup),
};

int main(void)
{
    return cmocka_run_group_tests(tests, NULL, NULL);
}
