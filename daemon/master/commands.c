/* SPDX-License-Identifier: MIT
 *
 * What the commands of the control socket do.
 */
#include <stdlib.h>
#include <string.h>

#include "log.h"
#include "master_internal.h"
#include "rebalance.h"
#include "status.h"

#define EXIT_USAGE  2
#define MAX_WORKERS 1024

static void command_status(struct control_client *client, const json_t *arguments, void *user)
{
    struct master *master = user;
    struct status status = {
        .generations = &master->generations,
        .scoreboard = master->scoreboard,
        .started = master->started,
        .uptime_s = (uint64_t)(ev_now(master->loop) - master->started_at),
    };

    (void)arguments;
    control_answer(client, status_json(&status));
}

/* Is answered at the end of the transaction, or when the old workers are gone. */
static void command_reload(struct control_client *client, const json_t *arguments, void *user)
{
    struct master *master = user;
    const char *option = json_string_value(json_array_get(arguments, 0));

    if (option != NULL && strcmp(option, "--no-wait") != 0) {
        control_answer(client, json_pack("{s:b, s:s, s:i}", "ok", 0, "error",
                                         "reload takes nothing but --no-wait", "exit", 2));
        return;
    }
    log_notice("reload asked for by prongctl");
    reload_request(master->reload, client, option == NULL);
}

static void refuse(struct control_client *client, const char *why, int status)
{
    control_answer(client, json_pack("{s:b, s:s, s:i}", "ok", 0, "error", why, "exit", status));
}

/* A plain number of at most `most`, or -1. */
static long number_of(const json_t *arguments, long most)
{
    const char *text = json_string_value(json_array_get(arguments, 0));
    char *end;
    long number;

    if (text == NULL || *text < '0' || *text > '9')
        return -1;
    number = strtol(text, &end, 10);
    return *end == '\0' && number <= most ? number : -1;
}

/* Is answered when the old workers are gone. */
static void command_workers(struct control_client *client, const json_t *arguments, void *user)
{
    long workers = number_of(arguments, MAX_WORKERS);

    if (workers < 1)
        refuse(client, "workers takes a number from 1 to 1024", EXIT_USAGE);
    else
        master_scale(user, (unsigned)workers, client);
}

static void command_recycle(struct control_client *client, const json_t *arguments, void *user)
{
    struct master *master = user;
    long slot = number_of(arguments, MAX_WORKERS);

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
        asked = rebalance_now(generation, master->scoreboard, UINT64_MAX);
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

/* Is answered when the service has ended. */
static void command_stop(struct control_client *client, const json_t *arguments, void *user)
{
    struct master *master = user;

    (void)arguments;
    if (master->stop_client != NULL) {
        control_answer(client, json_pack("{s:b}", "ok", 1));
        return;
    }
    master->stop_client = client;
    if (master->state < MASTER_DRAINING)
        master_stop(master);
}

static void command_version(struct control_client *client, const json_t *arguments, void *user)
{
    (void)arguments;
    (void)user;
    control_answer(client, json_pack("{s:b, s:s}", "ok", 1, "version", PRONG_VERSION));
}

control_command *const command_table[COMMAND_COUNT] = {
    [COMMAND_STATUS] = command_status,       [COMMAND_RELOAD] = command_reload,
    [COMMAND_WORKERS] = command_workers,     [COMMAND_RECYCLE] = command_recycle,
    [COMMAND_REBALANCE] = command_rebalance, [COMMAND_UPGRADE] = command_upgrade,
    [COMMAND_STOP] = command_stop,           [COMMAND_VERSION] = command_version,
};
