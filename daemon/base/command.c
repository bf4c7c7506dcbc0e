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
    {COMMAND_WORKERS, "workers", "N", 1, 1,
     "Reloads with N workers; it holds until the file asks for another number."},
    {COMMAND_RECYCLE, "recycle", "SLOT", 1, 1,
     "Replaces the worker of a slot; its connections move to the others."},
    {COMMAND_REBALANCE, "rebalance", "", 0, 0,
     "Moves connections from heavy to light workers now."},
    {COMMAND_UPGRADE, "upgrade", "", 0, 0,
     "Replaces the running program by the one that is installed now; connections live on."},
    {COMMAND_STOP, "stop", "", 0, 0,
     "Stops accepting, lets connections finish for shutdown_timeout, then ends prongd."},
    {COMMAND_VERSION, "version", "", 0, 0, "Shows the version of the running prongd."},
};

const struct command_row *command_find(const char *name)
{
    for (size_t i = 0; i < COMMAND_COUNT; i++)
        if (strcmp(commands[i].name, name) == 0)
            return &commands[i];
    return NULL;
}
