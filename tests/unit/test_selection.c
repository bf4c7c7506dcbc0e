/* SPDX-License-Identifier: MIT
 *
 * Who goes when only some connections do: what moved lately, and what it takes to look so.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "connection.h"
#include "selection.h"

static void one_that_never_moved_has_not_moved_lately(void **state)
{
    const struct connection connection = {.moved = 0};

    (void)state;
    assert_false(connection_moved_lately(&connection));
}

/* Whatever the time is: of all that the byte can say a few are lately, and they follow each other.
 */
static void lately_is_a_short_stretch_of_what_can_be_said(void **state)
{
    unsigned lately = 0, edges = 0;
    bool before = connection_moved_lately(&(struct connection){.moved = UINT8_MAX});

    (void)state;
    for (unsigned moved = 1; moved <= UINT8_MAX; moved++) {
        bool is = connection_moved_lately(&(struct connection){.moved = (uint8_t)moved});

        lately += is;
        edges += is != before;
        before = is;
    }
    assert_in_range(lately, 3, 5);
    assert_int_equal(edges, 2);
}

static void phases_follow_each_other_and_end_with_everybody(void **state)
{
    struct selection selection = {0};

    (void)state;
    selection_advance(&selection);
    assert_int_equal(selection.phase, SELECTION_ANYBODY);
    selection_begin(&selection, true);
    assert_int_equal(selection.phase, SELECTION_LOOK);
    selection_advance(&selection);
    assert_int_equal(selection.phase, SELECTION_IDLE);
    selection_advance(&selection);
    selection_advance(&selection);
    assert_int_equal(selection.phase, SELECTION_REST);
    selection_end(&selection);
    assert_int_equal(selection.phase, SELECTION_ANYBODY);
    assert_false(selection.spares);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(one_that_never_moved_has_not_moved_lately),
    cmocka_unit_test(lately_is_a_short_stretch_of_what_can_be_said),
    cmocka_unit_test(phases_follow_each_other_and_end_with_everybody),
};

int main(void)
{
    return cmocka_run_group_tests(tests, NULL, NULL);
}
