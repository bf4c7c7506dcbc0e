/* SPDX-License-Identifier: MIT
 *
 * Limits of handlers over all workers.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <prongd/handler.h>
#include <prongd/service.h>

#include "config.h"
#include "limit.h"
#include "service.h"
#include "shares.h"

#define WORKERS 3

struct stage {
    struct shares *shares;
    struct config_server config;
    struct service services[WORKERS];
    struct prongd_limit *limits[WORKERS]; /* of the same name */
};

static int set_up(void **state)
{
    struct stage *stage = calloc(1, sizeof(*stage));

    stage->shares = aligned_alloc(64, sizeof(struct shares));
    memset(stage->shares, 0, sizeof(struct shares));
    shares_init(stage->shares);
    stage->config.name = (char *)"web";
    for (unsigned i = 0; i < WORKERS; i++) {
        struct service *service = &stage->services[i];

        service->config = &stage->config;
        service->shares = stage->shares;
        service->share_owner = shares_owner(1, i);
        service->share_server = share_server(stage->config.name);
        stage->limits[i] = prongd_limit_new((struct prongd_service *)service, "10.0.0.1:80");
    }
    *state = stage;
    return 0;
}

static int tear_down(void **state)
{
    struct stage *stage = *state;

    for (unsigned i = 0; i < WORKERS; i++)
        prongd_limit_free(stage->limits[i]);
    free(stage->shares);
    free(stage);
    return 0;
}

static void workers_have_no_more_than_the_limit_together(void **state)
{
    struct stage *stage = *state;

    assert_int_equal(prongd_limit_take(stage->limits[0], 2), 0);
    assert_int_equal(prongd_limit_take(stage->limits[1], 2), 0);
    for (unsigned i = 0; i < WORKERS; i++) {
        assert_int_equal(prongd_limit_take(stage->limits[i], 2), -EDQUOT);
        assert_int_equal(prongd_limit_sum(stage->limits[i]), 2);
    }
}

static void what_is_given_back_is_free_for_others(void **state)
{
    struct stage *stage = *state;

    assert_int_equal(prongd_limit_take(stage->limits[0], 1), 0);
    prongd_limit_give(stage->limits[0]);
    assert_int_equal(prongd_limit_take(stage->limits[2], 1), 0);
}

static void without_a_limit_it_is_only_counted(void **state)
{
    struct stage *stage = *state;

    for (unsigned i = 0; i < 10; i++)
        assert_int_equal(prongd_limit_take(stage->limits[i % WORKERS], 0), 0);
    assert_int_equal(prongd_limit_sum(stage->limits[0]), 10);
}

static void other_names_and_servers_count_for_themselves(void **state)
{
    struct stage *stage = *state;
    struct config_server mail = {.name = (char *)"mail"};
    struct service service = stage->services[0];
    struct prongd_limit *name, *server;

    name = prongd_limit_new((struct prongd_service *)&stage->services[0], "10.0.0.2:80");
    service.config = &mail;
    service.share_server = share_server("mail");
    server = prongd_limit_new((struct prongd_service *)&service, "10.0.0.1:80");
    assert_int_equal(prongd_limit_take(stage->limits[0], 0), 0);
    assert_int_equal(prongd_limit_sum(name), 0);
    assert_int_equal(prongd_limit_sum(server), 0);
    prongd_limit_free(name);
    prongd_limit_free(server);
}

static void what_a_dead_worker_had_is_free(void **state)
{
    struct stage *stage = *state;

    assert_int_equal(prongd_limit_take(stage->limits[0], 1), 0);
    shares_forget(stage->shares, stage->services[0].share_owner);
    assert_int_equal(prongd_limit_take(stage->limits[1], 1), 0);
}

/* The handler of the next test: its connection has taken one of this. */
static struct prongd_limit *held;

static struct prongd_limit *limit_of(struct prong_socket *socket)
{
    (void)socket;
    return held;
}

static void one_that_moves_counts_until_its_taker_has_counted_it(void **state)
{
    static const struct prongd_handler handler = {.limit = limit_of};
    struct stage *stage = *state;
    struct share *share;

    assert_int_equal(prongd_limit_take(stage->limits[0], 1), 0);
    held = stage->limits[0];
    share = limit_share_of(&handler, NULL);
    assert_non_null(share);
    assert_int_equal(prongd_limit_take(stage->limits[2], 1), -EDQUOT); /* it is on its way */
    assert_int_equal(prongd_limit_take(stage->limits[1], 0), 0);       /* it arrives */
    share_give(share);
    assert_int_equal(prongd_limit_sum(stage->limits[0]), 1);
}

static void a_full_table_is_told(void **state)
{
    struct stage *stage = *state;

    for (size_t i = 0; i < SHARES; i++)
        atomic_store(&stage->shares->entries[i].owner, 1);
    assert_int_equal(prongd_limit_take(stage->limits[0], 5), -ENOSPC);
    prongd_limit_give(stage->limits[0]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(workers_have_no_more_than_the_limit_together, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(what_is_given_back_is_free_for_others, set_up, tear_down),
        cmocka_unit_test_setup_teardown(without_a_limit_it_is_only_counted, set_up, tear_down),
        cmocka_unit_test_setup_teardown(other_names_and_servers_count_for_themselves, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(what_a_dead_worker_had_is_free, set_up, tear_down),
        cmocka_unit_test_setup_teardown(one_that_moves_counts_until_its_taker_has_counted_it,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_full_table_is_told, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
