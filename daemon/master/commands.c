/* SPDX-License-Identifier: MIT
 *
 * What the commands of the control socket do.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config.h"
#include "connections.h"
#include "diff.h"
#include "draining.h"
#include "log.h"
#include "master_internal.h"
#include "options.h"
#include "rebalance.h"
#include "request.h"
#include "tapping.h"

#define EXIT_USAGE  2
#define MAX_WORKERS 1024

/* Also for metrics: prongctl makes them of it. */
static void command_status(struct control_client *client, const json_t *arguments, void *user)
{
    (void)arguments;
    control_answer(client, master_status(user));
}

/* Is answered at the end of the transaction, or when the old workers are gone. */
static void command_reload(struct control_client *client, const json_t *arguments, void *user)
{
    struct master *master = user;

    log_notice("reload asked for by prongctl");
    reload_request(master->reload, client, request_option(arguments, "no-wait") == NULL);
}

static void refuse(struct control_client *client, const char *why, int status)
{
    control_answer(client, json_pack("{s:b, s:s, s:i}", "ok", 0, "error", why, "exit", status));
}

/* A plain number of at most `most`, or -1. */
static long parse_number(const char *text, long most)
{
    char *end;
    long number;

    if (*text < '0' || *text > '9')
        return -1;
    number = strtol(text, &end, 10);
    return *end == '\0' && number <= most ? number : -1;
}

/* A number, or "more" or "less" for one of them; -1: neither. */
static long wanted_workers(const struct master *master, const char *text)
{
    const struct generation *current = generation_list_current(&master->generations);
    long now = current != NULL ? (long)current->slot_count : 0;

    if (strcmp(text, "more") == 0)
        return now + 1;
    if (strcmp(text, "less") == 0)
        return now - 1;
    return parse_number(text, MAX_WORKERS);
}

/* Is answered when the old workers are gone. */
static void command_workers(struct control_client *client, const json_t *arguments, void *user)
{
    long workers = wanted_workers(user, json_string_value(json_array_get(arguments, 0)));

    if (workers < 1 || workers > MAX_WORKERS)
        refuse(client, "workers takes a number from 1 to 1024, more, or less", EXIT_USAGE);
    else
        master_scale(user, (unsigned)workers, client);
}

static void command_recycle(struct control_client *client, const json_t *arguments, void *user)
{
    struct master *master = user;
    long slot = parse_number(json_string_value(json_array_get(arguments, 0)), MAX_WORKERS);

    if (slot < 0)
        refuse(client, "recycle takes the number of a slot, as status shows it", EXIT_USAGE);
    else if (upkeep_recycle(master->upkeep, (unsigned)slot) < 0)
        refuse(client, "no ready worker is in that slot", EXIT_FAILURE);
    else
        control_answer(client, json_pack("{s:b}", "ok", 1));
}

static void command_rebalance(struct control_client *client, const json_t *arguments, void *user)
{
    struct master *master = user;
    struct generation *generation = generation_list_current(&master->generations);
    uint64_t asked = 0;

    (void)arguments;
    if (generation != NULL)
        asked = rebalance_now(generation, master->scoreboard, UINT64_MAX, false);
    control_answer(client, json_pack("{s:b, s:I}", "ok", 1, "connections", (json_int_t)asked));
}

/* Is answered by the new program, when the workers of the old one are gone. */
static void command_upgrade(struct control_client *client, const json_t *arguments, void *user)
{
    struct master *master = user;

    (void)arguments;
    log_notice("upgrade asked for by prongctl");
    upgrade_request(master->upgrade, client);
}

/* --- What signals do, too --- */

static void command_reopen_logs(struct control_client *client, const json_t *arguments, void *user)
{
    char problem[256];
    int error = master_reopen_logs(user);

    (void)arguments;
    if (error == 0) {
        control_answer(client, json_pack("{s:b}", "ok", 1));
        return;
    }
    snprintf(problem, sizeof(problem), "the log file cannot be opened anew: %s", strerror(-error));
    refuse(client, problem, EXIT_FAILURE);
}

static void command_log_level(struct control_client *client, const json_t *arguments, void *user)
{
    const char *const *levels = option_find(&daemon_options, "log_level")->choices;
    const char *wanted = json_string_value(json_array_get(arguments, 0));
    uint32_t level = 0;

    while (levels[level] != NULL && strcmp(levels[level], wanted) != 0)
        level++;
    if (levels[level] == NULL) {
        refuse(client, "log-level takes error, warning, notice, info or debug", EXIT_USAGE);
        return;
    }
    master_set_log_level(user, level);
    control_answer(client, json_pack("{s:b}", "ok", 1));
}

/* Is answered when the workers are gone. */
static void command_stop_workers(struct control_client *client, const json_t *arguments, void *user)
{
    (void)arguments;
    log_notice("end of the workers asked for by prongctl");
    master_sleep(user, client);
}

/* Is answered when the service has ended. */
static void command_stop(struct control_client *client, const json_t *arguments, void *user)
{
    struct master *master = user;

    (void)arguments;
    waiting_add(&master->stopping, client, true, false);
    if (master->state < MASTER_DRAINING)
        master_stop(master);
}

static void command_quit(struct control_client *client, const json_t *arguments, void *user)
{
    struct master *master = user;

    (void)arguments;
    waiting_add(&master->stopping, client, true, false);
    master_stop_now(master);
}

static void command_diff(struct control_client *client, const json_t *arguments, void *user)
{
    (void)arguments;
    diff_begin(user, client);
}

static void command_version(struct control_client *client, const json_t *arguments, void *user)
{
    (void)arguments;
    (void)user;
    control_answer(client, json_pack("{s:b, s:s, s:i}", "ok", 1, "version", PRONG_VERSION,
                                     "protocol", COMMAND_PROTOCOL));
}

control_command *const command_table[COMMAND_COUNT] = {
    [COMMAND_STATUS] = command_status,
    [COMMAND_RELOAD] = command_reload,
    [COMMAND_DIFF] = command_diff,
    [COMMAND_WORKERS] = command_workers,
    [COMMAND_RECYCLE] = command_recycle,
    [COMMAND_REBALANCE] = command_rebalance,
    [COMMAND_UPGRADE] = command_upgrade,
    [COMMAND_REOPEN_LOGS] = command_reopen_logs,
    [COMMAND_LOG_LEVEL] = command_log_level,
    [COMMAND_STOP_WORKERS] = command_stop_workers,
    [COMMAND_STOP] = command_stop,
    [COMMAND_QUIT] = command_quit,
    [COMMAND_METRICS] = command_status,
    [COMMAND_VERSION] = command_version,
    [COMMAND_CONNECTIONS] = connections_list,
    [COMMAND_CLOSE] = connections_close,
    [COMMAND_TAP] = tapping_begin,
    [COMMAND_DRAIN] = draining_drain,
    [COMMAND_UNDRAIN] = draining_undrain,
};
