/* SPDX-License-Identifier: MIT
 *
 * Reading the command line by its rows.
 */
#include "arguments.h"

#include <getopt.h>
#include <stdlib.h>
#include <string.h>

/* Of options without a letter. */
enum { LONG_DAEMONIZE = 256, LONG_DESCRIBE };

const struct argument_row argument_rows[] = {
    {'c', "config", "FILE", TASK_RUN, "Read this configuration instead of " PRONGD_CONFIG_FILE "."},
    {LONG_DAEMONIZE, "daemonize", NULL, TASK_RUN,
     "Run in the background; return when the service is up or has failed."},
    {'t', "test", NULL, TASK_TEST, "Test the configuration, and do nothing else."},
    {'T', "dump", NULL, TASK_DUMP,
     "Print the effective configuration, each value with its origin."},
    {LONG_DESCRIBE, "describe", "WHAT", TASK_DESCRIBE,
     "Print the sample configuration (sample), a manual page (prongd.8, prongd.conf.5), or the "
     "options "
     "of a module (its path)."},
    {'V', "version", NULL, TASK_VERSION, "Print the version, and the handlers that are built in."},
    {'h', "help", NULL, TASK_HELP, "Print this."},
};

const size_t argument_count = sizeof(argument_rows) / sizeof(argument_rows[0]);

const struct exit_row exit_rows[] = {
    {EXIT_SUCCESS, "After an orderly stop, or when what was asked for is done."},
    {EXIT_FAILURE, "The system refused something: a port in use, a file that cannot be read."},
    {EXIT_USAGE, "The command line or the configuration is wrong."},
};

const size_t exit_count = sizeof(exit_rows) / sizeof(exit_rows[0]);

#define COUNT (sizeof(argument_rows) / sizeof(argument_rows[0]))

/* For getopt_long(3). */
struct table {
    char letters[2 * COUNT + 1];
    struct option options[COUNT + 1];
};

static void make_table(struct table *table)
{
    char *end = table->letters;

    memset(table, 0, sizeof(*table));
    for (size_t i = 0; i < COUNT; i++) {
        const struct argument_row *row = &argument_rows[i];

        table->options[i].name = row->name;
        table->options[i].has_arg = row->value != NULL ? required_argument : no_argument;
        table->options[i].val = row->letter;
        if (row->letter >= 256)
            continue;
        *end++ = (char)row->letter;
        if (row->value != NULL)
            *end++ = ':';
    }
}

static const struct argument_row *find_row(int letter)
{
    for (size_t i = 0; i < COUNT; i++) {
        if (argument_rows[i].letter == letter)
            return &argument_rows[i];
    }
    return NULL;
}

static void take(struct arguments *arguments, const struct argument_row *row, const char *value)
{
    if (row->task != TASK_RUN)
        arguments->task = row->task;
    if (row->letter == 'c')
        arguments->file = value;
    if (row->letter == LONG_DESCRIBE)
        arguments->description = value;
    if (row->letter == LONG_DAEMONIZE)
        arguments->daemonize = true;
}

struct arguments arguments_parse(int count, char **values)
{
    struct arguments arguments = {.task = TASK_RUN, .file = PRONGD_CONFIG_FILE};
    struct table table;
    int letter;

    make_table(&table);
    while ((letter = getopt_long(count, values, table.letters, table.options, NULL)) >= 0) {
        const struct argument_row *row = find_row(letter);

        if (row == NULL) { /* getopt_long() has said why */
            arguments.task = TASK_WRONG;
            return arguments;
        }
        take(&arguments, row, optarg);
    }
    if (optind < count) {
        fprintf(stderr, "prongd: unexpected argument: %s\n", values[optind]);
        arguments.task = TASK_WRONG;
    }
    return arguments;
}

const char *arguments_head(const struct argument_row *row, char *text, size_t size)
{
    char letter[8] = "    ";

    if (row->letter < 256)
        snprintf(letter, sizeof(letter), "-%c, ", row->letter);
    snprintf(text, size, "%s--%s%s%s", letter, row->name, row->value != NULL ? " " : "",
             row->value != NULL ? row->value : "");
    return text;
}
