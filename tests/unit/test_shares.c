/* SPDX-License-Identifier: MIT
 *
 * Shares: counting together without a lock, a full table, and the dead.
 */
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "shares.h"

#define PROCESSES 8
#define LIMIT     5
#define ROUNDS    2000

static const struct share_key key = {.server = 1, .high = 2, .low = 3};

static int make_table(void **state)
{
    *state = mmap(NULL, sizeof(struct shares), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
                  -1, 0);
    if (*state == MAP_FAILED)
        return -1;
    shares_init(*state);
    return 0;
}

static int drop_table(void **state)
{
    return munmap(*state, sizeof(struct shares));
}

static size_t entries_in_use(const struct shares *shares)
{
    size_t count = 0;

    for (size_t i = 0; i < SHARES; i++)
        count += atomic_load(&shares->entries[i].owner) != 0;
    return count;
}

static void an_owner_has_one_entry_for_a_key(void **state)
{
    struct shares *shares = *state;
    struct share *share = shares_hold(shares, 7, &key);

    assert_non_null(share);
    share_take(share);
    assert_ptr_equal(shares_hold(shares, 7, &key), share);
    assert_ptr_not_equal(shares_hold(shares, 8, &key), share);
    assert_null(shares_find(shares, 9, &key));
}

static void what_all_hold_of_a_key_is_added_up(void **state)
{
    struct shares *shares = *state;
    struct share_key other = {.server = 1, .high = 2, .low = 4};

    share_take(shares_hold(shares, 7, &key));
    share_take(shares_hold(shares, 7, &key));
    share_take(shares_hold(shares, 8, &key));
    share_take(shares_hold(shares, 8, &other));
    assert_int_equal(shares_connections(shares, &key), 3);
    assert_int_equal(shares_connections(shares, &other), 1);
}

static void the_last_connection_frees_the_entry(void **state)
{
    struct shares *shares = *state;

    share_take(shares_hold(shares, 7, &key));
    share_give(shares_find(shares, 7, &key));
    assert_null(shares_find(shares, 7, &key));
    assert_int_equal(entries_in_use(shares), 0);
}

static void the_dead_hold_nothing(void **state)
{
    struct shares *shares = *state;

    share_take(shares_hold(shares, 7, &key));
    share_note_accepted(shares_find(shares, 7, &key));
    share_take(shares_hold(shares, 8, &key));
    shares_forget(shares, 7);
    assert_int_equal(shares_connections(shares, &key), 1);
    assert_int_equal(entries_in_use(shares), 1);
}

/* Claimed, but the key is not written: it counts nothing, and goes with its owner. */
static void a_half_made_entry_counts_nothing(void **state)
{
    struct shares *shares = *state;
    struct share *share = shares_hold(shares, 7, &key);

    atomic_store(&share->low, 0);
    assert_int_equal(shares_connections(shares, &key), 0);
    shares_forget(shares, 7);
    assert_int_equal(entries_in_use(shares), 0);
}

static void a_full_table_has_no_entry_to_hold(void **state)
{
    struct shares *shares = *state;
    struct share_key other = {.server = 1};
    size_t held = 0;

    for (other.low = 0; other.low < 4 * (uint64_t)SHARES; other.low++) {
        struct share *share = shares_hold(shares, 7, &other);

        if (share == NULL)
            continue;
        share_take(share);
        held++;
    }
    assert_int_equal(held, SHARES);
    assert_null(shares_hold(shares, 8, &key));
    shares_forget(shares, 7);
    assert_non_null(shares_hold(shares, 8, &key));
}

static void what_is_accepted_counts_for_a_second(void **state)
{
    struct shares *shares = *state;
    struct share *share = shares_hold(shares, 7, &key);

    share_take(share);
    share_note_accepted(share);
    share_give(share);
    if (shares_accepted(shares, &key) == 1)
        assert_ptr_equal(shares_find(shares, 7, &key), share);
    while (shares_accepted(shares, &key) == 1)
        sched_yield();
    shares_sweep(shares, 7);
    assert_int_equal(entries_in_use(shares), 0);
}

/* --- Processes --- */

/* In a child: takes and gives at the limit; 1 when it was ever exceeded. */
static int storm(struct shares *shares, uint64_t owner)
{
    int exceeded = 0;

    for (int i = 0; i < ROUNDS; i++) {
        struct share *share = shares_hold(shares, owner, &key);

        if (share == NULL)
            return 2;
        share_take(share);
        if (shares_connections(shares, &key) > LIMIT) {
            share_give(share);
            continue;
        }
        /* It has passed; whoever else has is counted, too, so all that passed are too few. */
        exceeded |= atomic_fetch_add(&shares->entries[0].server, 1) + 1 > LIMIT;
        if (i % 64 == 0)
            sched_yield();
        atomic_fetch_sub(&shares->entries[0].server, 1);
        share_give(share);
    }
    return exceeded;
}

/* The first entry is the test's own: nobody claims it, and who is inside is counted there. */
static void a_limit_is_never_exceeded(void **state)
{
    struct shares *shares = *state;
    int status;

    atomic_store(&shares->entries[0].owner, UINT64_MAX);
    for (uint64_t i = 1; i <= PROCESSES; i++) {
        if (fork() == 0)
            _exit(storm(shares, i));
    }
    for (int i = 0; i < PROCESSES; i++) {
        assert_true(wait(&status) > 0);
        assert_true(WIFEXITED(status));
        assert_int_equal(WEXITSTATUS(status), 0);
    }
    assert_int_equal(shares_connections(shares, &key), 0);
}

static void one_that_is_killed_at_any_moment_leaves_nothing(void **state)
{
    struct shares *shares = *state;

    for (int round = 0; round < 50; round++) {
        pid_t child = fork();
        int status;

        if (child == 0) {
            for (;;) {
                struct share_key any = {.server = 1, .low = (uint64_t)rand() % 100};
                struct share *share = shares_hold(shares, 7, &any);

                share_take(share);
                share_note_accepted(share);
                if (any.low % 2 == 0)
                    share_give(share);
            }
        }
        while (entries_in_use(shares) < (size_t)round)
            sched_yield();
        kill(child, SIGKILL);
        assert_int_equal(waitpid(child, &status, 0), child);
        shares_forget(shares, 7);
        assert_int_equal(entries_in_use(shares), 0);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, make_table, drop_table)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(an_owner_has_one_entry_for_a_key),
        TEST(what_all_hold_of_a_key_is_added_up),
        TEST(the_last_connection_frees_the_entry),
        TEST(the_dead_hold_nothing),
        TEST(a_half_made_entry_counts_nothing),
        TEST(a_full_table_has_no_entry_to_hold),
        TEST(what_is_accepted_counts_for_a_second),
        TEST(a_limit_is_never_exceeded),
        TEST(one_that_is_killed_at_any_moment_leaves_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
