/* SPDX-License-Identifier: MIT
 *
 * Upstreams: names that change, health, tries, and consistent choice.
 */
#include "dns_fixture.h"

#include <errno.h>
#include <prong/lookup.h>
#include <prongd/handler.h>
#include <prongd/service.h>
#include <stdlib.h>
#include <string.h>

#include "balance.h"
#include "health.h"
#include "proxy_options.h"
#include "stand_in_fixture.h"
#include "upstream.h"
#include "upstream_figures.h"
#include "upstream_item.h"
#include "upstreams.h"
#include "upstreams_internal.h"

struct stage {
    struct stand_in service;
    struct net *net;
    char *items[4];
    struct upstreams *upstreams;
    unsigned changes;
};

/* --- The stage --- */

static void on_change(void *user)
{
    struct stage *stage = user;

    stage->changes++;
}

/* Upstreams of these items, which end with NULL; the client never is more than new. */
static void begin(struct stage *stage, void **state, const char *const *items)
{
    *stage = (struct stage){
        .net = *state,
        .service = {.config = {.max_fails = 1,
                               .fail_timeout_ms = 3600000,
                               .try_timeout_ms = 3000,
                               .resolve_interval_ms = 1}},
    };
    stage->service.loop = stage->net->loop;
    for (size_t i = 0; items[i] != NULL; i++) {
        stage->items[i] = strdup(items[i]);
        stage->service.config.upstream.count++;
    }
    stage->service.config.upstream.items = stage->items;
    if (stage->net->client.socket == NULL)
        net_client(stage->net, NULL);
    stage->upstreams = upstreams_new((struct prongd_service *)&stage->service);
    assert_non_null(stage->upstreams);
    upstreams_watch(stage->upstreams, on_change, stage);
}

static void end(struct stage *stage)
{
    upstreams_free(stage->upstreams);
    for (size_t i = 0; i < stage->service.config.upstream.count; i++)
        free(stage->items[i]);
    stand_in_clear();
}

static enum health_state health_of(const struct upstream *upstream)
{
    return health_state(&upstream->health);
}

/* The time for which it is left alone is over. */
static void let_time_pass(const struct upstream *upstream)
{
    prongd_item_set(upstream->shared, FIGURE_HEALTH, HEALTH_DOWN);
}

/* The next one, with a place; NULL with errno. */
static struct upstream *choose(struct stage *stage)
{
    struct upstream_tries tries = {0};

    return upstreams_choose(stage->upstreams, stage->net->client.socket, &tries);
}

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

/* --- Health and tries --- */

static const char *const two[] = {"192.0.2.1:80", "192.0.2.2:80", NULL};

static void a_client_tries_each_once(void **state)
{
    struct upstream_tries tries = {0};
    struct stage stage;
    struct upstream *first, *second;

    begin(&stage, state, two);
    first = upstreams_choose(stage.upstreams, stage.net->client.socket, &tries);
    upstream_failed(first, -ECONNREFUSED);
    second = upstreams_choose(stage.upstreams, stage.net->client.socket, &tries);
    assert_ptr_not_equal(first, second);
    upstream_failed(second, -ECONNREFUSED);
    assert_null(upstreams_choose(stage.upstreams, stage.net->client.socket, &tries));
    assert_int_equal(errno, EHOSTUNREACH);
    end(&stage);
}

/* One that refuses its first client, which is enough here. */
static struct upstream *fail_one(struct stage *stage)
{
    struct upstream *upstream = choose(stage);

    upstream_failed(upstream, -ECONNREFUSED);
    return upstream;
}

/* As who waits for a place at another one. */
static void who_was_sent_away_may_come_when_it_is_up_again(void **state)
{
    struct upstream_tries tries = {0};
    struct stage stage;
    struct upstream *first, *other;

    begin(&stage, state, two);
    first = upstreams_choose(stage.upstreams, stage.net->client.socket, &tries);
    upstream_failed(first, -ECONNREFUSED);
    other = upstreams_choose(stage.upstreams, stage.net->client.socket, &tries);
    assert_ptr_not_equal(first, other);
    upstream_failed(other, -ECONNREFUSED);
    upstream_connected(first, 1000); /* another client's attempt */
    prongd_item_set(first->shared, FIGURE_SINCE, UINT64_MAX);
    assert_ptr_equal(upstreams_choose(stage.upstreams, stage.net->client.socket, &tries), first);
    upstream_closed(first);
    end(&stage);
}

/* However often: what was tried again stands in the list once. */
static void who_was_sent_away_may_try_it_when_its_time_is_over(void **state)
{
    static const char *const one[] = {"192.0.2.1:80", NULL};
    struct upstream_tries tries = {0};
    struct stage stage;
    struct upstream *upstream;

    begin(&stage, state, one);
    for (unsigned i = 0; i <= UPSTREAM_TRIES; i++) {
        upstream = upstreams_choose(stage.upstreams, stage.net->client.socket, &tries);
        assert_non_null(upstream);
        upstream_failed(upstream, -ECONNREFUSED);
        assert_null(upstreams_choose(stage.upstreams, stage.net->client.socket, &tries));
        let_time_pass(upstream);
    }
    end(&stage);
}

static void one_that_failed_is_left_alone(void **state)
{
    struct stage stage;
    struct upstream *failed;

    begin(&stage, state, two);
    failed = fail_one(&stage);
    for (unsigned i = 0; i < 10; i++)
        assert_ptr_not_equal(choose(&stage), failed);
    end(&stage);
}

static void what_this_machine_is_short_of_is_not_its_fault(void **state)
{
    struct stage stage;
    struct upstream *first;

    begin(&stage, state, two);
    first = choose(&stage);
    upstream_failed(first, -EMFILE);
    assert_int_equal(health_of(first), HEALTH_UP);
    end(&stage);
}

static void when_its_time_is_over_one_client_tries_it(void **state)
{
    struct stage stage;
    struct upstream *failed;

    begin(&stage, state, two);
    failed = fail_one(&stage);
    let_time_pass(failed);
    while (choose(&stage) != failed)
        continue;
    assert_int_equal(health_of(failed), HEALTH_TRIAL);
    for (unsigned i = 0; i < 10; i++)
        assert_ptr_not_equal(choose(&stage), failed);
    upstream_connected(failed, 1000);
    assert_int_equal(health_of(failed), HEALTH_UP);
    end(&stage);
}

static void a_trial_that_is_given_up_says_nothing(void **state)
{
    struct stage stage;
    struct upstream *failed;

    begin(&stage, state, two);
    failed = fail_one(&stage);
    let_time_pass(failed);
    while (choose(&stage) != failed)
        continue;
    upstream_canceled(failed);
    while (choose(&stage) != failed) /* the next one tries it */
        continue;
    end(&stage);
}

/* --- Two workers of one server --- */

static void what_one_worker_finds_down_the_other_leaves_alone(void **state)
{
    struct stage one, other;
    struct upstream *failed;

    begin(&one, state, two);
    begin(&other, state, two);
    failed = fail_one(&one);
    for (unsigned i = 0; i < 10; i++)
        assert_false(prong_address_equal(upstream_address(choose(&other)), &failed->address));
    assert_int_equal(one.service.lines + other.service.lines, 1); /* told once */
    end(&one);
    end(&other);
}

static void failures_of_all_workers_add_up(void **state)
{
    struct stage one, other;
    struct upstream *first, *same;

    begin(&one, state, two);
    begin(&other, state, two);
    one.service.config.max_fails = other.service.config.max_fails = 2;
    first = fail_one(&one);
    assert_int_equal(health_of(first), HEALTH_UP);
    same = fail_one(&other);
    assert_true(prong_address_equal(&first->address, &same->address));
    assert_int_equal(health_of(first), HEALTH_DOWN);
    assert_int_equal(health_of(same), HEALTH_DOWN);
    end(&one);
    end(&other);
}

/* The one of this worker with the same address. */
static struct upstream *twin(const struct stage *stage, const struct upstream *upstream)
{
    struct upstream *one = stage->upstreams->first;

    while (one != NULL && !prong_address_equal(&one->address, &upstream->address))
        one = one->next;
    return one;
}

static void one_client_of_one_worker_tries_it(void **state)
{
    struct stage one, other;
    struct upstream *failed, *same;

    begin(&one, state, two);
    begin(&other, state, two);
    failed = fail_one(&one);
    same = twin(&other, failed);
    let_time_pass(failed);
    while (choose(&other) != same)
        continue;
    for (unsigned i = 0; i < 10; i++)
        assert_ptr_not_equal(choose(&one), failed);
    upstream_connected(same, 1000);
    assert_int_equal(health_of(failed), HEALTH_UP);
    while (choose(&one) != failed)
        continue;
    end(&one);
    end(&other);
}

/* What a worker that was killed has left. */
static void a_trial_that_nobody_ends_is_over_by_itself(void **state)
{
    struct stage stage;
    struct upstream *failed;

    begin(&stage, state, two);
    failed = fail_one(&stage);
    prongd_item_set(failed->shared, FIGURE_HEALTH, HEALTH_TRIAL); /* until long ago */
    while (choose(&stage) != failed)
        continue;
    assert_int_equal(health_of(failed), HEALTH_TRIAL);
    for (unsigned i = 0; i < 10; i++)
        assert_ptr_not_equal(choose(&stage), failed);
    end(&stage);
}

static void a_worker_takes_back_no_trial_of_another(void **state)
{
    struct stage one, other;
    struct upstream *failed, *same;

    begin(&one, state, two);
    begin(&other, state, two);
    failed = fail_one(&one);
    same = twin(&other, failed);
    let_time_pass(failed);
    while (choose(&other) != same)
        continue;
    upstream_add_place(failed);
    upstream_canceled(failed);
    assert_int_equal(health_of(failed), HEALTH_TRIAL);
    upstream_canceled(same);
    assert_int_equal(health_of(failed), HEALTH_DOWN);
    end(&one);
    end(&other);
}

static void what_checks_found_is_over_where_there_are_none(void **state)
{
    struct stage one, other;
    struct upstream *first;

    begin(&one, state, two);
    first = one.upstreams->first;
    one.service.config.check_interval_ms = 1000;
    health_note_checks(&first->health, -ECONNREFUSED, 1, UINT32_MAX);
    assert_int_equal(health_of(first), HEALTH_FAILED);
    for (unsigned i = 0; i < 10; i++)
        assert_ptr_not_equal(choose(&one), first);
    begin(&other, state, two); /* without checks */
    assert_int_equal(health_of(first), HEALTH_UP);
    end(&one);
    end(&other);
}

static void who_is_tried_next_was_tried_again(void **state)
{
    struct upstream_tries tries = {0};
    struct stage stage;
    struct upstream *first, *second;

    begin(&stage, state, two);
    first = upstreams_choose(stage.upstreams, stage.net->client.socket, &tries);
    upstream_failed(first, -ECONNREFUSED);
    second = upstreams_choose(stage.upstreams, stage.net->client.socket, &tries);
    upstream_connected(second, 2500);
    assert_int_equal(prongd_item_get(first->shared, FIGURE_FAILURES), 1);
    assert_int_equal(prongd_item_get(first->shared, FIGURE_DOWNS), 1);
    assert_int_equal(prongd_item_get(first->shared, FIGURE_REASON), ECONNREFUSED);
    assert_int_equal(prongd_item_get(first->shared, FIGURE_RETRIES), 0);
    assert_int_equal(prongd_item_get(second->shared, FIGURE_RETRIES), 1);
    assert_int_equal(prongd_item_get(second->shared, FIGURE_CONNECTS), 1);
    assert_int_equal(prongd_item_get(second->shared, FIGURE_CONNECT_US), 2500);
    end(&stage);
}

static void when_all_are_down_they_are_tried_all_the_same(void **state)
{
    struct stage stage;

    begin(&stage, state, two);
    upstream_failed(choose(&stage), -ECONNREFUSED);
    upstream_failed(choose(&stage), -ECONNREFUSED);
    assert_non_null(choose(&stage));
    end(&stage);
}

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

#define TEST(name) cmocka_unit_test_setup_teardown(name, net_setup, net_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_name_has_to_be_waited_for),
        TEST(new_addresses_of_a_name_replace_the_old_ones),
        TEST(an_address_that_comes_back_is_used_again),
        TEST(a_lookup_that_fails_keeps_the_addresses),
        TEST(a_name_that_is_unknown_is_not_waited_for),
        TEST(a_lookup_tells_how_long_it_holds),
        TEST(a_client_tries_each_once),
        TEST(who_was_sent_away_may_come_when_it_is_up_again),
        TEST(who_was_sent_away_may_try_it_when_its_time_is_over),
        TEST(one_that_failed_is_left_alone),
        TEST(what_this_machine_is_short_of_is_not_its_fault),
        TEST(when_its_time_is_over_one_client_tries_it),
        TEST(a_trial_that_is_given_up_says_nothing),
        TEST(what_one_worker_finds_down_the_other_leaves_alone),
        TEST(failures_of_all_workers_add_up),
        TEST(one_client_of_one_worker_tries_it),
        TEST(a_trial_that_nobody_ends_is_over_by_itself),
        TEST(a_worker_takes_back_no_trial_of_another),
        TEST(what_checks_found_is_over_where_there_are_none),
        TEST(who_is_tried_next_was_tried_again),
        TEST(when_all_are_down_they_are_tried_all_the_same),
        TEST(a_connection_from_elsewhere_may_have_an_unknown_upstream),
        TEST(an_upstream_that_goes_moves_only_its_own_clients),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
