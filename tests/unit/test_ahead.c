/* SPDX-License-Identifier: MIT
 *
 * Connections that are ahead of their worker: reached in the order of their positions, whenever
 * they came.
 */
#include "ahead.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define MANY 1000

/* Sockets are told apart by their addresses and never looked into. */
static struct prong_socket *socket_number(size_t number)
{
    static char places[MANY];

    return (struct prong_socket *)(void *)&places[number];
}

static void each_is_reached_where_it_is(void **state)
{
    struct ahead ahead = {0};
    uint64_t position;

    (void)state;
    for (size_t i = 0; i < MANY; i++) { /* in another order, each once */
        size_t number = i * 7 % MANY;

        assert_int_equal(ahead_add(&ahead, socket_number(number), 10 * number), 0);
    }
    for (size_t i = 0; i < MANY; i++) {
        if (i > 0)
            assert_null(ahead_reach(&ahead, 10 * i - 1, &position));
        assert_ptr_equal(ahead_reach(&ahead, 10 * i, &position), socket_number(i));
        assert_int_equal(position, 10 * i);
    }
    assert_null(ahead_reach(&ahead, UINT64_MAX, &position));
    assert_null(ahead.list);
}

static void of_equals_the_first_is_first(void **state)
{
    struct ahead ahead = {0};
    uint64_t position;

    (void)state;
    for (size_t i = 0; i < 3; i++)
        assert_int_equal(ahead_add(&ahead, socket_number(i), 5), 0);
    for (size_t i = 0; i < 3; i++)
        assert_ptr_equal(ahead_reach(&ahead, 5, &position), socket_number(i));
    assert_null(ahead.list);
}

static void one_that_is_gone_leaves_the_others_where_they_are(void **state)
{
    struct ahead ahead = {0};
    uint64_t position = 0;

    (void)state;
    for (size_t i = 0; i < 5; i++)
        assert_int_equal(ahead_add(&ahead, socket_number(i), i), 0);
    assert_ptr_equal(ahead_reach(&ahead, 0, &position), socket_number(0));
    ahead_remove(&ahead, socket_number(2));
    ahead_remove(&ahead, socket_number(2)); /* harmless */
    assert_false(ahead_find(&ahead, socket_number(0), &position));
    assert_false(ahead_find(&ahead, socket_number(2), &position));
    assert_true(ahead_find(&ahead, socket_number(4), &position));
    assert_int_equal(position, 4);
    assert_ptr_equal(ahead_reach(&ahead, 9, &position), socket_number(1));
    assert_ptr_equal(ahead_reach(&ahead, 9, &position), socket_number(3));
    ahead_remove(&ahead, socket_number(4));
    assert_null(ahead.list);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_is_reached_where_it_is),
        cmocka_unit_test(of_equals_the_first_is_first),
        cmocka_unit_test(one_that_is_gone_leaves_the_others_where_they_are),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
