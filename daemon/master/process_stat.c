/* SPDX-License-Identifier: MIT
 *
 * Reading /proc.
 */
#include "process_stat.h"

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* " S 1 77 77 …": state, parent, group, session. */
static bool parse(const char *text, struct process_stat *stat)
{
    char *end;

    if (text[0] != ' ' || text[1] == '\0')
        return false;
    stat->state = text[1];
    stat->parent = (pid_t)strtol(text + 2, &end, 10);
    (void)strtol(end, &end, 10);
    stat->session = (pid_t)strtol(end, &end, 10);
    return *end == ' ';
}

bool process_stat_read(pid_t pid, struct process_stat *stat)
{
    char path[32], text[512];
    const char *name_end;
    ssize_t count;
    int fd;

    (void)snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
    fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return false;
    count = read(fd, text, sizeof(text) - 1);
    close(fd);
    if (count <= 0)
        return false;
    text[count] = '\0';
    /* A process may have any name, also one with parentheses. */
    name_end = strrchr(text, ')');
    return name_end != NULL && parse(name_end + 1, stat);
}

static bool leads(pid_t pid, pid_t parent)
{
    struct process_stat stat;

    return process_stat_read(pid, &stat) && stat.parent == parent && stat.session == pid &&
           stat.state != 'Z' && stat.state != 'X';
}

/* The next one in the directory; 0: there is none. */
static pid_t next_leader(DIR *directory, pid_t parent)
{
    const struct dirent *entry;

    while ((entry = readdir(directory)) != NULL) {
        pid_t pid = (pid_t)strtol(entry->d_name, NULL, 10);

        if (pid > 0 && leads(pid, parent))
            return pid;
    }
    return 0;
}

bool process_has_leaders(pid_t parent)
{
    DIR *directory = opendir("/proc");
    bool has_one;

    if (directory == NULL)
        return true;
    has_one = next_leader(directory, parent) != 0;
    closedir(directory);
    return has_one;
}

void process_kill_leaders(pid_t parent)
{
    DIR *directory = opendir("/proc");
    pid_t pid;

    if (directory == NULL)
        return;
    while ((pid = next_leader(directory, parent)) != 0)
        (void)kill(-pid, SIGKILL);
    closedir(directory);
}
