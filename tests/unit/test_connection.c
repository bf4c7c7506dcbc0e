/* SPDX-License-Identifier: MIT
 *
 * The numbers of connections.
 */
#include "connection.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

/* The number of the connection that was the `count`th in its slot. */
static uint64_t id(uint64_t generation, unsigned slot, uint64_t count)
{
    return connection_id_base(generation, slot) + count * CONNECTION_ID_STEP;
}

static void numbers_of_different_slots_and_generations_never_meet(void **state)
{
    static const unsigned slots[] = {0, 1, 2, 1023};
    static const uint64_t generations[] = {1, 2, 3, 65535};
    static const uint64_t counts[] = {1, 2, 3, 1000000};
    uint64_t ids[4 * 4 * 4];
    size_t size = 0;

    (void)state;
    for (size_t s = 0; s < 4; s++)
        for (size_t g = 0; g < 4; g++)
            for (size_t c = 0; c < 4; c++)
                ids[size++] = id(generations[g], slots[s], counts[c]);
    for (size_t i = 0; i < size; i++)
        for (size_t j = 0; j < i; j++)
            assert_true(ids[i] != ids[j]);
}

/* JSON's integers are signed, and 0 means "none given yet". */
static void a_number_is_positive_even_after_a_hundred_billion(void **state)
{
    (void)state;
    assert_true(connection_id_base(1, 0) != 0);
    assert_true((int64_t)id(65535, 1023, UINT64_C(100000000000)) > 0);
}

static void the_handlers_state_stands_behind_a_small_struct(void **state)
{
    (void)state;
    assert_true(sizeof(struct connection) <= 24);
    assert_int_equal(sizeof(struct connection) % 8, 0);
    assert_int_equal(connection_extra_bytes(10), sizeof(struct connection) + 10);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_of_different_slots_and_generations_never_meet),
        cmocka_unit_test(a_number_is_positive_even_after_a_hundred_billion),
        cmocka_unit_test(the_handlers_state_stands_behind_a_small_struct),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
