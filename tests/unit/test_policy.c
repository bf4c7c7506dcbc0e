/* SPDX-License-Identifier: MIT
 *
 * Policies: who is wanted by allow and deny.
 */
#include <prong/address.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#include <cmocka.h>

#include "config.h"
#include "policy.h"

static bool wants(char *allow, char *deny, const char *client)
{
    struct config_server config = {
        .allow = {.items = &allow, .count = allow != NULL},
        .deny = {.items = &deny, .count = deny != NULL},
    };
    struct prong_address address;
    struct policy policy = {0};
    bool wanted;

    assert_int_equal(prong_address_from_ip(&address, client, 7), 0);
    assert_int_equal(policy_init(&policy, &config), 0);
    wanted = policy_wants(&policy, &address);
    policy_clear(&policy);
    return wanted;
}

static void without_rules_everybody_is_wanted(void **state)
{
    (void)state;
    assert_true(wants(NULL, NULL, "192.0.2.1"));
}

static void deny_wins_over_allow(void **state)
{
    (void)state;
    assert_true(wants("192.0.2.0/24", "192.0.2.128/25", "192.0.2.1"));
    assert_false(wants("192.0.2.0/24", "192.0.2.128/25", "192.0.2.200"));
}

static void who_is_not_allowed_is_not_wanted(void **state)
{
    (void)state;
    assert_false(wants("192.0.2.0/24", NULL, "198.51.100.1"));
    assert_false(wants("192.0.2.0/24", NULL, "2001:db8::1"));
}

static void ipv4_and_its_mapped_notation_are_the_same(void **state)
{
    (void)state;
    assert_false(wants(NULL, "192.0.2.0/24", "::ffff:192.0.2.9"));
    assert_true(wants("::ffff:192.0.2.0/120", NULL, "192.0.2.9"));
}

static void a_unix_client_is_always_wanted(void **state)
{
    char *rule = "192.0.2.1";
    struct config_server config = {.allow = {.items = &rule, .count = 1}};
    struct prong_address address = {.family = AF_UNIX};
    struct policy policy = {0};

    (void)state;
    assert_int_equal(policy_init(&policy, &config), 0);
    assert_true(policy_wants(&policy, &address));
    policy_clear(&policy);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_rules_everybody_is_wanted),
        cmocka_unit_test(deny_wins_over_allow),
        cmocka_unit_test(who_is_not_allowed_is_not_wanted),
        cmocka_unit_test(ipv4_and_its_mapped_notation_are_the_same),
        cmocka_unit_test(a_unix_client_is_always_wanted),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
