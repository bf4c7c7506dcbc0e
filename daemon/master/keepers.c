/* SPDX-License-Identifier: MIT
 *
 * All servers with programs, through every reload.
 */
#include "keepers.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config.h"
#include "keeper_hang.h"
#include "keeper_process.h"
#include "keeping_plan.h"
#include "kept.h"
#include "master_internal.h"

struct keepers {
    struct master *master;
    keeper_entry *entry;
    struct kept *first;
};

static struct kept *find(const struct keepers *keepers, const char *server)
{
    struct kept *kept = keepers->first;

    while (kept != NULL && strcmp(kept->server, server) != 0)
        kept = kept->next;
    return kept;
}

static struct kept *add(struct keepers *keepers, const char *server)
{
    struct kept *kept = kept_new(keepers->master, keepers->entry, server);

    if (kept == NULL)
        return NULL;
    kept->next = keepers->first;
    keepers->first = kept;
    return kept;
}

static void free_unused(struct keepers *keepers)
{
    struct kept **at = &keepers->first;

    while (*at != NULL) {
        struct kept *kept = *at;

        if (kept->processes != NULL || kept->prepared.signature != NULL || kept_is_used(kept)) {
            at = &kept->next;
            continue;
        }
        *at = kept->next;
        kept_free(kept);
    }
}

int keepers_worker_fd(const struct keepers *keepers, const char *server)
{
    const struct kept *kept = find(keepers, server);

    return kept != NULL ? kept->worker_fd : -1;
}

/* --- The transaction --- */

int keepers_check(const struct config *config, char *problem, size_t size)
{
    int error = 0;

    for (size_t i = 0; error == 0 && i < config->server_count; i++) {
        struct plan plan = {0};

        if (keeping_is_wanted(config->servers[i]))
            error = plan_make(&plan, config, config->servers[i], problem, size);
        if (error == 0 && plan.keeping != NULL)
            error = keeping_check(config, plan.keeping, problem, size);
        plan_clear(&plan);
    }
    return error;
}

static int prepare(struct keepers *keepers, const struct config *config,
                   const struct config_server *server, char *problem, size_t size)
{
    struct kept *kept = find(keepers, server->name);
    int error = 0;

    if (kept == NULL) {
        kept = add(keepers, server->name);
        error = kept == NULL ? -ENOMEM : kept_open(kept);
    }
    if (error < 0) {
        snprintf(problem, size, "no socket for the keeper of [server %s]: %s", server->name,
                 strerror(-error));
        return error;
    }
    return plan_make(&kept->prepared, config, server, problem, size);
}

int keepers_prepare(struct keepers *keepers, const struct config *config, char *problem,
                    size_t size)
{
    int error = 0;

    for (size_t i = 0; error == 0 && i < config->server_count; i++) {
        if (keeping_is_wanted(config->servers[i]))
            error = prepare(keepers, config, config->servers[i], problem, size);
    }
    if (error < 0)
        keepers_rollback(keepers);
    return error;
}

void keepers_rollback(struct keepers *keepers)
{
    for (struct kept *kept = keepers->first; kept != NULL; kept = kept->next)
        plan_clear(&kept->prepared);
    free_unused(keepers);
}

void keepers_commit(struct keepers *keepers)
{
    for (struct kept *kept = keepers->first; kept != NULL; kept = kept->next) {
        if (kept->prepared.signature != NULL)
            kept_commit(kept);
    }
}

void keepers_sweep(struct keepers *keepers)
{
    for (struct kept *kept = keepers->first; kept != NULL; kept = kept->next) {
        if (!kept_is_used(kept))
            kept_finish(kept);
    }
    free_unused(keepers);
}

/* --- The end --- */

void keepers_terminate(struct keepers *keepers, uint64_t after_ms)
{
    for (struct kept *kept = keepers->first; kept != NULL; kept = kept->next)
        kept_terminate(kept, after_ms);
}

bool keepers_are_gone(const struct keepers *keepers)
{
    for (const struct kept *kept = keepers->first; kept != NULL; kept = kept->next) {
        if (kept->processes != NULL)
            return false;
    }
    return true;
}

bool keepers_on_child(struct keepers *keepers, pid_t pid, int status)
{
    struct kept *kept = keepers->first;

    while (kept != NULL && !kept_on_child(kept, pid, status))
        kept = kept->next;
    free_unused(keepers);
    return kept != NULL;
}

/* --- What others are told --- */

void keepers_visit(const struct keepers *keepers,
                   void (*visit)(const struct keeper_process *process, void *user), void *user)
{
    for (const struct kept *kept = keepers->first; kept != NULL; kept = kept->next) {
        for (const struct keeper_process *process = kept->processes; process != NULL;
             process = process->next)
            visit(process, user);
    }
}

void keepers_tell_all(const struct keepers *keepers, enum message message, const void *payload,
                      size_t size, int fd)
{
    for (const struct kept *kept = keepers->first; kept != NULL; kept = kept->next) {
        for (const struct keeper_process *process = kept->processes; process != NULL;
             process = process->next)
            keeper_process_tell(process, message, payload, size, fd);
    }
}

void keepers_reopen_access(const struct keepers *keepers)
{
    for (const struct kept *kept = keepers->first; kept != NULL; kept = kept->next)
        kept_reopen_access(kept);
}

void keepers_look(const struct keepers *keepers, uint64_t timeout_ms)
{
    for (struct kept *kept = keepers->first; kept != NULL; kept = kept->next)
        keeper_hang_look(kept, timeout_ms);
}

static void add_status(const struct keeper_process *process, void *list)
{
    json_array_append_new(list, keeper_process_status(process));
}

json_t *keepers_status(const struct keepers *keepers)
{
    json_t *list = json_array();

    keepers_visit(keepers, add_status, list);
    return list;
}

size_t keepers_silent(const struct keepers *keepers, const char *server)
{
    const struct kept *kept = find(keepers, server);

    return kept != NULL ? kept_silent(kept) : 0;
}

json_t *keepers_programs(const struct keepers *keepers, const char *server)
{
    const struct kept *kept = find(keepers, server);
    struct message_programs programs;

    if (kept == NULL)
        return NULL;
    programs = kept_programs(kept);
    return programs_json(&programs);
}

uint64_t keepers_running(const struct keepers *keepers)
{
    uint64_t sum = 0;

    for (const struct kept *kept = keepers->first; kept != NULL; kept = kept->next)
        sum += kept_programs(kept).running;
    return sum;
}

/* --- From one program to the next --- */

json_t *keepers_describe(const struct keepers *keepers)
{
    json_t *list = json_array();

    for (const struct kept *kept = keepers->first; kept != NULL; kept = kept->next)
        json_array_append_new(list, kept_describe(kept));
    return list;
}

int keepers_adopt(struct keepers *keepers, const json_t *list)
{
    const json_t *value;
    size_t i;

    json_array_foreach(list, i, value)
    {
        const char *server = json_string_value(json_object_get(value, "server"));
        struct kept *kept = server != NULL ? add(keepers, server) : NULL;
        int error = kept == NULL ? -EPROTO : kept_adopt(kept, value);

        if (error < 0)
            return error;
    }
    return 0;
}

/* --- Life --- */

struct keepers *keepers_new(struct master *master, keeper_entry *entry)
{
    struct keepers *keepers = calloc(1, sizeof(*keepers));

    if (keepers == NULL)
        return NULL;
    keepers->master = master;
    keepers->entry = entry;
    return keepers;
}

void keepers_free(struct keepers *keepers)
{
    struct kept *kept;

    if (keepers == NULL)
        return;
    while ((kept = keepers->first) != NULL) {
        keepers->first = kept->next;
        kept_free(kept);
    }
    free(keepers);
}
