/* SPDX-License-Identifier: MIT
 *
 * Upstreams: names that change, and consistent choice.
 */
#include "dns_fixture.h"
#include "upstreams_fixture.h"

#include <errno.h>
#include <prong/lookup.h>

#include "balance.h"
#include "proxy_options.h"

static void assert_address(const struct upstream *upstream, const char *expected)
{
    char text[PRONG_ADDRESS_TEXT_SIZE];

    assert_non_null(upstream);
    assert_string_equal(prong_address_format(upstream_address(upstream), text, sizeof(text)),
                        expected);
}

/* Turns the loop until something may have changed. */
static void wait_for_change(struct stage *stage)
{
    unsigned changes = stage->changes;

    while (stage->changes == changes)
        ev_run(stage->net->ev, EVRUN_ONCE);
}

/* --- Names --- */

static const char *const one_name[] = {"web.example:80", NULL};

static void a_name_has_to_be_waited_for(void **state)
{
    struct dns dns = {.ip = "192.0.2.1"};
    struct stage stage;

    dns_start(&dns, *state);
    begin(&stage, state, one_name);
    assert_null(choose(&stage));
    assert_int_equal(errno, EAGAIN);
    wait_for_change(&stage);
    assert_address(choose(&stage), "192.0.2.1:80");
    end(&stage);
    dns_stop(&dns);
}

static void new_addresses_of_a_name_replace_the_old_ones(void **state)
{
    struct dns dns = {.ip = "192.0.2.1"};
    struct stage stage;
    struct upstream *old;

    dns_start(&dns, *state);
    begin(&stage, state, one_name);
    wait_for_change(&stage);
    old = choose(&stage);
    upstream_connected(old, 1000);
    dns.ip = "192.0.2.2";
    while (old->state != UPSTREAM_RETIRED)
        wait_for_change(&stage);
    assert_address(choose(&stage), "192.0.2.2:80");
    assert_address(old, "192.0.2.1:80"); /* somebody is there still */
    assert_int_equal(stage.upstreams->count, 2);
    upstream_closed(old);
    assert_int_equal(stage.upstreams->count, 1);
    end(&stage);
    dns_stop(&dns);
}

static void an_address_that_comes_back_is_used_again(void **state)
{
    struct dns dns = {.ip = "192.0.2.1"};
    struct stage stage;
    struct upstream *first;

    dns_start(&dns, *state);
    begin(&stage, state, one_name);
    wait_for_change(&stage);
    first = choose(&stage);
    dns.ip = "192.0.2.2";
    while (first->state != UPSTREAM_RETIRED)
        wait_for_change(&stage);
    dns.ip = "192.0.2.1";
    while (first->state != UPSTREAM_USED)
        wait_for_change(&stage);
    assert_ptr_equal(choose(&stage), first);
    end(&stage);
    dns_stop(&dns);
}

static void a_lookup_that_fails_keeps_the_addresses(void **state)
{
    struct dns dns = {.ip = "192.0.2.1"};
    struct stage stage;

    dns_start(&dns, *state);
    begin(&stage, state, one_name);
    wait_for_change(&stage);
    dns.code = 2;
    while (stage.service.lines == 0)
        wait_for_change(&stage);
    assert_address(choose(&stage), "192.0.2.1:80");
    wait_for_change(&stage);
    assert_int_equal(stage.service.lines, 1); /* told once */
    dns.code = 0;
    while (stage.service.lines == 1)
        wait_for_change(&stage);
    end(&stage);
    dns_stop(&dns);
}

static void a_name_that_is_unknown_is_not_waited_for(void **state)
{
    struct dns dns = {.code = 3};
    struct stage stage;

    dns_start(&dns, *state);
    begin(&stage, state, one_name);
    wait_for_change(&stage);
    assert_null(choose(&stage));
    assert_int_equal(errno, EHOSTUNREACH);
    end(&stage);
    dns_stop(&dns);
}

static void on_lookup(void *user, int error, const struct prong_address *addresses, size_t count)
{
    struct prong_lookup **lookup = user;

    assert_int_equal(error, 0);
    assert_int_equal(count, 1);
    assert_int_equal(addresses->port, 80);
    assert_int_equal(prong_lookup_ttl_s(*lookup), 60);
    *lookup = NULL;
}

static void a_lookup_tells_how_long_it_holds(void **state)
{
    struct dns dns = {.ip = "192.0.2.1"};
    struct net *net = *state;
    struct prong_lookup *lookup;

    dns_start(&dns, net);
    lookup = prong_lookup_start(net->loop, "web.example", 80, AF_INET, on_lookup, &lookup);
    while (lookup != NULL)
        ev_run(net->ev, EVRUN_ONCE);
    dns_stop(&dns);
}

/* --- Upstreams of others --- */

static void a_connection_from_elsewhere_may_have_an_unknown_upstream(void **state)
{
    struct prong_address address;
    struct stage stage;
    struct upstream *stranger;

    begin(&stage, state, two);
    assert_int_equal(prong_address_parse(&address, "198.51.100.1:80"), 0);
    stranger = upstreams_adopt(stage.upstreams, &address);
    for (unsigned i = 0; i < 10; i++)
        assert_ptr_not_equal(choose(&stage), stranger);
    upstream_closed(stranger);
    assert_int_equal(stage.upstreams->count, 2);
    end(&stage);
}

/* --- Consistent choice --- */

#define CLIENTS 2000

static void pick_all(struct upstream **upstreams, size_t count, uint32_t chosen[CLIENTS])
{
    struct balance balance;

    balance_init(&balance, PROXY_HASH_SOURCE);
    for (unsigned i = 0; i < CLIENTS; i++) {
        struct prong_address client = {.family = AF_INET,
                                       .ip = {192, 0, (uint8_t)(i >> 8), (uint8_t)i}};

        chosen[i] = upstreams[balance_pick(&balance, upstreams, count, &client)]->number;
    }
}

static void an_upstream_that_goes_moves_only_its_own_clients(void **state)
{
    static const char *const three[] = {"192.0.2.1:80", "192.0.2.2:80 weight=2", "192.0.2.3:80",
                                        NULL};
    uint32_t before[CLIENTS], after[CLIENTS];
    struct upstream *all[3];
    struct stage stage;
    unsigned shares[4] = {0}, moved = 0;

    begin(&stage, state, three);
    all[0] = stage.upstreams->first;
    all[1] = all[0]->next;
    all[2] = all[1]->next;
    pick_all(all, 3, before);
    pick_all(all, 2, after);
    for (unsigned i = 0; i < CLIENTS; i++) {
        shares[before[i]]++;
        moved += before[i] != after[i];
    }
    assert_int_equal(moved, shares[all[2]->number]);
    assert_in_range(shares[all[0]->number], CLIENTS / 5, CLIENTS * 3 / 10); /* a quarter */
    assert_in_range(shares[all[1]->number], CLIENTS * 2 / 5, CLIENTS * 3 / 5);
    end(&stage);
}

static const struct CMUnitTest tests[] = {
    STAGE(a_name_has_to_be_waited_for),
    STAGE(new_addresses_of_a_name_replace_the_old_ones),
    STAGE(an_address_that_comes_back_is_used_again),
    STAGE(a_lookup_that_fails_keeps_the_addresses),
    STAGE(a_name_that_is_unknown_is_not_waited_for),
    STAGE(a_lookup_tells_how_long_it_holds),
    STAGE(a_connection_from_elsewhere_may_have_an_unknown_upstream),
    STAGE(an_upstream_that_goes_moves_only_its_own_clients),
};

int main(void)
{
    return cmocka_run_group_tests(tests, NULL, NULL);
}
