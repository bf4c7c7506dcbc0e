/* SPDX-License-Identifier: MIT
 *
 * What control groups leave of the CPUs: a folder stands for /sys/fs/cgroup.
 */
#include "cpus.h"

#include <errno.h>
#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static char root[] = "/tmp/prong-cpus-XXXXXX";

static int make_root(void **state)
{
    (void)state;
    strcpy(root + strlen(root) - 6, "XXXXXX");
    return mkdtemp(root) == NULL ? -1 : 0;
}

static int remove_one(const char *path, const struct stat *status, int type, struct FTW *walk)
{
    (void)status;
    (void)type;
    (void)walk;
    return remove(path);
}

static int remove_root(void **state)
{
    (void)state;
    return nftw(root, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

/* Writes a file below the root, and the folders on its way. */
static void write_file(const char *path, const char *text)
{
    char whole[512];
    FILE *file;

    snprintf(whole, sizeof(whole), "%s%s", root, path);
    for (char *slash = strchr(whole + strlen(root) + 1, '/'); slash != NULL;
         slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        mkdir(whole, 0700);
        *slash = '/';
    }
    file = fopen(whole, "we");
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
}

static unsigned limited(unsigned cpus, const char *membership)
{
    char file[512];

    write_file("/membership", membership);
    snprintf(file, sizeof(file), "%s/membership", root);
    return cpus_limited(cpus, file, root);
}

static void without_a_group_nothing_is_limited(void **state)
{
    (void)state;
    assert_int_equal(cpus_limited(8, "/nonexistent", root), 8);
    assert_int_equal(limited(8, ""), 8);
    assert_int_equal(limited(8, "0::/not/there\n"), 8);
    assert_int_equal(limited(8, "rubbish\n:\n0\n0:\n::::\n"), 8);
}

static void cpu_max_is_rounded_up(void **state)
{
    (void)state;
    write_file("/a/cpu.max", "150000 100000\n");
    assert_int_equal(limited(8, "0::/a\n"), 2);
    write_file("/a/cpu.max", "200000 100000\n");
    assert_int_equal(limited(8, "0::/a\n"), 2);
    write_file("/a/cpu.max", "1000 100000\n");
    assert_int_equal(limited(8, "0::/a\n"), 1);
}

static void max_and_rubbish_are_no_limit(void **state)
{
    static const char *const texts[] = {"max 100000\n", "",      "nothing\n", "100000\n",
                                        "-1 100000\n",  "0 0\n", "100000 0\n"};

    (void)state;
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        write_file("/a/cpu.max", texts[i]);
        assert_int_equal(limited(8, "0::/a\n"), 8);
    }
}

static void a_limit_above_the_cpus_changes_nothing(void **state)
{
    (void)state;
    write_file("/a/cpu.max", "9223372036854775807 1\n");
    assert_int_equal(limited(2, "0::/a\n"), 2);
}

static void the_groups_above_count_too(void **state)
{
    (void)state;
    write_file("/a/b/c/cpu.max", "max 100000\n");
    write_file("/a/cpu.max", "300000 100000\n");
    assert_int_equal(limited(8, "0::/a/b/c\n"), 3);
    write_file("/cpu.max", "100000 100000\n");
    assert_int_equal(limited(8, "0::/a/b/c\n"), 1);
}

static void version_1_has_two_files(void **state)
{
    static const char membership[] = "12:memory:/m\n4:cpu,cpuacct:/a\n1:cpuset:/s\n0::/a\n";

    (void)state;
    write_file("/cpu/a/cpu.cfs_quota_us", "250000\n");
    write_file("/cpu/a/cpu.cfs_period_us", "100000\n");
    assert_int_equal(limited(8, membership), 3);
    write_file("/cpu/a/cpu.cfs_quota_us", "-1\n");
    assert_int_equal(limited(8, membership), 8);
}

static void in_a_container_the_path_may_not_be_there(void **state)
{
    (void)state;
    write_file("/cpu/cpu.cfs_quota_us", "100000\n");
    write_file("/cpu/cpu.cfs_period_us", "50000\n");
    assert_int_equal(limited(8, "4:cpu:/docker/0123456789\n"), 2);
}

static void there_is_always_a_cpu(void **state)
{
    (void)state;
    assert_true(cpus_usable() >= 1);
}

static void assert_item(const char *item, int result, unsigned first, int count)
{
    cpu_set_t set;

    assert_int_equal(cpus_for_slot(item, 0, &set), result);
    if (result < 0)
        return;
    assert_int_equal(CPU_COUNT(&set), count);
    assert_true(CPU_ISSET(first, &set));
    assert_true(CPU_ISSET(first + (unsigned)count - 1, &set));
}

static void an_item_of_cpus_is_one_or_a_range(void **state)
{
    (void)state;
    assert_item("0", 0, 0, 1);
    assert_item("7", 0, 7, 1);
    assert_item("2-5", 0, 2, 4);
    assert_item("1023", 0, 1023, 1);
    assert_item("1024", -EINVAL, 0, 0);
    assert_item("5-2", -EINVAL, 0, 0);
    assert_item("-1", -EINVAL, 0, 0);
    assert_item("1-", -EINVAL, 0, 0);
    assert_item("", -EINVAL, 0, 0);
    assert_item("all", -EINVAL, 0, 0);
}

static void slots_share_the_usable_cpus_in_turn(void **state)
{
    cpu_set_t usable, first, again;

    (void)state;
    assert_int_equal(sched_getaffinity(0, sizeof(usable), &usable), 0);
    assert_int_equal(cpus_for_slot("auto", 0, &first), 0);
    assert_int_equal(cpus_for_slot("auto", (unsigned)CPU_COUNT(&usable), &again), 0);
    assert_int_equal(CPU_COUNT(&first), 1);
    assert_true(CPU_EQUAL(&first, &again));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(without_a_group_nothing_is_limited, make_root, remove_root),
        cmocka_unit_test_setup_teardown(cpu_max_is_rounded_up, make_root, remove_root),
        cmocka_unit_test_setup_teardown(max_and_rubbish_are_no_limit, make_root, remove_root),
        cmocka_unit_test_setup_teardown(a_limit_above_the_cpus_changes_nothing, make_root,
                                        remove_root),
        cmocka_unit_test_setup_teardown(the_groups_above_count_too, make_root, remove_root),
        cmocka_unit_test_setup_teardown(version_1_has_two_files, make_root, remove_root),
        cmocka_unit_test_setup_teardown(in_a_container_the_path_may_not_be_there, make_root,
                                        remove_root),
        cmocka_unit_test(there_is_always_a_cpu),
        cmocka_unit_test(an_item_of_cpus_is_one_or_a_range),
        cmocka_unit_test(slots_share_the_usable_cpus_in_turn),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
