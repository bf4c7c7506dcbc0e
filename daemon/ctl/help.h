/* SPDX-License-Identifier: MIT
 *
 * What prongctl says about itself, from the rows of its tables.
 */
#ifndef PRONGCTL_HELP_H
#define PRONGCTL_HELP_H

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

/* All commands and options, on stdout. */
void help_print(void);

/* One command with its own options. */
void help_print_command(const struct command_row *row);

#endif
