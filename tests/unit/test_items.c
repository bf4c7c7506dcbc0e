/* SPDX-License-Identifier: MIT
 *
 * Items: one for all workers, whoever comes first, whoever dies.
 */
#include "items.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include <prongd/handler.h>
#include <prongd/service.h>

#include "config.h"
#include "item.h"
#include "log.h"
#include "scoreboard.h"
#include "service.h"
#include "shares.h"

#define WORKERS 3

enum { STATE, HITS };

static const struct prongd_figure rows[] = {{"state", "How it is.", PRONGD_FIGURE_LEVEL},
                                            {"hits", "How often.", PRONGD_FIGURE_SUM}};

static const struct prongd_handler handler = {PRONGD_HANDLER, .name = "one", .item_kind = "thing",
                                              .figures = rows, .figure_count = 2};

struct stage {
    struct scoreboard *board;
    struct items *items;
    struct config_server config;
    struct service services[WORKERS];
};

static int set_up(void **state)
{
    struct stage *stage = calloc(1, sizeof(*stage));

    stage->board = scoreboard_new();
    stage->items = scoreboard_items(stage->board);
    stage->config.name = (char *)"web";
    for (unsigned i = 0; i < WORKERS; i++) {
        struct service *service = &stage->services[i];

        service->config = &stage->config;
        service->handler = &handler;
        service->items = stage->items;
        service->items_fd = scoreboard_fd(stage->board);
        service->shares = scoreboard_shares(stage->board);
        service->share_owner = shares_owner(1, i);
        service->share_server = share_server("web");
    }
    *state = stage;
    return 0;
}

static int tear_down(void **state)
{
    struct stage *stage = *state;

    scoreboard_free(stage->board);
    free(stage);
    return 0;
}

static struct prongd_item *item_of(struct stage *stage, unsigned worker, const char *name)
{
    return prongd_item_new((struct prongd_service *)&stage->services[worker], name, NULL);
}

static struct item_use use_of(const struct stage *stage, const char *name)
{
    const struct item_key key = items_key(share_server("web"), &handler, name);

    return items_use(scoreboard_shares(stage->board), &key);
}

/* Its worker is killed: nothing is given back by itself. */
static void kill_worker(struct stage *stage, unsigned worker, struct prongd_item *item)
{
    shares_forget(scoreboard_shares(stage->board), shares_owner(1, worker));
    stage->services[worker].item_list = NULL;
    free(item);
}

static void workers_have_one_item_of_a_name(void **state)
{
    struct stage *stage = *state;
    struct prongd_item *one = item_of(stage, 0, "a"), *other = item_of(stage, 1, "a");
    struct prongd_item *third = item_of(stage, 2, "b");

    assert_int_equal(prongd_item_add(one, HITS, 2), 2);
    assert_int_equal(prongd_item_add(other, HITS, 3), 5);
    assert_int_equal(prongd_item_get(third, HITS), 0);
    assert_int_equal(stage->items->count, 2);
    prongd_item_free(one);
    prongd_item_free(other);
    prongd_item_free(third);
}

static void of_several_one_replaces_a_figure(void **state)
{
    struct stage *stage = *state;
    struct prongd_item *one = item_of(stage, 0, "a"), *other = item_of(stage, 1, "a");

    assert_true(prongd_item_replace(one, STATE, 0, 7));
    assert_false(prongd_item_replace(other, STATE, 0, 8));
    assert_int_equal(prongd_item_get(other, STATE), 7);
    prongd_item_free(one);
    prongd_item_free(other);
}

static void a_figure_that_is_not_there_is_none(void **state)
{
    struct prongd_item *item = item_of(*state, 0, "a");

    prongd_item_set(item, PRONGD_FIGURES, 1);
    assert_int_equal(prongd_item_add(item, PRONGD_FIGURES, 1), 0);
    assert_int_equal(prongd_item_get(item, PRONGD_FIGURES), 0);
    assert_false(prongd_item_replace(item, PRONGD_FIGURES, 0, 1));
    prongd_item_free(item);
}

static void it_is_known_who_has_it_and_who_uses_it(void **state)
{
    struct stage *stage = *state;
    struct prongd_item *one = item_of(stage, 0, "a"), *other = item_of(stage, 1, "a");

    assert_int_equal(use_of(stage, "a").workers, 2);
    assert_int_equal(use_of(stage, "a").users, 2);
    prongd_item_use(one, false);
    assert_int_equal(use_of(stage, "a").workers, 2);
    assert_int_equal(use_of(stage, "a").users, 1);
    item_leave_all(&stage->services[1]);
    assert_int_equal(use_of(stage, "a").users, 0);
    prongd_item_free(one);
    assert_int_equal(use_of(stage, "a").workers, 1);
    kill_worker(stage, 1, other);
    assert_int_equal(use_of(stage, "a").workers, 0);
}

static void figures_wait_for_who_has_it_again(void **state)
{
    struct stage *stage = *state;
    struct prongd_item *item = item_of(stage, 0, "a");

    (void)prongd_item_add(item, HITS, 5);
    kill_worker(stage, 0, item);
    item = item_of(stage, 1, "a");
    assert_int_equal(prongd_item_get(item, HITS), 5);
    prongd_item_free(item);
}

static void a_worker_that_has_left_uses_nothing_new(void **state)
{
    struct stage *stage = *state;
    struct prongd_item *item;

    item_leave_all(&stage->services[0]);
    item = item_of(stage, 0, "a");
    prongd_item_use(item, true);
    assert_int_equal(use_of(stage, "a").workers, 1);
    assert_int_equal(use_of(stage, "a").users, 0);
    prongd_item_free(item);
}

static bool is_drained(const struct stage *stage, const char *name)
{
    const struct item_key key = items_key(share_server("web"), &handler, name);

    return items_find(stage->items, &key)->is_drained != 0;
}

static void it_is_drained_until_nobody_has_it(void **state)
{
    struct stage *stage = *state;
    struct prongd_item *one = item_of(stage, 0, "a"), *other;

    prongd_item_set_drained(one, true);
    other = item_of(stage, 1, "a");
    assert_true(is_drained(stage, "a"));
    prongd_item_free(one);
    prongd_item_free(other);
    one = item_of(stage, 0, "a");
    assert_false(is_drained(stage, "a"));
    prongd_item_free(one);
}

static void code_with_other_rows_has_items_of_its_own(void **state)
{
    static const struct prongd_figure others[] = {{"state", "How it is.", PRONGD_FIGURE_LEVEL},
                                                  {"misses", "How often.", PRONGD_FIGURE_SUM}};
    struct prongd_handler later = handler;
    struct stage *stage = *state;
    struct prongd_item *one = item_of(stage, 0, "a"), *other;

    later.figures = others;
    stage->services[1].handler = &later;
    (void)prongd_item_add(one, HITS, 5);
    other = item_of(stage, 1, "a");
    assert_int_equal(prongd_item_get(other, HITS), 0);
    prongd_item_free(one);
    prongd_item_free(other);
}

/* --- When there is no room --- */

static void fill_table(struct stage *stage)
{
    char name[32];

    for (unsigned i = 0; i < ITEMS; i++) {
        (void)snprintf(name, sizeof(name), "old%u", i);
        (void)prongd_item_add(item_of(stage, 0, name), HITS, 1);
    }
    assert_int_equal(stage->items->count, ITEMS);
}

static void free_all(struct service *service)
{
    while (service->item_list != NULL)
        prongd_item_free(service->item_list);
}

static void the_place_of_one_that_nobody_has_is_taken_when_it_is_needed(void **state)
{
    struct stage *stage = *state;
    struct prongd_item *item;

    fill_table(stage);
    free_all(&stage->services[0]);
    item = item_of(stage, 1, "new");
    assert_int_equal(prongd_item_get(item, HITS), 0);
    assert_int_equal(use_of(stage, "new").workers, 1);
    prongd_item_free(item);
}

static void without_room_a_worker_has_its_own(void **state)
{
    struct stage *stage = *state;
    struct prongd_item *one, *other;

    log_set_level(LOG_LEVEL_ERROR);
    fill_table(stage);
    one = item_of(stage, 1, "new");
    other = item_of(stage, 2, "new");
    assert_true(stage->services[1].has_own_items);
    assert_int_equal(prongd_item_add(one, HITS, 1), 1);
    assert_int_equal(prongd_item_get(other, HITS), 0);
    assert_int_equal(use_of(stage, "new").workers, 0);
    prongd_item_free(one);
    prongd_item_free(other);
    free_all(&stage->services[0]);
}

static void without_a_share_it_is_everybodys_and_is_held_as_soon_as_there_is_one(void **state)
{
    struct stage *stage = *state;
    const struct item_key key = items_key(share_server("web"), &handler, "a");
    struct shares *shares = scoreboard_shares(stage->board);
    struct prongd_item *one = item_of(stage, 0, "a"), *other;
    unsigned owner = WORKERS;

    while (items_hold(shares, shares_owner(1, owner), &key) != NULL)
        item_share_set(items_hold(shares, shares_owner(1, owner++), &key), true);
    other = item_of(stage, 1, "a");
    assert_int_equal(prongd_item_add(other, HITS, 1), 1);
    assert_int_equal(prongd_item_get(one, HITS), 1);
    while (owner > WORKERS)
        shares_forget(shares, shares_owner(1, --owner));
    assert_int_equal(use_of(stage, "a").workers, 1);
    (void)prongd_item_add(other, HITS, 1);
    assert_int_equal(use_of(stage, "a").workers, 2);
    assert_int_equal(use_of(stage, "a").users, 2);
    prongd_item_free(one);
    prongd_item_free(other);
}

/* What a spoiled table says is not believed. */
static void a_count_beyond_the_table_is_the_table(void **state)
{
    struct stage *stage = *state;
    const struct item_key key = items_key(share_server("web"), &handler, "a");

    atomic_store(&stage->items->count, UINT32_MAX);
    assert_null(items_find(stage->items, &key));
}

/* --- At the same moment --- */

#define NAMES  8
#define ROUNDS 2000

static void count_in_child(struct stage *stage, unsigned worker)
{
    char name[8];

    for (unsigned i = 0; i < NAMES; i++) {
        struct prongd_item *item;

        (void)snprintf(name, sizeof(name), "%u", i);
        item = item_of(stage, worker, name);
        for (unsigned k = 0; k < ROUNDS; k++)
            (void)prongd_item_add(item, HITS, 1);
    }
    _exit(0);
}

static void processes_that_make_the_same_at_once_make_one(void **state)
{
    struct stage *stage = *state;
    struct prongd_item *item;
    char name[8];

    for (unsigned i = 0; i < WORKERS; i++) {
        if (fork() == 0)
            count_in_child(stage, i);
    }
    for (unsigned i = 0; i < WORKERS; i++) {
        int status;

        assert_true(wait(&status) > 0);
        assert_int_equal(status, 0);
    }
    assert_int_equal(stage->items->count, NAMES);
    for (unsigned i = 0; i < NAMES; i++) {
        (void)snprintf(name, sizeof(name), "%u", i);
        item = item_of(stage, 0, name);
        assert_int_equal(prongd_item_get(item, HITS), WORKERS * ROUNDS);
        prongd_item_free(item);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(workers_have_one_item_of_a_name),
        TEST(of_several_one_replaces_a_figure),
        TEST(a_figure_that_is_not_there_is_none),
        TEST(it_is_known_who_has_it_and_who_uses_it),
        TEST(figures_wait_for_who_has_it_again),
        TEST(a_worker_that_has_left_uses_nothing_new),
        TEST(it_is_drained_until_nobody_has_it),
        TEST(code_with_other_rows_has_items_of_its_own),
        TEST(the_place_of_one_that_nobody_has_is_taken_when_it_is_needed),
        TEST(without_room_a_worker_has_its_own),
        TEST(without_a_share_it_is_everybodys_and_is_held_as_soon_as_there_is_one),
        TEST(a_count_beyond_the_table_is_the_table),
        TEST(processes_that_make_the_same_at_once_make_one),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
