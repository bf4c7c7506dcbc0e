/* SPDX-License-Identifier: MIT
 *
 * Memory that processes share: one at a time, and a note of who died inside.
 */
#include "region.h"

#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "wild_write.h"

#define SIZE 10000

static int create(void **state)
{
    int *fd = malloc(sizeof(*fd));

    *fd = region_create(SIZE);
    *state = fd;
    return *fd < 0 ? -1 : 0;
}

static int destroy(void **state)
{
    close(*(int *)*state);
    free(*state);
    return 0;
}

static struct region *view(void **state)
{
    struct region *region = region_open(dup(*(int *)*state));

    assert_non_null(region);
    return region;
}

static void it_is_zeroed_and_the_same_for_all(void **state)
{
    struct region *one = view(state), *two = view(state);
    unsigned char *here = region_memory(one), *there = region_memory(two);

    assert_int_equal(region_size(one), SIZE);
    for (size_t i = 0; i < SIZE; i++)
        assert_int_equal(here[i], 0);
    here[SIZE - 1] = 7;
    assert_int_equal(there[SIZE - 1], 7);
    region_free(one);
    region_free(two);
}

static void who_spoils_what_a_region_is_dies_of_it_alone(void **state)
{
    struct region *one = view(state);
    int status = wild_write("memfd:prong-shared");

    assert_true(WIFSIGNALED(status));
    assert_int_equal(WTERMSIG(status), SIGSEGV);
    region_free(one);
    region_free(view(state)); /* those who come later still know what it is */
}

static void one_at_a_time_is_inside(void **state)
{
    struct region *one = view(state), *two = view(state);

    assert_int_equal(region_lock(one), 0);
    assert_int_equal(region_lock(two), -EBUSY);
    region_unlock(one);
    assert_int_equal(region_lock(two), 0);
    region_unlock(two);
    region_free(one);
    region_free(two);
}

static void who_dies_inside_is_told_to_the_next_one_alone(void **state)
{
    struct region *region = view(state);
    pid_t pid = fork();

    if (pid == 0) {
        struct region *own = region_open(dup(*(int *)*state));

        region_lock(own);
        raise(SIGKILL);
    }
    waitpid(pid, NULL, 0);
    assert_int_equal(region_lock(region), 1);
    region_unlock(region);
    assert_int_equal(region_lock(region), 0);
    region_unlock(region);
    region_free(region);
}

/* In a child: counts under the latch, and not atomically. */
static pid_t start_counting(void **state, unsigned times)
{
    pid_t pid = fork();
    struct region *region;
    volatile uint64_t *count;

    if (pid != 0)
        return pid;
    region = region_open(dup(*(int *)*state));
    count = region_memory(region);
    for (unsigned i = 0; i < times; i++) {
        while (region_lock(region) < 0)
            ;
        *count = *count + 1;
        region_unlock(region);
    }
    _exit(0);
}

static void processes_do_not_meet_inside(void **state)
{
    struct region *region = view(state);
    pid_t pids[4];

    for (int i = 0; i < 4; i++)
        pids[i] = start_counting(state, 2000);
    for (int i = 0; i < 4; i++)
        waitpid(pids[i], NULL, 0);
    assert_int_equal(*(uint64_t *)region_memory(region), 8000);
    region_free(region);
}

static void what_is_no_region_is_not_opened(void **state)
{
    (void)state;
    assert_null(region_open(memfd_create("empty", MFD_CLOEXEC)));
    assert_int_equal(errno, EPROTO);
    assert_int_equal(region_create(0), -EINVAL);
    assert_int_equal(region_create(REGION_MOST + 1), -EINVAL);
}

static const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, create, destroy)
    TEST(it_is_zeroed_and_the_same_for_all), TEST(who_spoils_what_a_region_is_dies_of_it_alone),
    TEST(one_at_a_time_is_inside),           TEST(who_dies_inside_is_told_to_the_next_one_alone),
    TEST(processes_do_not_meet_inside),      TEST(what_is_no_region_is_not_opened),
};

int main(void)
{
    return cmocka_run_group_tests(tests, NULL, NULL);
}
