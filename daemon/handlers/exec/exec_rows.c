/* SPDX-License-Identifier: MIT
 *
 * What can be said of programs, and what a value must be.
 */
#include "exec_rows.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "exec_options.h"
#include "privileges.h"
#include "words.h"

#define DAY (24 * 60 * 60 * UINT64_C(1000))

/* --- Checks --- */

static int check_command(const char *value, char *problem, size_t size)
{
    char **words = words_split(value, problem, size);
    int error = words == NULL ? -EINVAL : 0;

    if (error == 0 && words[0][0] != '/') {
        snprintf(problem, size,
                 "\"%s\" is not an absolute path: write the program's, as /usr/bin/%s", words[0],
                 words[0]);
        error = -EINVAL;
    }
    free(words);
    return error;
}

static int check_user(const char *value, char *problem, size_t size)
{
    struct privileges privileges;

    return privileges_find(&privileges, value, "0", problem, size) < 0 ? -EINVAL : 0;
}

static int check_group(const char *value, char *problem, size_t size)
{
    struct privileges privileges;

    return privileges_find(&privileges, "0", value, problem, size) < 0 ? -EINVAL : 0;
}

static int check_directory(const char *value, char *problem, size_t size)
{
    if (*value == '/')
        return 0;
    snprintf(problem, size, "\"%s\" is not an absolute path: write one that begins with \"/\"",
             value);
    return -EINVAL;
}

static int check_variable(const char *value, char *problem, size_t size)
{
    size_t length = 0;

    while (isalnum((unsigned char)value[length]) || value[length] == '_')
        length++;
    if (length > 0 && value[length] == '=' && !isdigit((unsigned char)value[0]))
        return 0;
    snprintf(problem, size, "\"%s\" is no variable: write NAME=VALUE, as LANG=C", value);
    return -EINVAL;
}

static int check_nice(const char *value, char *problem, size_t size)
{
    char *end;
    long number = strtol(value, &end, 10);

    if (*value != '\0' && *end == '\0' && number >= -20 && number <= 19)
        return 0;
    snprintf(problem, size, "\"%s\" is not possible: write a number from -20 to 19", value);
    return -EINVAL;
}

/* --- Rows --- */

static const char *const excesses[] = {"wait", "close", "reset", NULL};
static const char *const standard_errors[] = {"log", "discard", "socket", NULL};

const struct prongd_option exec_rows[EXEC_ROWS] = {
    {PRONGD_TEXT(struct exec_options, exec), .name = "exec",
     .example = "/usr/bin/tee -a /tmp/everything", .check = check_command,
     .help = "The program, by its absolute path, and its arguments; spaces separate them unless "
             "they stand in quotes, and no shell is asked."},
    {PRONGD_COUNT(struct exec_options, max_processes), .name = "max_processes", .fallback = "40",
     .most = 100000,
     .help = "How many programs may run at the same time; 0 sets no limit.  A connection whose "
             "program runs does not count in max_connections any more."},
    {PRONGD_COUNT(struct exec_options, max_processes_per_address),
     .name = "max_processes_per_address", .fallback = "0", .most = 100000,
     .help = "How many of them for clients of one address (address_prefix_v4, address_prefix_v6); "
             "others are sent away; 0 sets no limit."},
    {PRONGD_CHOICE(struct exec_options, excess), .name = "excess_processes", .fallback = "wait",
     .choices = excesses,
     .help = "What becomes of a client when max_processes are running: it waits, or is sent away "
             "with an orderly close or a reset."},
    {PRONGD_DURATION(struct exec_options, max_runtime_ms), .name = "max_runtime", .fallback = "0",
     .most = 365 * DAY,
     .help = "How long a program may run before it is sent SIGTERM; 0 sets no limit."},
    {PRONGD_DURATION(struct exec_options, kill_timeout_ms), .name = "kill_timeout",
     .fallback = "5s", .most = DAY,
     .help = "How long after SIGTERM a program and its children are sent SIGKILL."},
    {PRONGD_TEXT(struct exec_options, run_as), .name = "run_as", .example = "nobody",
     .check = check_user,
     .help = "The user, by name or number, that programs run as when prongd is started as root: "
             "that of the workers, unless another is written."},
    {PRONGD_TEXT(struct exec_options, run_as_group), .name = "run_as_group", .example = "nogroup",
     .check = check_group,
     .help = "The group, by name or number, that programs get with run_as: the user's own, unless "
             "another is written."},
    {PRONGD_TEXT(struct exec_options, directory), .name = "directory", .fallback = "/",
     .check = check_directory, .help = "The directory in which programs start."},
    {PRONGD_LIST(struct exec_options, environment), .name = "environment",
     .fallback = "PATH=/usr/local/bin:/usr/bin:/bin", .check = check_variable,
     .help = "The variables that programs get, beside those that tell of the client (PROTO, "
             "TCPREMOTEIP and so on, as with tcpserver); they get no others."},
    {PRONGD_CHOICE(struct exec_options, standard_error), .name = "standard_error",
     .fallback = "log", .choices = standard_errors,
     .help = "Where the standard error of programs goes: into the log, line by line; nowhere; or "
             "to the client, as inetd has it."},
    {PRONGD_MODE(struct exec_options, umask), .name = "program_umask", .fallback = "0022",
     .most = 0777, .help = "The permissions that files of the programs do not get."},
    {PRONGD_TEXT(struct exec_options, nice), .name = "program_nice", .example = "5",
     .check = check_nice,
     .help = "The priority of the programs, from -20, the highest, which only root can give, to "
             "19: the master's own, unless another is written."},
    {PRONGD_COUNT(struct exec_options, rlimit_nofile), .name = "program_rlimit_nofile",
     .fallback = "1024", .least = 3, .most = 1048576,
     .help = "How many descriptors a program may have."},
    {PRONGD_SIZE(struct exec_options, rlimit_core_bytes), .name = "program_rlimit_core",
     .fallback = "0", .help = "How large a program's core file may be; 0 writes none."},
    {PRONGD_SIZE(struct exec_options, rlimit_as_bytes), .name = "program_rlimit_as",
     .fallback = "0",
     .help = "How much address space a program may have; 0 sets no limit, as for the next ones."},
    {PRONGD_SIZE(struct exec_options, rlimit_fsize_bytes), .name = "program_rlimit_fsize",
     .fallback = "0", .help = "How large a file may become that a program writes."},
    {PRONGD_DURATION(struct exec_options, rlimit_cpu_ms), .name = "program_rlimit_cpu",
     .fallback = "0", .most = 365 * DAY,
     .help = "How much CPU time, in whole seconds, a program may use."},
    {PRONGD_COUNT(struct exec_options, rlimit_nproc), .name = "program_rlimit_nproc",
     .fallback = "0", .most = 1000000,
     .help = "How many processes the user of the programs may have, all in all."},
};
