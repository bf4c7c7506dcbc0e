/* SPDX-License-Identifier: MIT
 *
 * Every command of the control socket, one row each: the master answers by it, prongctl, its help
 * and its manual are made from it.
 *
 * A request and an answer are one line of JSON each, at most COMMAND_LINE_SIZE bytes of request:
 *     {"command": "reload", "arguments": ["--no-wait"]}
 *     {"ok": true, …}            or {"ok": false, "error": "what is wrong", "exit": 2}
 * Arguments are texts; options stand among them as "--name" or "--name=value".  An error may have
 * several lines.  A command that takes long shows, once a second before its answer, a line
 * {"progress": {"state": …, …}}.  Descriptors come with the first bytes of an answer that says so.
 * `version` tells the number of this protocol, "protocol".
 */
#ifndef PRONGD_COMMAND_H
#define PRONGD_COMMAND_H

#include <stdbool.h>
#include <stddef.h>

#define COMMAND_LINE_SIZE 65536

/* Raised when what an old prongctl sends or expects is not understood any more. */
#define COMMAND_PROTOCOL 1

/* Where the master listens unless control_socket says otherwise. */
#define COMMAND_SOCKET "/run/prong/control.sock"

enum command {
    COMMAND_STATUS,
    COMMAND_SERVERS,
    COMMAND_CONNECTIONS,
    COMMAND_CLOSE,
    COMMAND_TAP,
    COMMAND_TOP,
    COMMAND_DRAIN,
    COMMAND_UNDRAIN,
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
    COMMAND_DOCTOR,
    COMMAND_NEW_MODULE,
    COMMAND_COUNT
};

struct command_option {
    const char *name;     /* "limit", written as --limit=N or --limit N */
    const char *argument; /* "N"; NULL: it takes none */
    const char *help;     /* one sentence */
};

struct command_row {
    enum command command;
    const char *name;      /* "status" */
    const char *arguments; /* "[N]", "ID…" or "" */
    unsigned least, most;  /* how many arguments, options not counted */
    const char *help;      /* one sentence */
    bool is_local;         /* prongctl does it by itself, or with other commands: prongd has none */
    const struct command_option *options; /* ends with a zeroed one; NULL: none */
};

extern const struct command_row commands[COMMAND_COUNT];

/* NULL when there is none of that name. */
const struct command_row *command_find(const char *name);

/* The option that `word` ("--limit", "--limit=5") names; NULL: the command has none such. */
const struct command_option *command_find_option(const struct command_row *row, const char *word);

/* Does a word look like an option? */
bool command_is_option(const char *word);

#endif
