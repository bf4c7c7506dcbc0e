/* SPDX-License-Identifier: MIT
 *
 * What the commands of the control socket do.
 */
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
    [COMMAND_STOP] = command_stop,
    [COMMAND_VERSION] = command_version,
};
