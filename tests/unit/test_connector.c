/* SPDX-License-Identifier: MIT
 *
 * Connecting beyond the rules: the resolver of the library and those of users, whoever destroys the
 * socket meanwhile, and what the system refuses.
 */
#include "dns_fixture.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* Linked with --wrap: allocations that succeed from now on, and what socket(2) says; -1: all, and
 * what it says itself. */
static int allocations = -1;
static int socket_error;

void *__real_malloc(size_t size);
void *__wrap_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__wrap_calloc(size_t count, size_t size);
char *__real_strdup(const char *text);
char *__wrap_strdup(const char *text);
int __real_socket(int family, int type, int protocol);
int __wrap_socket(int family, int type, int protocol);

static bool may_allocate(void)
{
    return allocations < 0 || allocations-- > 0;
}

void *__wrap_malloc(size_t size)
{
    return may_allocate() ? __real_malloc(size) : NULL;
}

void *__wrap_calloc(size_t count, size_t size)
{
    return may_allocate() ? __real_calloc(count, size) : NULL;
}

char *__wrap_strdup(const char *text)
{
    return may_allocate() ? __real_strdup(text) : NULL;
}

int __wrap_socket(int family, int type, int protocol)
{
    if (socket_error == 0)
        return __real_socket(family, type, protocol);
    errno = socket_error;
    return -1;
}

/* Only IPv4 is asked for: one question for a name. */
static void start(struct net *net, const char *host)
{
    struct prong_socket_options options;

    prong_socket_options_init(&options);
    options.connect.family = AF_INET;
    forget(&net->client);
    net_client(net, &options);
    assert_int_equal(prong_socket_connect(net->client.socket, host, net->port), 0);
}

/* --- The library's resolver --- */

static void a_name_server_is_asked(void **state)
{
    struct net *net = *state;
    struct dns dns = {.ip = "127.0.0.1"};

    dns_start(&dns, net);
    net_listen(net);
    start(net, "prong.example");
    run_until(net, &net->client, "connect");
    assert_events(&net->client, "lookup:4 attempt:started:127.0.0.1 connect");
    assert_int_equal(dns.questions, 1);
    dns_stop(&dns);
}

static void what_a_name_server_cannot_answer_is_told(void **state)
{
    static const struct {
        uint8_t code;
        int error;
    } rows[] = {{3, PRONG_ENOTFOUND}, {2, PRONG_ERESOLVE}, {0, PRONG_ENOTFOUND}};
    struct net *net = *state;

    net->port = 80;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct dns dns = {.code = rows[i].code};

        dns_start(&dns, net);
        start(net, "prong.example");
        run_until(net, &net->client, "close");
        assert_events(&net->client, "lookup:error error close");
        assert_int_equal(net->client.error.code, rows[i].error);
        assert_string_equal(net->client.host, "prong.example");
        dns_stop(&dns);
    }
}

static void a_question_that_nobody_waits_for_keeps_no_program_alive(void **state)
{
    struct net *net = *state;
    struct dns dns = {.is_silent = true};

    dns_start(&dns, net);
    net->port = 80;
    start(net, "prong.example");
    while (dns.questions == 0)
        run_idle(net);
    assert_int_equal(prong_loop_set_name_servers(net->loop, "127.0.0.1"), -EBUSY);
    prong_socket_destroy(net->client.socket, 0);
    ev_run(net->ev, 0); /* returns */
    assert_events(&net->client, "close");
    assert_int_equal(prong_loop_objects(net->loop), 1); /* the server */
    dns_stop(&dns);
}

static void one_of_two_questions_may_be_cancelled(void **state)
{
    struct net *net = *state;
    struct dns dns = {.is_silent = true, .ip = "127.0.0.1"};
    struct prong_socket *first;

    dns_start(&dns, net);
    net_listen(net);
    start(net, "one.example");
    first = net->client.socket;
    while (dns.questions == 0)
        run_idle(net);
    dns.is_silent = false;
    start(net, "two.example");
    run_idle(net);
    prong_socket_set_events(first, NULL, NULL);
    prong_socket_destroy(first, 0);
    run_until(net, &net->client, "connect");
    assert_int_equal(dns.questions, 2);
    dns_stop(&dns);
}

static void name_servers_must_be_addresses(void **state)
{
    struct net *net = *state;

    assert_int_equal(prong_loop_set_name_servers(net->loop, ""), -EINVAL);
    assert_int_equal(prong_loop_set_name_servers(net->loop, "not an address"), -EINVAL);
    assert_int_equal(prong_loop_set_name_servers(net->loop, "127.0.0.1:53,[::1]:53"), 0);
}

/* --- A resolver of the user --- */

static struct prong_lookup *question;

static void keep_question(struct prong_lookup *lookup, void *user)
{
    (void)user;
    question = lookup;
}

static void ask_user(struct net *net)
{
    struct prong_socket_options options;

    prong_socket_options_init(&options);
    options.connect.resolve = keep_question;
    net_client(net, &options);
    question = NULL;
    assert_int_equal(prong_socket_connect(net->client.socket, "example", net->port), 0);
    assert_null(question); /* not from inside the call */
    run_idle(net);
    assert_non_null(question);
    assert_string_equal(prong_lookup_host(question), "example");
}

static void a_user_may_answer_later_and_only_the_first_answer_counts(void **state)
{
    struct net *net = *state;
    struct prong_address address;

    net_listen(net);
    address = net_address(net);
    address.port = 1;
    ask_user(net);
    prong_lookup_answer(question, 0, &address, 1);
    prong_lookup_answer(question, PRONG_ENOTFOUND, NULL, 0);
    run_until(net, &net->client, "connect");
    assert_events(&net->client, "lookup:4 attempt:started:127.0.0.1 connect");
}

static void answers_that_are_no_addresses_are_none(void **state)
{
    struct net *net = *state;
    struct prong_address path;

    assert_int_equal(prong_address_from_path(&path, "/tmp/x"), 0);
    net->port = 80;
    ask_user(net);
    prong_lookup_answer(question, 0, &path, 1);
    run_until(net, &net->client, "close");
    assert_int_equal(net->client.error.code, PRONG_ENOTFOUND);
}

static void a_loop_waits_for_the_answers_that_its_user_owes(void **state)
{
    struct net *net = *state;

    net->port = 80;
    ask_user(net);
    prong_socket_destroy(net->client.socket, 0);
    run_until(net, &net->client, "close");
    prong_server_free(net->server);
    net->server = NULL;
    assert_int_equal(prong_loop_free(net->loop), -EBUSY);
    prong_lookup_answer(question, PRONG_ERESOLVE, NULL, 0); /* nobody waits any more */
    assert_int_equal(prong_loop_objects(net->loop), 0);
}

/* --- Whoever destroys it meanwhile --- */

static void destroy_own(struct record *record)
{
    prong_socket_destroy(record->socket, 0);
}

static void answer_two(struct prong_lookup *lookup, void *user)
{
    struct prong_address addresses[2];

    (void)user;
    assert_int_equal(prong_address_from_ip(&addresses[0], "127.0.0.2", 0), 0);
    assert_int_equal(prong_address_from_ip(&addresses[1], "127.0.0.1", 0), 0);
    prong_lookup_answer(lookup, 0, addresses, 2);
}

static void destroy_asker(struct prong_lookup *lookup, void *user)
{
    struct net *net = user;

    prong_socket_destroy(net->client.socket, 0);
    answer_two(lookup, NULL);
}

static void a_socket_may_be_destroyed_in_every_callback_of_connecting(void **state)
{
    static const char *const callbacks[] = {"lookup", "attempt:started", "attempt:slow",
                                            "attempt:failed", "connect"};
    struct net *net = *state;
    struct prong_socket_options options;
    struct prong_address slow;
    int filler, listener = net_hanging_listener("127.0.0.2", &slow, &filler);

    prong_socket_options_init(&options);
    options.connect.resolve = answer_two;
    options.connect.stagger_ms = 10;
    net->client.then = destroy_own;
    for (size_t i = 0; i < sizeof(callbacks) / sizeof(callbacks[0]) - 1; i++) {
        net->client.when = callbacks[i];
        forget(&net->client);
        net_client(net, &options);
        assert_int_equal(prong_socket_connect(net->client.socket, "example", slow.port), 0);
        run_until(net, &net->client, "close");
        assert_non_null(strstr(net->client.events, callbacks[i]));
        assert_false(happened(&net->client, "error"));
    }
    options.connect.resolve = destroy_asker;
    options.connect.resolve_user = net;
    forget(&net->client);
    net_client(net, &options);
    assert_int_equal(prong_socket_connect(net->client.socket, "example", slow.port), 0);
    run_until(net, &net->client, "close");
    assert_events(&net->client, "close");
    close(filler);
    close(listener);
}

/* --- What the system refuses --- */

static void without_a_descriptor_the_call_was_socket(void **state)
{
    struct net *net = *state;

    net_listen(net);
    net_connect(net);
    socket_error = EMFILE;
    run_until(net, &net->client, "close");
    socket_error = 0;
    assert_int_equal(net->client.error.code, -EMFILE);
    assert_string_equal(net->client.error.syscall, "socket");
    assert_int_equal(net->client.error.address.port, net->port);
}

/* How one connect ends when the n-th allocation fails: refused, told, or not at all. */
static bool survives(struct net *net, const char *host, int allowed)
{
    struct prong_socket_options options;
    int result;

    prong_socket_options_init(&options);
    options.connect.resolve = answer_two;
    forget(&net->client);
    net_client(net, &options);
    allocations = allowed;
    result = prong_socket_connect(net->client.socket, host, net->port);
    if (result < 0) {
        allocations = -1;
        assert_int_equal(result, -ENOMEM);
        assert_int_equal(prong_socket_state(net->client.socket), PRONG_SOCKET_NEW);
        prong_socket_destroy(net->client.socket, 0);
    }
    for (int i = 0; i < 1000 && net->client.socket != NULL && !happened(&net->client, "connect");
         i++)
        run_idle(net);
    allocations = -1;
    if (happened(&net->client, "connect"))
        return true;
    assert_true(result < 0 || net->client.error.code == -ENOMEM);
    assert_true(happened(&net->client, "close"));
    return false;
}

static void memory_that_is_short_is_told_at_every_step(void **state)
{
    static const char *const hosts[] = {"127.0.0.1", "example"};
    struct net *net = *state;

    net_listen(net);
    prong_server_pause(net->server); /* it needs memory, too */
    for (size_t i = 0; i < sizeof(hosts) / sizeof(hosts[0]); i++) {
        int allowed = 0;

        while (!survives(net, hosts[i], allowed))
            allowed++;
        assert_true(allowed > 2);
        prong_socket_destroy(net->client.socket, 0);
        run_until(net, &net->client, "close");
    }
}

static const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, net_setup, net_teardown)
    TEST(a_name_server_is_asked),
    TEST(what_a_name_server_cannot_answer_is_told),
    TEST(a_question_that_nobody_waits_for_keeps_no_program_alive),
    TEST(one_of_two_questions_may_be_cancelled),
    TEST(name_servers_must_be_addresses),
    TEST(a_user_may_answer_later_and_only_the_first_answer_counts),
    TEST(answers_that_are_no_addresses_are_none),
    TEST(a_loop_waits_for_the_answers_that_its_user_owes),
    TEST(a_socket_may_be_destroyed_in_every_callback_of_connecting),
    TEST(without_a_descriptor_the_call_was_socket),
    TEST(memory_that_is_short_is_told_at_every_step),
};

int main(void)
{
    return cmocka_run_group_tests(tests, NULL, NULL);
}
