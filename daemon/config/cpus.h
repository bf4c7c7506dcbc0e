/* SPDX-License-Identifier: MIT
 *
 * How many CPUs this process may use, and which one.
 */
#ifndef PRONGD_CPUS_H
#define PRONGD_CPUS_H

#include <sched.h>

/* The CPUs of the affinity mask, limited by what the control group may use; at least 1. */
unsigned cpus_usable(void);

/* What the control group leaves of `cpus`: cpu.max (version 2) and cpu.cfs_quota_us (version 1)
 * of the group and of those above it, rounded up.  `membership` is a file like
 * /proc/self/cgroup, `root` where the hierarchies are mounted, as /sys/fs/cgroup. */
unsigned cpus_limited(unsigned cpus, const char *membership, const char *root);

/* The CPUs of an item of cpu_affinity: "auto" (one of those that this process may use, another for
 * each slot), "2", "0-3".  0, or -EINVAL. */
int cpus_for_slot(const char *item, unsigned slot, cpu_set_t *set);

#endif
