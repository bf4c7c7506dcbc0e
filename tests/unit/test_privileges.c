/* SPDX-License-Identifier: MIT
 *
 * Whom a worker becomes, and that it cannot come back.
 */
#include "privileges.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static char problem[256];

static int find(struct privileges *privileges, const char *user, const char *group)
{
    problem[0] = '\0';
    return privileges_find(privileges, user, group, problem, sizeof(problem));
}

static void a_user_is_found_by_name_with_its_own_group(void **state)
{
    const struct passwd *account = getpwnam("nobody");
    struct privileges privileges;

    (void)state;
    assert_non_null(account);
    assert_int_equal(find(&privileges, "nobody", NULL), 0);
    assert_int_equal(privileges.uid, account->pw_uid);
    assert_int_equal(privileges.gid, account->pw_gid);
    assert_string_equal(privileges.user, "nobody");
}

static void a_user_is_found_by_number(void **state)
{
    struct privileges privileges;

    (void)state;
    assert_int_equal(find(&privileges, "0", NULL), 0);
    assert_int_equal(privileges.uid, 0);
    assert_string_equal(privileges.user, "root");
}

static void a_group_may_be_a_name_or_a_number(void **state)
{
    struct privileges privileges;

    (void)state;
    assert_int_equal(find(&privileges, "nobody", "root"), 0);
    assert_int_equal(privileges.gid, 0);
    assert_int_equal(find(&privileges, "nobody", "54321"), 0);
    assert_int_equal(privileges.gid, 54321);
}

static void a_number_without_an_account_needs_a_group(void **state)
{
    struct privileges privileges;

    (void)state;
    assert_int_equal(find(&privileges, "54321", NULL), -ENOENT);
    assert_non_null(strstr(problem, "group must be given"));
    assert_int_equal(find(&privileges, "54321", "54322"), 0);
    assert_int_equal(privileges.uid, 54321);
    assert_int_equal(privileges.gid, 54322);
    assert_string_equal(privileges.user, "");
}

static void who_does_not_exist_is_named_in_the_problem(void **state)
{
    static const char *const users[] = {"no-such-user", "",   "-1",
                                        "4294967295",   "1x", "99999999999"};
    struct privileges privileges;

    (void)state;
    for (size_t i = 0; i < COUNT(users); i++) {
        char expected[64];

        (void)snprintf(expected, sizeof(expected), "user \"%s\"", users[i]);
        assert_int_equal(find(&privileges, users[i], NULL), -ENOENT);
        assert_non_null(strstr(problem, expected));
    }
    assert_int_equal(find(&privileges, "nobody", "no-such-group"), -ENOENT);
    assert_non_null(strstr(problem, "group \"no-such-group\""));
}

/* Runs `job` in a child, because there is no way back.  Its result: 0 or a line number. */
static void assert_child(int (*job)(void))
{
    int status;
    pid_t pid = fork();

    assert_true(pid >= 0);
    if (pid == 0)
        _exit(job());
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    if (WEXITSTATUS(status) != 0)
        fail_msg("step %d of the child failed", WEXITSTATUS(status));
}

static void skip_unless_root(void)
{
    if (geteuid() == 0)
        return;
    print_message("skipped: only root can become someone else\n");
    skip();
}

static int become_nobody(void)
{
    struct privileges privileges;
    gid_t groups[64];
    int count;

    if (find(&privileges, "nobody", NULL) < 0 || privileges_drop(&privileges, NULL) != 0)
        return 1;
    if (getuid() != privileges.uid || geteuid() != privileges.uid)
        return 2;
    if (setuid(0) == 0 || seteuid(0) == 0 || setgid(0) == 0 || setgroups(0, NULL) == 0)
        return 3;
    count = getgroups(COUNT(groups), groups);
    for (int i = 0; i < count; i++)
        if (groups[i] == 0)
            return 4;
    return 0;
}

static void there_is_no_way_back_to_root(void **state)
{
    (void)state;
    skip_unless_root();
    assert_child(become_nobody);
}

static int become_a_number(void)
{
    struct privileges privileges;
    gid_t groups[64];

    if (find(&privileges, "54321", "54322") < 0 || privileges_drop(&privileges, NULL) != 0)
        return 1;
    if (getuid() != 54321 || getgid() != 54322)
        return 2;
    return getgroups(COUNT(groups), groups) == 1 && groups[0] == 54322 ? 0 : 3;
}

static void a_number_without_an_account_keeps_no_groups_of_root(void **state)
{
    (void)state;
    skip_unless_root();
    assert_child(become_a_number);
}

/* With SECBIT_NO_SETUID_FIXUP the capabilities survive setuid(). */
static int become_nobody_with_capabilities(void)
{
    struct privileges privileges;

    if (prctl(PR_SET_SECUREBITS, 1 << 2) < 0)
        return 1;
    if (find(&privileges, "nobody", NULL) < 0)
        return 2;
    return privileges_drop(&privileges, NULL) == -EPERM ? 0 : 3;
}

static void a_way_back_is_noticed(void **state)
{
    (void)state;
    skip_unless_root();
    assert_child(become_nobody_with_capabilities);
}

static int stay_root(void)
{
    struct privileges privileges;

    if (find(&privileges, "root", NULL) < 0)
        return 1;
    return privileges_drop(&privileges, NULL) == 0 && geteuid() == 0 ? 0 : 2;
}

static void root_may_stay_root(void **state)
{
    (void)state;
    skip_unless_root();
    assert_child(stay_root);
}

static int nobody_becomes_root(void)
{
    struct privileges privileges;

    if (geteuid() == 0 && become_nobody() != 0)
        return 1;
    if (find(&privileges, "root", NULL) < 0)
        return 2;
    return privileges_drop(&privileges, NULL) == -EPERM ? 0 : 3;
}

static void who_is_not_root_becomes_nobody_else(void **state)
{
    (void)state;
    assert_child(nobody_becomes_root);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_user_is_found_by_name_with_its_own_group),
        cmocka_unit_test(a_user_is_found_by_number),
        cmocka_unit_test(a_group_may_be_a_name_or_a_number),
        cmocka_unit_test(a_number_without_an_account_needs_a_group),
        cmocka_unit_test(who_does_not_exist_is_named_in_the_problem),
        cmocka_unit_test(there_is_no_way_back_to_root),
        cmocka_unit_test(a_number_without_an_account_keeps_no_groups_of_root),
        cmocka_unit_test(a_way_back_is_noticed),
        cmocka_unit_test(root_may_stay_root),
        cmocka_unit_test(who_is_not_root_becomes_nobody_else),
    };

    return cmocka_run_group_tests_name("privileges", tests, NULL, NULL);
}
