/* SPDX-License-Identifier: MIT
 *
 * Whom a worker becomes.
 */
#ifndef PRONGD_PRIVILEGES_H
#define PRONGD_PRIVILEGES_H

#include <sys/types.h>

struct privileges {
    uid_t uid;
    gid_t gid;
    const char *user; /* for initgroups; NULL: a number without an account */
};

/* Looks up a user by name or number, and a group; `group` NULL: the user's own.  0, or -ENOENT
 * with one sentence in `problem`. */
int privileges_find(struct privileges *privileges, const char *user, const char *group,
                    char *problem, size_t size);

/* Becomes that user, with its supplementary groups, for good: setgroups, setgid, setuid, then
 * checks that there is no way back.  0 or -errno. */
int privileges_drop(const struct privileges *privileges);

#endif
