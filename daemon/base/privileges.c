/* SPDX-License-Identifier: MIT
 *
 * Looks up users and groups, and becomes them.
 */
#include "privileges.h"

#include <errno.h>
#include <grp.h>
#include <linux/capability.h>
#include <pwd.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

/* A number as ids are written: digits only, and not (id)-1, which means "no id". */
static bool parse_id(const char *text, unsigned *id)
{
    unsigned long long value;
    char *end;

    if (text[0] == '\0' || strspn(text, "0123456789") != strlen(text))
        return false;
    errno = 0;
    value = strtoull(text, &end, 10);
    if (errno != 0 || value >= (uid_t)-1)
        return false;
    *id = (unsigned)value;
    return true;
}

static int use_account(struct privileges *privileges, const struct passwd *account)
{
    privileges->uid = account->pw_uid;
    privileges->gid = account->pw_gid;
    if (strlen(account->pw_name) >= sizeof(privileges->user))
        return -ENOENT;
    (void)snprintf(privileges->user, sizeof(privileges->user), "%s", account->pw_name);
    return 0;
}

/* A name goes before a number: an account may be called 1000. */
static int find_user(struct privileges *privileges, const char *user, bool has_group, char *problem,
                     size_t size)
{
    const struct passwd *account = getpwnam(user);
    bool is_number = parse_id(user, &privileges->uid);

    if (account == NULL && is_number)
        account = getpwuid(privileges->uid);
    if (account != NULL)
        return use_account(privileges, account);
    if (is_number && has_group)
        return 0;
    if (is_number)
        (void)snprintf(problem, size,
                       "there is no account with the number %s, so the group must be given too",
                       user);
    else
        (void)snprintf(problem, size, "there is no user \"%s\" on this system", user);
    return -ENOENT;
}

static int find_group(struct privileges *privileges, const char *group, char *problem, size_t size)
{
    const struct group *row = getgrnam(group);

    if (row != NULL) {
        privileges->gid = row->gr_gid;
        return 0;
    }
    if (parse_id(group, &privileges->gid))
        return 0;
    (void)snprintf(problem, size, "there is no group \"%s\" on this system", group);
    return -ENOENT;
}

int privileges_find(struct privileges *privileges, const char *user, const char *group,
                    char *problem, size_t size)
{
    int error;

    *privileges = (struct privileges){0};
    error = find_user(privileges, user, group != NULL, problem, size);
    if (error < 0 || group == NULL)
        return error;
    return find_group(privileges, group, problem, size);
}

static int set_groups(const struct privileges *privileges)
{
    int result;

    if (privileges->user[0] != '\0')
        result = initgroups(privileges->user, privileges->gid);
    else
        result = setgroups(1, &privileges->gid);
    return result < 0 ? -errno : 0;
}

static bool is_all_set(const struct privileges *privileges)
{
    uid_t uids[3];
    gid_t gids[3];

    if (getresuid(&uids[0], &uids[1], &uids[2]) < 0 || getresgid(&gids[0], &gids[1], &gids[2]) < 0)
        return false;
    for (size_t i = 0; i < 3; i++)
        if (uids[i] != privileges->uid || gids[i] != privileges->gid)
            return false;
    return true;
}

/* A capability that survived would let us back. */
static bool has_way_back(const struct privileges *privileges)
{
    if (privileges->uid == 0)
        return false;
    return setuid(0) == 0 || seteuid(0) == 0 || (privileges->gid != 0 && setgid(0) == 0);
}

static int enter_root(const char *root)
{
    if (root == NULL)
        return 0;
    return chroot(root) < 0 || chdir("/") < 0 ? -errno : 0;
}

/* The lists of groups are not in the new root. */
int privileges_drop(const struct privileges *privileges, const char *root)
{
    int error = set_groups(privileges);

    if (error == 0)
        error = enter_root(root);

    if (error < 0)
        return error;
    if (setresgid(privileges->gid, privileges->gid, privileges->gid) < 0)
        return -errno;
    if (setresuid(privileges->uid, privileges->uid, privileges->uid) < 0)
        return -errno;
    if (!is_all_set(privileges) || has_way_back(privileges))
        return -EPERM;
    return 0;
}

int privileges_renounce(void)
{
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3] = {{0}};

    (void)prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
    return syscall(SYS_capset, &header, none) < 0 ? -errno : 0;
}
