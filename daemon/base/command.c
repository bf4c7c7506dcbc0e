/* SPDX-License-Identifier: MIT
 *
 * The commands of the control socket.
 */
#include "command.h"

#include <string.h>

static const struct command_option servers_options[] = {
    {"interval", "TIME",
     "Measures rates over so much time, 1s unless it says otherwise; 0: shows none."},
    {0},
};

/* Which connections. */
#define CRITERIA                                                                                 \
    {"server", "SERVER", "Those of this server."},                                               \
        {"peer", "ADDRESS", "Those of this client, or of a network as 192.0.2.0/24."},           \
        {"worker", "SLOT", "Those of the worker in this slot; GENERATION.SLOT for an old one."}, \
        {"state", "STATE",                                                                       \
         "Those that are open, paused, blocked, half-open, ending, draining or running a "       \
         "program."},                                                                            \
        {"min-age", "TIME", "Those that are at least so old, as 90s, 10m or 2h."},               \
        {"max-age", "TIME", "Those that are at most so old."},                                   \
        {"min-idle", "TIME", "Those on which nothing came or went for so long."},                \
        {"min-bytes", "N", "Those that carried so many bytes both ways, as 64K or 10M."},        \
    {                                                                                            \
        "min-queued", "N", "Those with so many bytes that wait to be sent."                      \
    }

static const struct command_option connections_options[] = {
    CRITERIA,
    {"sort", "COLUMN",
     "Sorts by id, age, idle, in, out, bytes, queued, moves or peer; numbers with the largest "
     "first."},
    {"limit", "N", "Shows at most so many lines."},
    {"top", NULL, "Shows the twenty that carried the most bytes."},
    {0},
};

static const struct command_option close_options[] = {CRITERIA, {0}};

static const struct command_option tap_options[] = {
    {"bytes", "N", "Copies at most so many bytes of both directions, as 4K or 1M; 64K by default."},
    {"seconds", "N", "Ends after so many seconds, 60 by default."},
    {"hex", NULL, "Shows bytes as numbers, sixteen to a line, with the characters beside them."},
    {"pcap", "FILE",
     "Writes packets for tcpdump and Wireshark instead, with headers made up; -: to standard "
     "output."},
    {0},
};

static const struct command_option top_options[] = {
    {"interval", "TIME", "Looks so often, every second unless it says otherwise."},
    {"sort", "COLUMN", "Sorts by bytes, in, out, queued, age, idle, moves or peer at first."},
    {"once", NULL, "Prints one frame and ends, as it does without a terminal."},
    {0},
};

static const struct command_option drain_options[] = {
    {"announce", NULL,
     "Only shows it, and fails /readyz: clients are served until a drain without it."},
    {"wait", NULL, "Waits until the server has no connection any more."},
    {"timeout", "TIME", "Waits for at most so long, as 30s or 10m, and exits with 1 then."},
    {0},
};

static const struct command_option reload_options[] = {
    {"no-wait", NULL, "Ends when the new workers serve, and leaves the old ones to themselves."},
    {0},
};

static const struct command_option doctor_options[] = {
    {"root", "DIRECTORY", "Looks for /proc below DIRECTORY: for tests."},
    {0},
};

/* In the order of enum command. */
const struct command_row commands[COMMAND_COUNT] = {
    {COMMAND_STATUS, "status", "", 0, 0, .help = "Shows the master, its workers and its servers."},
    {COMMAND_SERVERS, "servers", "", 0, 0,
     .help = "Shows the servers: addresses, connections, rates, who waits and who was dropped; and "
             "the upstreams of each: which are down since when and why, connections, failures.",
     .is_local = true, .options = servers_options},
    {COMMAND_CONNECTIONS, "connections", "", 0, 0,
     .help = "Shows the connections: client, worker, age, bytes, what waits to be sent; and the "
             "programs of exec: process, CPU time, command.",
     .options = connections_options},
    {COMMAND_CLOSE, "close", "ID…", 0, 2000,
     .help =
         "Closes connections: by number, as connections shows it, or those that options choose; "
         "a program gets SIGTERM and, after kill_timeout, SIGKILL.",
     .options = close_options},
    {COMMAND_TAP, "tap", "ID", 1, 1,
     .help =
         "Shows what goes over a connection, by number, until it ends or a bound is reached; of "
         "what a proxy has the kernel pass on only how much.",
     .options = tap_options},
    {COMMAND_TOP, "top", "", 0, 0,
     .help = "Shows workers, servers and the heaviest connections live, until q is pressed.",
     .is_local = true, .options = top_options},
    {COMMAND_DRAIN, "drain", "SERVER [ITEM]", 1, 2,
     .help = "Lets a server, or an item of its handler such as an upstream, take nobody new; who "
             "is connected goes on.",
     .options = drain_options},
    {COMMAND_UNDRAIN, "undrain", "SERVER [ITEM]", 1, 2,
     .help = "Lets it take new clients again, at once."},
    {COMMAND_RELOAD, "reload", "", 0, 0,
     .help = "Reloads the configuration and waits until the old workers are gone.",
     .options = reload_options},
    {COMMAND_DIFF, "diff", "", 0, 0,
     .help = "Shows what a reload would change, and which connections it would touch, without "
             "doing it."},
    {COMMAND_WORKERS, "workers", "N|more|less", 1, 1,
     .help = "Reloads with N workers, or with one more or less; it holds until the file asks for "
             "another number."},
    {COMMAND_RECYCLE, "recycle", "SLOT", 1, 1,
     .help = "Replaces the worker of a slot; its connections move to the others."},
    {COMMAND_REBALANCE, "rebalance", "", 0, 0,
     .help = "Moves connections from heavy to light workers now."},
    {COMMAND_UPGRADE, "upgrade", "", 0, 0,
     .help = "Replaces the running program by the one that is installed now; connections live on."},
    {COMMAND_REOPEN_LOGS, "reopen-logs", "", 0, 0,
     .help = "Opens the log file and those of the access logs anew, after a rotation."},
    {COMMAND_LOG_LEVEL, "log-level", "LEVEL", 1, 1,
     .help = "Logs as much as error, warning, notice, info or debug say, until the next reload."},
    {COMMAND_STOP_WORKERS, "stop-workers", "", 0, 0,
     .help =
         "Lets connections finish for shutdown_timeout and ends the workers; the master keeps the "
         "addresses, and a reload starts new ones."},
    {COMMAND_STOP, "stop", "", 0, 0,
     .help = "Stops accepting, lets connections finish for shutdown_timeout, then ends prongd."},
    {COMMAND_QUIT, "quit", "", 0, 0, .help = "Closes every connection and ends prongd at once."},
    {COMMAND_METRICS, "metrics", "", 0, 0,
     .help = "Shows every metric in the text format of Prometheus."},
    {COMMAND_VERSION, "version", "", 0, 0, .help = "Shows the version of the running prongd."},
    {COMMAND_DOCTOR, "doctor", "", 0, 0,
     .help = "Looks for what is wrong with the service, its files and this machine, and says what "
             "to do; the exit status is 1 after a warning and 2 after a problem.",
     .is_local = true, .options = doctor_options},
    {COMMAND_NEW_MODULE, "new-module", "NAME", 1, 1,
     .help = "Makes a directory NAME with a module's project, to be built and tested with CMake.",
     .is_local = true},
};

const struct command_row *command_find(const char *name)
{
    for (size_t i = 0; i < COMMAND_COUNT; i++)
        if (strcmp(commands[i].name, name) == 0)
            return &commands[i];
    return NULL;
}

bool command_is_option(const char *word)
{
    return strncmp(word, "--", 2) == 0;
}

const struct command_option *command_find_option(const struct command_row *row, const char *word)
{
    size_t length;

    if (row->options == NULL || !command_is_option(word))
        return NULL;
    word += 2;
    length = strcspn(word, "=");
    for (const struct command_option *option = row->options; option->name != NULL; option++)
        if (strlen(option->name) == length && strncmp(option->name, word, length) == 0)
            return option;
    return NULL;
}
