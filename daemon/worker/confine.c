/* SPDX-License-Identifier: MIT
 *
 * The steps from the master's powers to those of a worker, in an order in which each is allowed
 * still: limits and CPUs as root, then the user, then what no user needs.
 */
#include "confine.h"

#include <errno.h>
#include <linux/capability.h>
#include <sched.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "config.h"
#include "cpus.h"
#include "inheritance.h"
#include "log.h"

static const struct config_daemon *options(const struct inheritance *inheritance)
{
    return &inheritance->config->daemon;
}

/* Root by the operator's own wish: it keeps what root has. */
static bool stays_root(const struct inheritance *inheritance)
{
    return inheritance->changes_identity && inheritance->identity.uid == 0;
}

/* --- Limits --- */

static int set_umask(const struct inheritance *inheritance)
{
    (void)umask((mode_t)options(inheritance)->umask);
    return 0;
}

/* Soft and hard, but a hard limit that is higher is kept. */
static int set_limit(int resource, uint64_t wanted)
{
    struct rlimit limit;

    if (getrlimit((__rlimit_resource_t)resource, &limit) < 0)
        return -errno;
    limit.rlim_cur = wanted;
    if (limit.rlim_max != RLIM_INFINITY && (wanted == RLIM_INFINITY || wanted > limit.rlim_max))
        limit.rlim_max = wanted;
    return setrlimit((__rlimit_resource_t)resource, &limit) < 0 ? -errno : 0;
}

static int limit_core(const struct inheritance *inheritance)
{
    uint64_t size;

    return config_core_size(inheritance->config, &size) ? set_limit(RLIMIT_CORE, size) : 0;
}

/* The master has raised its own as far as it goes; a worker inherits that. */
static int limit_files(const struct inheritance *inheritance)
{
    uint64_t count = config_descriptors(inheritance->config);

    return count > 0 ? set_limit(RLIMIT_NOFILE, count) : 0;
}

static int set_priority(const struct inheritance *inheritance)
{
    const char *value = options(inheritance)->nice;

    if (value == NULL)
        return 0;
    return setpriority(PRIO_PROCESS, 0, (int)strtol(value, NULL, 10)) < 0 ? -errno : 0;
}

static int set_cpus(const struct inheritance *inheritance)
{
    const struct prongd_list *list = &options(inheritance)->cpu_affinity;
    cpu_set_t set;
    int error;

    if (list->count == 0)
        return 0;
    error = cpus_for_slot(list->items[inheritance->slot % list->count], inheritance->slot, &set);
    if (error == 0 && sched_setaffinity(0, sizeof(set), &set) < 0)
        error = -errno;
    return error;
}

/* --- The user, and what it may --- */

static int drop_bounds(const struct inheritance *inheritance)
{
    if (stays_root(inheritance))
        return 0;
    for (unsigned long capability = 0; capability <= CAP_LAST_CAP; capability++)
        (void)prctl(PR_CAPBSET_DROP, capability, 0, 0, 0); /* not without CAP_SETPCAP */
    return 0;
}

static int become_user(const struct inheritance *inheritance)
{
    if (!inheritance->changes_identity)
        return 0;
    return privileges_drop(&inheritance->identity, options(inheritance)->chroot);
}

/* Those that systemd gave the master, too: the handles are open. */
static int drop_capabilities(const struct inheritance *inheritance)
{
    return stays_root(inheritance) ? 0 : privileges_renounce();
}

/* A change of user forbids core files, since memory may hold secrets; who sets rlimit_core wants
 * them. */
static int allow_core(const struct inheritance *inheritance)
{
    uint64_t size;

    if (!config_core_size(inheritance->config, &size) || size == 0)
        return 0;
    return prctl(PR_SET_DUMPABLE, 1, 0, 0, 0) < 0 ? -errno : 0;
}

static int forbid_new_privileges(const struct inheritance *inheritance)
{
    if (!options(inheritance)->no_new_privs)
        return 0;
    return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ? -errno : 0;
}

static const struct {
    const char *option;
    int (*apply)(const struct inheritance *inheritance);
} steps[] = {
    {"umask", set_umask},
    {"rlimit_core", limit_core},
    {"rlimit_nofile", limit_files},
    {"nice", set_priority},
    {"cpu_affinity", set_cpus},
    {"capabilities", drop_bounds},
    {"user and chroot", become_user},
    {"capabilities", drop_capabilities},
    {"rlimit_core", allow_core},
    {"no_new_privs", forbid_new_privileges},
};

int confine(const struct inheritance *inheritance)
{
    int error = 0;

    for (size_t i = 0; error == 0 && i < sizeof(steps) / sizeof(steps[0]); i++) {
        error = steps[i].apply(inheritance);
        if (error < 0)
            log_code(LOG_LEVEL_ERROR, error, "worker cannot be confined option=\"%s\"",
                     steps[i].option);
    }
    return error;
}
