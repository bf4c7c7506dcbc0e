/* SPDX-License-Identifier: MIT
 *
 * Who may write what prongd reads and runs.
 */
#include <dirent.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "call.h"
#include "doctor.h"

#define GROUP_OR_OTHERS (S_IWGRP | S_IWOTH)

/* Who can replace a file in there can replace the file; where the sticky bit is set, not. */
static void check_directory(struct doctor *doctor, const char *path)
{
    char parent[PATH_MAX];
    struct stat status;
    char *slash;

    (void)snprintf(parent, sizeof(parent), "%s", path);
    slash = strrchr(parent, '/');
    if (slash == NULL || slash == parent)
        return;
    *slash = '\0';
    if (stat(parent, &status) == 0 && (status.st_mode & S_IWOTH) != 0 &&
        (status.st_mode & S_ISVTX) == 0)
        doctor_find(doctor, DOCTOR_PROBLEM, "Let only its owner write there: chmod o-w.",
                    "everybody may replace %s: its directory is open to all", path);
}

static void check_config(struct doctor *doctor)
{
    const char *path = json_string_value(doctor_master(doctor, "config"));
    struct stat status;

    if (path == NULL)
        return;
    if (stat(path, &status) < 0) {
        doctor_find(doctor, DOCTOR_PROBLEM, "Put it back: a reload or a restart needs it.",
                    "the configuration %s cannot be seen", path);
        return;
    }
    if ((status.st_mode & GROUP_OR_OTHERS) != 0)
        doctor_find(doctor, DOCTOR_WARNING, "Let only its owner write it: chmod go-w.",
                    "others than its owner may write the configuration %s", path);
    check_directory(doctor, path);
}

/* An abstract one has no permissions: the master looks at who connects. */
static void check_control_socket(struct doctor *doctor)
{
    const char *path = call_path(doctor->call);
    struct stat status;

    if (path != NULL && *path == '/' && stat(path, &status) == 0 &&
        (status.st_mode & GROUP_OR_OTHERS) != 0)
        doctor_find(doctor, DOCTOR_WARNING, "Remove the permission: chmod 0600.",
                    "others than its owner may connect to the control socket %s", path);
}

static void check_log(struct doctor *doctor)
{
    const char *path = json_string_value(doctor_master(doctor, "log_target"));
    struct stat status;

    if (path == NULL || *path != '/')
        return;
    if (stat(path, &status) < 0)
        doctor_find(doctor, DOCTOR_WARNING, "prongctl reopen-logs makes it anew.",
                    "the log %s is not there: what is logged is lost", path);
    else if ((status.st_mode & S_IWOTH) != 0)
        doctor_find(doctor, DOCTOR_WARNING, "Remove the permission: chmod o-w.",
                    "everybody may write the log %s", path);
}

static void check_modules(struct doctor *doctor)
{
    const char *directory = json_string_value(doctor_master(doctor, "module_directory"));
    DIR *stream = directory != NULL ? opendir(directory) : NULL;
    const struct dirent *entry;
    struct stat status;

    while (stream != NULL && (entry = readdir(stream)) != NULL)
        if (strstr(entry->d_name, ".so") != NULL &&
            fstatat(dirfd(stream), entry->d_name, &status, 0) == 0 &&
            (status.st_mode & GROUP_OR_OTHERS) != 0)
            doctor_find(doctor, DOCTOR_PROBLEM, "Let only its owner write it: chmod go-w.",
                        "others than its owner may write the module %s/%s, which workers run",
                        directory, entry->d_name);
    if (stream != NULL)
        (void)closedir(stream);
}

void doctor_check_files(struct doctor *doctor)
{
    if (doctor->status == NULL)
        return;
    check_config(doctor);
    check_control_socket(doctor);
    check_log(doctor);
    check_modules(doctor);
}
