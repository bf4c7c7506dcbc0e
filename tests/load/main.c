/* SPDX-License-Identifier: MIT
 *
 * The steady load: holds connections to an echo server while somebody else reloads it, and checks
 * every byte.
 *
 *     steady-load --connections=10000 --streams=1000 --slow=100 127.0.0.1:7007
 *
 * It opens the connections, then takes commands from standard input, a line each; each is answered
 * with a report of what was seen since the last: one line of JSON.
 */
#include <stdio.h>
#include <string.h>

#include "load.h"
#include "options.h"

struct command {
    const char *name;
    void (*run)(struct load *load);
    const char *help;
};

static void command_report(struct load *load)
{
    (void)load; /* every command ends with one */
}

static const struct command commands[] = {
    {"go", load_go, "streams send from now on"},
    {"rest", load_rest, "they stop"},
    {"report", command_report, "nothing but the report"},
    {"check", load_check, "every connection says something; all that was sent must come back"},
    {"open", load_open, "opens those again that were lost"},
};

#define COMMAND_COUNT (sizeof(commands) / sizeof(commands[0]))

static void run(struct load *load, const char *line)
{
    for (size_t i = 0; i < COMMAND_COUNT; i++) {
        if (strcmp(line, commands[i].name) != 0)
            continue;
        commands[i].run(load);
        load_report(load, line);
        return;
    }
    fprintf(stderr, "steady-load: there is no such command; there are:\n");
    for (size_t i = 0; i < COMMAND_COUNT; i++)
        fprintf(stderr, "    %-8s %s\n", commands[i].name, commands[i].help);
}

int main(int argc, char **argv)
{
    struct options options;
    struct load *load;
    const char *line;

    options_parse(&options, argc, argv);
    load = load_new(&options);
    load_open(load);
    load_report(load, "open");
    while ((line = load_wait_for_line(load)) != NULL)
        run(load, line);
    load_free(load);
    return 0;
}
