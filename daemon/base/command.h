/* SPDX-License-Identifier: MIT
 *
 * Every command of the control socket, one row each: the master answers by it, prongctl, its help
 * and its manual are made from it.
 *
 * A request and an answer are one line of JSON each, at most COMMAND_LINE_SIZE bytes of request:
 *     {"command": "status", "arguments": []}
 *     {"ok": true, …}            or {"ok": false, "error": "what is wrong", "exit": 2}
 * An error may have several lines.  A command that takes long shows, once a second before its
 * answer, a line {"progress": {"state": …, …}}.
 */
#ifndef PRONGD_COMMAND_H
#define PRONGD_COMMAND_H

#include <stdbool.h>
#include <stddef.h>

#define COMMAND_LINE_SIZE 65536

/* Where the master listens unless control_socket says otherwise. */
#define COMMAND_SOCKET "/run/prong/control.sock"

enum command {
    COMMAND_STATUS,
    COMMAND_RELOAD,
    COMMAND_DIFF,
    COMMAND_WORKERS,
    COMMAND_RECYCLE,
    COMMAND_REBALANCE,
    COMMAND_UPGRADE,
    COMMAND_REOPEN_LOGS,
    COMMAND_LOG_LEVEL,
    COMMAND_STOP_WORKERS,
    COMMAND_STOP,
    COMMAND_QUIT,
    COMMAND_METRICS,
    COMMAND_VERSION,
    COMMAND_NEW_MODULE,
    COMMAND_COUNT
};

struct command_row {
    enum command command;
    const char *name;      /* "status" */
    const char *arguments; /* "[N]", "ID…" or "" */
    unsigned least, most;  /* how many arguments */
    const char *help;      /* one sentence */
    bool is_local;         /* prongctl does it alone: no prongd is asked */
};

extern const struct command_row commands[COMMAND_COUNT];

/* NULL when there is none of that name. */
const struct command_row *command_find(const char *name);

#endif
