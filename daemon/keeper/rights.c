/* SPDX-License-Identifier: MIT
 *
 * The steps from the master's powers to those of a program, in an order in which each is allowed
 * still.
 */
#include "rights.h"

#include <errno.h>
#include <linux/capability.h>
#include <stdbool.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#include "keeping.h"
#include "log.h"
#include "privileges.h"

/* Root by the operator's own wish: it keeps what root has. */
static bool stays_root(const struct keeping *keeping)
{
    return keeping->changes_identity && keeping->identity.uid == 0;
}

/* Programs may get more than their user could take: only we can give it, and only now. */
static int raise_limits(const struct keeping *keeping)
{
    for (size_t i = 0; i < keeping->limit_count; i++) {
        const struct keeping_limit *wanted = &keeping->limits[i];
        struct rlimit limit;

        if (getrlimit((__rlimit_resource_t)wanted->resource, &limit) < 0)
            return -errno;
        if (wanted->most <= limit.rlim_max)
            continue;
        limit.rlim_max = wanted->most;
        if (setrlimit((__rlimit_resource_t)wanted->resource, &limit) < 0)
            return -errno;
    }
    return 0;
}

/* A lower one every program can take by itself. */
static int raise_priority(const struct keeping *keeping)
{
    if (!keeping->has_nice || keeping->nice >= getpriority(PRIO_PROCESS, 0))
        return 0;
    return setpriority(PRIO_PROCESS, 0, keeping->nice) < 0 ? -errno : 0;
}

/* What programs leave behind comes to us, not to process 1. */
static int become_subreaper(const struct keeping *keeping)
{
    (void)keeping;
    return prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) < 0 ? -errno : 0;
}

static int drop_bounds(const struct keeping *keeping)
{
    if (stays_root(keeping))
        return 0;
    for (unsigned long capability = 0; capability <= CAP_LAST_CAP; capability++)
        (void)prctl(PR_CAPBSET_DROP, capability, 0, 0, 0); /* not without CAP_SETPCAP */
    return 0;
}

static int become_user(const struct keeping *keeping)
{
    if (!keeping->changes_identity)
        return 0;
    return privileges_drop(&keeping->identity, keeping->root);
}

static int drop_capabilities(const struct keeping *keeping)
{
    return stays_root(keeping) ? 0 : privileges_renounce();
}

static int forbid_new_privileges(const struct keeping *keeping)
{
    if (!keeping->no_new_privs)
        return 0;
    return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ? -errno : 0;
}

/* Programs of the same user may not look into our memory. */
static int hide(const struct keeping *keeping)
{
    (void)keeping;
    return prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0 ? -errno : 0;
}

static const struct {
    const char *name;
    int (*apply)(const struct keeping *keeping);
} steps[] = {
    {"limits", raise_limits},
    {"priority", raise_priority},
    {"subreaper", become_subreaper},
    {"capabilities", drop_bounds},
    {"run_as and chroot", become_user},
    {"capabilities", drop_capabilities},
    {"no_new_privs", forbid_new_privileges},
    {"dumpable", hide},
};

int rights_drop(const struct keeping *keeping)
{
    int error = 0;

    for (size_t i = 0; error == 0 && i < sizeof(steps) / sizeof(steps[0]); i++) {
        error = steps[i].apply(keeping);
        if (error < 0)
            log_code(LOG_LEVEL_ERROR, error, "keeper cannot be confined server=%s step=\"%s\"",
                     keeping->server, steps[i].name);
    }
    return error;
}
