/* SPDX-License-Identifier: MIT
 *
 * The commands of the control socket.
 */
#include "command.h"

#include <string.h>

/* In the order of enum command. */
const struct command_row commands[COMMAND_COUNT] = {
    {COMMAND_STATUS, "status", "", 0, 0, "Shows the master, its workers and its servers."},
    {COMMAND_RELOAD, "reload", "[--no-wait]", 0, 1,
     "Reloads the configuration and waits until the old workers are gone; --no-wait: until the new "
     "ones serve."},
    {COMMAND_DIFF, "diff", "", 0, 0,
     "Shows what a reload would change, and which connections it would touch, without doing it."},
    {COMMAND_WORKERS, "workers", "N|more|less", 1, 1,
     "Reloads with N workers, or with one more or less; it holds until the file asks for another "
     "number."},
    {COMMAND_RECYCLE, "recycle", "SLOT", 1, 1,
     "Replaces the worker of a slot; its connections move to the others."},
    {COMMAND_REBALANCE, "rebalance", "", 0, 0,
     "Moves connections from heavy to light workers now."},
    {COMMAND_UPGRADE, "upgrade", "", 0, 0,
     "Replaces the running program by the one that is installed now; connections live on."},
    {COMMAND_REOPEN_LOGS, "reopen-logs", "", 0, 0, "Opens the log file anew, after a rotation."},
    {COMMAND_LOG_LEVEL, "log-level", "LEVEL", 1, 1,
     "Logs as much as error, warning, notice, info or debug say, until the next reload."},
    {COMMAND_STOP_WORKERS, "stop-workers", "", 0, 0,
     "Lets connections finish for shutdown_timeout and ends the workers; the master keeps the "
     "addresses, and a reload starts new ones."},
    {COMMAND_STOP, "stop", "", 0, 0,
     "Stops accepting, lets connections finish for shutdown_timeout, then ends prongd."},
    {COMMAND_QUIT, "quit", "", 0, 0, "Closes every connection and ends prongd at once."},
    {COMMAND_METRICS, "metrics", "", 0, 0, "Shows every metric in the text format of Prometheus."},
    {COMMAND_VERSION, "version", "", 0, 0, "Shows the version of the running prongd."},
};

const struct command_row *command_find(const char *name)
{
    for (size_t i = 0; i < COMMAND_COUNT; i++)
        if (strcmp(commands[i].name, name) == 0)
            return &commands[i];
    return NULL;
}
