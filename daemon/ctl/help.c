/* SPDX-License-Identifier: MIT
 *
 * Help texts.
 */
#include "help.h"

#include <stdio.h>

#include "call.h"
#include "command.h"

const struct help_option help_options[HELP_OPTIONS] = {
    {'c', "config", "FILE", "Reads control_socket from FILE, instead of " PRONGD_CONFIG_FILE "."},
    {'s', "socket", "SOCKET", "Connects to SOCKET: a path, or @NAME for an abstract one."},
    {'j', "json", NULL, "Shows the answer as JSON, for programs."},
    {'h', "help", NULL, "Shows this text; behind a command, what is to be said about it."},
    {'V', "version", NULL, "Shows the version of prongctl."},
};

const struct help_tool help_tools[HELP_TOOLS] = {
    {"--complete", "WORD...",
     "For the shell: prints what the last WORD of a command line may become, a line each, with an "
     "explanation behind a tab.  A line :files stands for the names of files."},
    {"--describe", NULL, "Prints the manual page prongctl.1."},
};

const struct help_exit help_exits[HELP_EXITS] = {
    {0, "What was asked for is done."},
    {CALL_SYSTEM, "The system or prongd failed: nobody answers, or the command could not be done."},
    {CALL_USAGE, "Wrong usage, or a configuration that was refused."},
};

void help_print(void)
{
    char head[64];

    (void)puts("Usage: prongctl [OPTION...] COMMAND [ARGUMENT...]\n\n"
               "Commands a running prongd through its control socket.\n\n"
               "Commands:");
    for (size_t i = 0; i < COMMAND_COUNT; i++) {
        (void)snprintf(head, sizeof(head), "%s %s", commands[i].name, commands[i].arguments);
        (void)printf("  %-20s  %s\n", head, commands[i].help);
    }
    (void)puts("\nOptions:");
    for (size_t i = 0; i < HELP_OPTIONS; i++) {
        (void)snprintf(head, sizeof(head), "-%c, --%s %s", help_options[i].letter,
                       help_options[i].name,
                       help_options[i].argument != NULL ? help_options[i].argument : "");
        (void)printf("  %-20s  %s\n", head, help_options[i].help);
    }
    (void)puts("\nA command's own options are shown by prongctl COMMAND --help.\n\nExit status:");
    for (size_t i = 0; i < HELP_EXITS; i++)
        (void)printf("  %d  %s\n", help_exits[i].status, help_exits[i].meaning);
}

void help_print_command(const struct command_row *row)
{
    char head[64];

    (void)printf("Usage: prongctl %s%s%s%s\n\n%s\n", row->name,
                 row->options != NULL ? " [OPTION...]" : "", row->arguments[0] != '\0' ? " " : "",
                 row->arguments, row->help);
    if (row->options == NULL)
        return;
    (void)puts("\nOptions:");
    for (const struct command_option *option = row->options; option->name != NULL; option++) {
        (void)snprintf(head, sizeof(head), "--%s %s", option->name,
                       option->argument != NULL ? option->argument : "");
        (void)printf("  %-20s  %s\n", head, option->help);
    }
}
