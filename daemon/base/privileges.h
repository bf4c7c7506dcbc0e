/* SPDX-License-Identifier: MIT
 *
 * Whom a worker becomes.
 */
#ifndef PRONGD_PRIVILEGES_H
#define PRONGD_PRIVILEGES_H

#include <stddef.h>
#include <sys/types.h>

#define PRIVILEGES_NAME_SIZE 256

struct privileges {
    uid_t uid;
    gid_t gid;
    char user[PRIVILEGES_NAME_SIZE]; /* for initgroups; "": a number without an account */
};

/* Looks up a user by name or number, and a group; `group` NULL: the user's own.  0, or -ENOENT
 * with one sentence in `problem`. */
int privileges_find(struct privileges *privileges, const char *user, const char *group,
                    char *problem, size_t size);

/* Becomes that user, with its supplementary groups, for good: initgroups, chroot to `root` (NULL:
 * stays), setgid, setuid, then checks that there is no way back.  0 or -errno; -EPERM also when
 * there is one.  After a failure the process may be half of each: end it. */
int privileges_drop(const struct privileges *privileges, const char *root);

/* Gives up every capability, those that systemd gave too.  0 or -errno. */
int privileges_renounce(void);

#endif
