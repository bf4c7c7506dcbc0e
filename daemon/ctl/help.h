/* SPDX-License-Identifier: MIT
 *
 * What prongctl says about itself, from the rows of its tables.
 */
#ifndef PRONGCTL_HELP_H
#define PRONGCTL_HELP_H

#include <stdio.h>

struct command_row;

/* An option of prongctl itself. */
struct help_option {
    char letter;
    const char *name;
    const char *argument; /* NULL: none */
    const char *help;
};

#define HELP_OPTIONS 5

extern const struct help_option help_options[HELP_OPTIONS];

/* What stands in front of everything else on the command line: for the shell and for packages. */
struct help_tool {
    const char *name; /* "--complete" */
    const char *argument;
    const char *help;
};

#define HELP_TOOLS 2

extern const struct help_tool help_tools[HELP_TOOLS];

struct help_exit {
    int status;
    const char *meaning; /* one sentence */
};

#define HELP_EXITS 3

extern const struct help_exit help_exits[HELP_EXITS];

/* All commands and options, on stdout. */
void help_print(void);

/* One command with its own options. */
void help_print_command(const struct command_row *row);

/* The manual page prongctl(1), in roff with the man macros. */
void help_print_manual(FILE *stream);

#endif
