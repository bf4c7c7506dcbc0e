/* SPDX-License-Identifier: MIT
 *
 * Where connections that arrive go on.
 */
#include "arrivals.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define MANY 1000

/* Sockets are told apart by their addresses and never looked into. */
static const struct prong_socket *socket_number(size_t number)
{
    static char places[MANY];

    return (const struct prong_socket *)(const void *)&places[number];
}

static void each_is_found_where_it_goes_on(void **state)
{
    struct arrivals arrivals = {0};
    uint64_t position;

    (void)state;
    for (size_t i = 0; i < MANY; i++)
        assert_int_equal(arrivals_add(&arrivals, socket_number(i), 10 * i), 0);
    assert_true(arrivals_find(&arrivals, socket_number(7), &position));
    assert_int_equal(position, 70);
    for (size_t i = 0; i < MANY; i++) {
        size_t other = i * 7 % MANY; /* in another order, each once */

        assert_true(arrivals_take(&arrivals, socket_number(other), &position));
        assert_int_equal(position, 10 * other);
        assert_false(arrivals_take(&arrivals, socket_number(other), &position));
    }
    assert_null(arrivals.list);
}

static void who_never_arrived_is_not_found(void **state)
{
    struct arrivals arrivals = {0};
    uint64_t position = 5;

    (void)state;
    assert_false(arrivals_take(&arrivals, socket_number(0), &position));
    assert_int_equal(arrivals_add(&arrivals, socket_number(0), 1), 0);
    assert_false(arrivals_find(&arrivals, socket_number(1), &position));
    assert_int_equal(position, 5);
    arrivals_clear(&arrivals);
    assert_false(arrivals_take(&arrivals, socket_number(0), &position));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_is_found_where_it_goes_on),
        cmocka_unit_test(who_never_arrived_is_not_found),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
