/* SPDX-License-Identifier: MIT
 *
 * The health of upstreams, which all workers of a server share, and what a client tries.
 */
#include "upstreams_fixture.h"

#include <errno.h>
#include <prongd/handler.h>

#include "health.h"
#include "upstream_figures.h"
#include "upstream_item.h"

static enum health_state health_of(const struct upstream *upstream)
{
    return health_state(&upstream->health);
}

/* The time for which it is left alone is over. */
static void let_time_pass(const struct upstream *upstream)
{
    prongd_item_set(upstream->shared, FIGURE_HEALTH, HEALTH_DOWN);
}

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

static const struct CMUnitTest tests[] = {
    STAGE(a_client_tries_each_once),
    STAGE(who_was_sent_away_may_come_when_it_is_up_again),
    STAGE(who_was_sent_away_may_try_it_when_its_time_is_over),
    STAGE(one_that_failed_is_left_alone),
    STAGE(what_this_machine_is_short_of_is_not_its_fault),
    STAGE(when_its_time_is_over_one_client_tries_it),
    STAGE(a_trial_that_is_given_up_says_nothing),
    STAGE(what_one_worker_finds_down_the_other_leaves_alone),
    STAGE(failures_of_all_workers_add_up),
    STAGE(one_client_of_one_worker_tries_it),
    STAGE(a_trial_that_nobody_ends_is_over_by_itself),
    STAGE(a_worker_takes_back_no_trial_of_another),
    STAGE(what_checks_found_is_over_where_there_are_none),
    STAGE(who_is_tried_next_was_tried_again),
    STAGE(when_all_are_down_they_are_tried_all_the_same),
};

int main(void)
{
    return cmocka_run_group_tests(tests, NULL, NULL);
}
