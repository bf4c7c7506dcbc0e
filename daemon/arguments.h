/* SPDX-License-Identifier: MIT
 *
 * The command line of prongd: its options and its exit statuses, a row each.  Parsing, --help and
 * the manual page follow from the rows.
 */
#ifndef PRONGD_ARGUMENTS_H
#define PRONGD_ARGUMENTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#define EXIT_USAGE 2

/* What the program was asked to do. */
enum task { TASK_RUN, TASK_TEST, TASK_DUMP, TASK_DESCRIBE, TASK_VERSION, TASK_HELP, TASK_WRONG };

struct arguments {
    enum task task;
    const char *file;
    const char *description; /* of TASK_DESCRIBE */
    bool daemonize;
};

struct argument_row {
    int letter; /* not a character: there is only the long name */
    const char *name;
    const char *value; /* NULL: it has none */
    enum task task;    /* TASK_RUN: it says how */
    const char *help;  /* one sentence */
};

extern const struct argument_row argument_rows[];
extern const size_t argument_count;

struct exit_row {
    int status;
    const char *meaning; /* one sentence */
};

extern const struct exit_row exit_rows[];
extern const size_t exit_count;

/* Complains on stderr where it returns TASK_WRONG.  Borrows `values`. */
struct arguments arguments_parse(int count, char **values);

/* "-c, --config FILE" */
const char *arguments_head(const struct argument_row *row, char *text, size_t size);

#endif
