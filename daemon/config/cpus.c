/* SPDX-License-Identifier: MIT
 *
 * Affinity and control groups: sched_getaffinity(2), cgroups(7).
 */
#include "cpus.h"

#include <errno.h>
#include <limits.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Reads up to two numbers of a file.  How many were there; "max" is none. */
static int read_numbers(const char *directory, const char *name, long long numbers[2])
{
    char path[PATH_MAX];
    char text[64] = "";
    char *end;
    FILE *file;
    int count = 0;

    snprintf(path, sizeof(path), "%s/%s", directory, name);
    file = fopen(path, "re");
    if (file == NULL)
        return 0;
    if (fgets(text, sizeof(text), file) == NULL)
        text[0] = '\0';
    fclose(file);
    for (char *next = text; count < 2; next = end, count++) {
        numbers[count] = strtoll(next, &end, 10);
        if (end == next)
            break;
    }
    return count;
}

/* `quota` microseconds of CPU in each `period`, rounded up to whole CPUs. */
static unsigned limit(unsigned cpus, long long quota, long long period)
{
    if (quota <= 0 || period <= 0 || quota / period >= cpus)
        return cpus;
    return (unsigned)(quota / period + (quota % period != 0));
}

static unsigned limit_by_group(unsigned cpus, const char *directory)
{
    long long numbers[2];
    long long period[2];

    if (read_numbers(directory, "cpu.max", numbers) == 2)
        cpus = limit(cpus, numbers[0], numbers[1]);
    if (read_numbers(directory, "cpu.cfs_quota_us", numbers) > 0 &&
        read_numbers(directory, "cpu.cfs_period_us", period) > 0)
        cpus = limit(cpus, numbers[0], period[0]);
    return cpus;
}

/* The group at `path` below `mount`, then those above it.  In a container the path may name what
 * is not mounted there: what does not exist sets no limit. */
static unsigned limit_by_path(unsigned cpus, const char *mount, char *path)
{
    char directory[PATH_MAX];
    char *slash;

    do {
        snprintf(directory, sizeof(directory), "%s%s", mount, path);
        cpus = limit_by_group(cpus, directory);
        slash = strrchr(path, '/');
        if (slash != NULL)
            *slash = '\0';
    } while (slash != NULL);
    return cpus;
}

/* Is "cpu" one of "cpu,cpuacct"? */
static bool has_cpu(char *controllers)
{
    char *name;

    while ((name = strsep(&controllers, ",")) != NULL) {
        if (strcmp(name, "cpu") == 0)
            return true;
    }
    return false;
}

/* A line of the membership: "0::/path" in version 2, "4:cpu,cpuacct:/path" in version 1. */
static unsigned limit_by_line(unsigned cpus, char *line, const char *root)
{
    char mount[PATH_MAX];
    char *number = strsep(&line, ":");
    char *controllers = strsep(&line, ":");
    bool unified = strcmp(number, "0") == 0;

    if (line == NULL)
        return cpus;
    line[strcspn(line, "\n")] = '\0';
    if (!unified && !has_cpu(controllers))
        return cpus;
    snprintf(mount, sizeof(mount), "%s%s", root, unified ? "" : "/cpu");
    return limit_by_path(cpus, mount, line);
}

unsigned cpus_limited(unsigned cpus, const char *membership, const char *root)
{
    FILE *file = fopen(membership, "re");
    char *line = NULL;
    size_t size = 0;

    if (file == NULL)
        return cpus;
    while (getline(&line, &size, file) >= 0)
        cpus = limit_by_line(cpus, line, root);
    free(line);
    fclose(file);
    return cpus;
}

unsigned cpus_usable(void)
{
    cpu_set_t set;
    long online = sysconf(_SC_NPROCESSORS_ONLN);
    unsigned cpus = online > 0 ? (unsigned)online : 1;

    /* Fails on a machine with more CPUs than the set has room for. */
    if (sched_getaffinity(0, sizeof(set), &set) == 0)
        cpus = (unsigned)CPU_COUNT(&set);
    return cpus_limited(cpus, "/proc/self/cgroup", "/sys/fs/cgroup");
}

/* The CPU number `slot` of those that this process may use, round and round. */
static int pick_cpu(unsigned slot, cpu_set_t *set)
{
    cpu_set_t usable;
    unsigned skip;

    if (sched_getaffinity(0, sizeof(usable), &usable) < 0)
        return -errno;
    skip = slot % (unsigned)CPU_COUNT(&usable);
    for (unsigned cpu = 0; cpu < CPU_SETSIZE; cpu++) {
        if (CPU_ISSET(cpu, &usable) && skip-- == 0)
            CPU_SET(cpu, set);
    }
    return 0;
}

/* "2" or "0-3" to its ends; false: it is neither. */
static bool read_range(const char *item, unsigned long *first, unsigned long *last)
{
    char *end;

    if (*item < '0' || *item > '9')
        return false;
    *first = *last = strtoul(item, &end, 10);
    if (*end == '-' && end[1] >= '0' && end[1] <= '9')
        *last = strtoul(end + 1, &end, 10);
    return *end == '\0' && *first <= *last && *last < CPU_SETSIZE;
}

int cpus_for_slot(const char *item, unsigned slot, cpu_set_t *set)
{
    unsigned long first, last;

    CPU_ZERO(set);
    if (strcmp(item, "auto") == 0)
        return pick_cpu(slot, set);
    if (!read_range(item, &first, &last))
        return -EINVAL;
    for (unsigned long cpu = first; cpu <= last; cpu++)
        CPU_SET(cpu, set);
    return 0;
}
