/* SPDX-License-Identifier: MIT
 *
 * Planning a keeper.
 */
#include "keeping_plan.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "config.h"
#include "errand.h"
#include "exec_options.h"
#include "format.h"
#include "keeping.h"
#include "options.h"
#include "words.h"

/* How long the check of a program may take: its file may be on another machine. */
#define CHECK_TIMEOUT_MS 5000

bool keeping_is_wanted(const struct config_server *server)
{
    return server->module == NULL && server->handler_config != NULL &&
           strcmp(server->handler->name, EXEC_HANDLER) == 0;
}

static int complain(const struct config *config, const char *server, const char *option,
                    const char *what, char *problem, size_t size)
{
    snprintf(problem, size, "%s: [server %s] %s: %s", config->file, server, option, what);
    return -EINVAL;
}

/* --- Whom, what, where --- */

static const char *user_of(const struct config *config, const struct exec_options *options)
{
    if (options->run_as != NULL)
        return options->run_as;
    return config->daemon.user != NULL ? config->daemon.user : CONFIG_DEFAULT_USER;
}

static const char *group_of(const struct config *config, const struct exec_options *options)
{
    if (options->run_as_group != NULL || options->run_as != NULL)
        return options->run_as_group;
    return config->daemon.group;
}

/* Only root can become somebody else; and nobody should run as whom the file does not say. */
static int find_identity(struct keeping *keeping, const struct config *config,
                         const struct exec_options *options, char *reason, size_t size)
{
    struct privileges *identity = &keeping->identity;
    int error;

    keeping->changes_identity = geteuid() == 0;
    if (!keeping->changes_identity && options->run_as == NULL)
        return 0;
    error = privileges_find(identity, user_of(config, options), group_of(config, options), reason,
                            size);
    if (error == 0 && !keeping->changes_identity && identity->uid != geteuid()) {
        snprintf(reason, size, "only root can become \"%s\"", options->run_as);
        error = -EPERM;
    }
    return error;
}

static char **copy_list(const struct prongd_list *list)
{
    size_t size = 1;
    char **copy, *at;

    for (size_t i = 0; i < list->count; i++)
        size += strlen(list->items[i]) + 1;
    copy = malloc((list->count + 1) * sizeof(*copy) + size);
    if (copy == NULL)
        return NULL;
    at = (char *)(copy + list->count + 1);
    for (size_t i = 0; i < list->count; i++) {
        size = strlen(list->items[i]) + 1;
        copy[i] = memcpy(at, list->items[i], size);
        at += size;
    }
    copy[list->count] = NULL;
    return copy;
}

static const char *limit_name(int resource)
{
    static const struct {
        int resource;
        const char *option;
    } names[] = {
        {RLIMIT_NOFILE, "program_rlimit_nofile"}, {RLIMIT_CORE, "program_rlimit_core"},
        {RLIMIT_AS, "program_rlimit_as"},         {RLIMIT_FSIZE, "program_rlimit_fsize"},
        {RLIMIT_CPU, "program_rlimit_cpu"},       {RLIMIT_NPROC, "program_rlimit_nproc"},
    };
    size_t i = 0;

    while (names[i].resource != resource)
        i++;
    return names[i].option;
}

static void add_limit(struct keeping *keeping, int resource, uint64_t most)
{
    keeping->limits[keeping->limit_count++] = (struct keeping_limit){resource, most};
}

static void add_limits(struct keeping *keeping, const struct exec_options *options)
{
    const struct keeping_limit optional[] = {
        {RLIMIT_AS, options->rlimit_as_bytes},
        {RLIMIT_FSIZE, options->rlimit_fsize_bytes},
        {RLIMIT_CPU, (options->rlimit_cpu_ms + 999) / 1000},
        {RLIMIT_NPROC, options->rlimit_nproc},
    };

    add_limit(keeping, RLIMIT_NOFILE, options->rlimit_nofile);
    add_limit(keeping, RLIMIT_CORE, options->rlimit_core_bytes);
    for (size_t i = 0; i < sizeof(optional) / sizeof(optional[0]); i++) {
        if (optional[i].most > 0)
            add_limit(keeping, optional[i].resource, optional[i].most);
    }
}

static void set_numbers(struct keeping *keeping, const struct config *config,
                        const struct config_server *server, const struct exec_options *options)
{
    keeping->umask = options->umask;
    keeping->has_nice = options->nice != NULL;
    keeping->nice = options->nice != NULL ? (int)strtol(options->nice, NULL, 10) : 0;
    keeping->standard_error = (enum exec_stderr)options->standard_error;
    keeping->no_new_privs = config->daemon.no_new_privs;
    keeping->max_processes = options->max_processes;
    keeping->max_processes_per_address = options->max_processes_per_address;
    keeping->prefix_v4 = (unsigned)server->address_prefix_v4;
    keeping->prefix_v6 = (unsigned)server->address_prefix_v6;
    keeping->excess = (enum exec_excess)options->excess;
    keeping->max_runtime_ms = options->max_runtime_ms;
    keeping->kill_timeout_ms = options->kill_timeout_ms;
    add_limits(keeping, options);
}

/* False: memory is short. */
static bool set_access_log(struct keeping *keeping, const struct config_server *server)
{
    if (!config_has_access_log(server))
        return true;
    keeping->access_refused = server->access_refused;
    keeping->access_log = strdup(server->access_log);
    keeping->access_format = strdup(server->access_format);
    return keeping->access_log != NULL && keeping->access_format != NULL;
}

/* -ENOMEM, or another code with half a sentence in `reason`. */
static int set_texts(struct keeping *keeping, const struct config *config,
                     const struct config_server *server, char *reason, size_t size)
{
    const struct exec_options *options = server->handler_config;
    const char *root = geteuid() == 0 ? config->daemon.chroot : NULL;

    snprintf(reason, size, "out of memory");
    keeping->server = strdup(server->name);
    keeping->directory = strdup(options->directory);
    keeping->environment = copy_list(&options->environment);
    keeping->root = root != NULL ? strdup(root) : NULL;
    if (!set_access_log(keeping, server) || keeping->server == NULL || keeping->directory == NULL ||
        keeping->environment == NULL || (root != NULL && keeping->root == NULL))
        return -ENOMEM;
    keeping->arguments = words_split(options->exec, reason, size);
    return keeping->arguments == NULL ? -EINVAL : 0;
}

/* What a proxy has sent together with its header was read by the worker: a program would miss it.
 */
static int check_options(const struct config_server *server, const char **option, char *reason,
                         size_t size)
{
    const struct exec_options *options = server->handler_config;

    if (options->exec != NULL && server->proxy_protocol_from.count == 0)
        return 0;
    *option = options->exec == NULL ? "exec" : "proxy_protocol_from";
    snprintf(reason, size, "%s",
             options->exec == NULL ? "a program is missing: write one, as exec = /usr/bin/env"
                                   : "does not go together with handler = exec");
    return -EINVAL;
}

/* 0, or a negative code with the option that is wrong, and why. */
static int fill(struct keeping *keeping, const struct config *config,
                const struct config_server *server, const char **option, char *reason, size_t size)
{
    const struct exec_options *options = server->handler_config;
    int error = check_options(server, option, reason, size);

    if (error < 0)
        return error;
    *option = "exec";
    error = set_texts(keeping, config, server, reason, size);
    if (error < 0)
        return error;
    *option = "run_as";
    error = find_identity(keeping, config, options, reason, size);
    if (error == 0)
        set_numbers(keeping, config, server, options);
    return error;
}

struct keeping *keeping_plan(const struct config *config, const struct config_server *server,
                             char *problem, size_t size)
{
    struct keeping *keeping = calloc(1, sizeof(*keeping));
    const char *option;
    char reason[256];

    if (keeping == NULL) {
        snprintf(problem, size, "out of memory");
        return NULL;
    }
    keeping->channel_fd = keeping->work_fd = keeping->access_fd = -1;
    if (fill(keeping, config, server, &option, reason, sizeof(reason)) == 0)
        return keeping;
    (void)complain(config, server->name, option, reason, problem, size);
    keeping_free(keeping);
    return NULL;
}

/* --- The check --- */

static const char *below_root(const struct keeping *keeping, const char *path, char *text,
                              size_t size)
{
    snprintf(text, size, "%s%s", keeping->root != NULL ? keeping->root : "", path);
    return text;
}

/* In the child: one line, which begins with the option; or nothing. */
static void look(FILE *report, void *user)
{
    const struct keeping *keeping = user;
    char path[PATH_MAX];

    if (access(below_root(keeping, keeping->arguments[0], path, sizeof(path)), X_OK) < 0)
        fprintf(report, "exec: %s: %s", path, strerror(errno));
    else if (access(below_root(keeping, keeping->directory, path, sizeof(path)), X_OK) < 0)
        fprintf(report, "directory: %s: %s", path, strerror(errno));
}

/* Tries what a keeper does before it becomes another (keeper/rights.c), and takes it back. */
static bool can_give_limit(const struct keeping_limit *wanted)
{
    struct rlimit ours, more;

    if (getrlimit((__rlimit_resource_t)wanted->resource, &ours) < 0)
        return false;
    if (wanted->most <= ours.rlim_max)
        return true;
    more = (struct rlimit){.rlim_cur = ours.rlim_cur, .rlim_max = wanted->most};
    return setrlimit((__rlimit_resource_t)wanted->resource, &more) == 0 &&
           setrlimit((__rlimit_resource_t)wanted->resource, &ours) == 0;
}

static bool can_give_priority(const struct keeping *keeping)
{
    int ours = getpriority(PRIO_PROCESS, 0);

    if (!keeping->has_nice || keeping->nice >= ours)
        return true;
    return setpriority(PRIO_PROCESS, 0, keeping->nice) == 0 &&
           setpriority(PRIO_PROCESS, 0, ours) == 0;
}

static int check_gifts(const struct config *config, const struct keeping *keeping, char *problem,
                       size_t size)
{
    static const char why[] = "prongd has no right to give so much";

    for (size_t i = 0; i < keeping->limit_count; i++) {
        if (!can_give_limit(&keeping->limits[i]))
            return complain(config, keeping->server, limit_name(keeping->limits[i].resource), why,
                            problem, size);
    }
    if (can_give_priority(keeping))
        return 0;
    return complain(config, keeping->server, "program_nice", why, problem, size);
}

int keeping_check(const struct config *config, const struct keeping *keeping, char *problem,
                  size_t size)
{
    const struct errand errand = {
        .identity = keeping->changes_identity ? &keeping->identity : NULL,
        .timeout_ms = CHECK_TIMEOUT_MS,
        .work = look,
        .user = (void *)(uintptr_t)keeping,
    };
    char *report, reason[128];
    int error = check_gifts(config, keeping, problem, size);

    if (error < 0)
        return error;
    error = errand_run(&errand, &report, reason, sizeof(reason));

    if (error < 0)
        snprintf(problem, size, "%s: [server %s] exec: the check of the program %s", config->file,
                 keeping->server, reason);
    else if (report != NULL && *report != '\0')
        error = complain(config, keeping->server, "exec cannot run", report, problem, size);
    free(report);
    return error;
}

/* --- What makes a difference --- */

static void write_row(FILE *stream, const struct prongd_option *row, const void *base)
{
    char *text = format_row(row, base);

    fprintf(stream, "%s=%s\n", row->name, text != NULL ? text : "");
    free(text);
}

char *keeping_signature(const struct config *config, const struct config_server *server)
{
    static const char *const of_daemon[] = {"user", "group", "chroot", "no_new_privs"};
    static const char *const of_server[] = {"address_prefix_v4", "address_prefix_v6", "access_log",
                                            "access_format", "access_refused"};
    const struct option_table own = handler_options(server->handler);
    char *text = NULL;
    size_t size;
    FILE *stream = open_memstream(&text, &size);

    if (stream == NULL)
        return NULL;
    for (size_t i = 0; i < own.count; i++)
        write_row(stream, &own.rows[i], server->handler_config);
    for (size_t i = 0; i < sizeof(of_daemon) / sizeof(of_daemon[0]); i++)
        write_row(stream, option_find(&daemon_options, of_daemon[i]), &config->daemon);
    for (size_t i = 0; i < sizeof(of_server) / sizeof(of_server[0]); i++)
        write_row(stream, option_find(&server_options, of_server[i]), server);
    return fclose(stream) == 0 ? text : NULL;
}
