/* SPDX-License-Identifier: MIT
 *
 * What the commands of the control socket do.
 */
#include <string.h>

#include "log.h"
#include "master_internal.h"
#include "status.h"

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
    [COMMAND_STATUS] = command_status,
    [COMMAND_RELOAD] = command_reload,
    [COMMAND_STOP] = command_stop,
    [COMMAND_VERSION] = command_version,
};
