/* SPDX-License-Identifier: MIT
 *
 * prongd: the command line.
 *
 * The only file that knows master and worker: it hands the one to the other.
 */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config.h"
#include "describe.h"
#include "inheritance.h"
#include "master.h"
#include "program.h"
#include "table.h"
#include "worker.h"

#define EXIT_USAGE 2

/* What the program was asked to do. */
enum task { TASK_RUN, TASK_TEST, TASK_DUMP, TASK_DESCRIBE, TASK_VERSION, TASK_HELP, TASK_WRONG };

struct arguments {
    enum task task;
    const char *file;
    const char *description; /* of TASK_DESCRIBE */
};

static const struct option long_options[] = {
    {"config", required_argument, NULL, 'c'},
    {"test", no_argument, NULL, 't'},
    {"dump", no_argument, NULL, 'T'},
    {"version", no_argument, NULL, 'V'},
    {"help", no_argument, NULL, 'h'},
    {"describe", required_argument, NULL, 'D'},
    {NULL, 0, NULL, 0},
};

static const char usage[] = "usage: prongd [-c FILE] [-t] [-T] [-V] [-h]\n";

static const char help[] =
    "\n"
    "A prefork TCP server: a master listens, workers that share its handles serve.\n"
    "It runs in the foreground, with the log on stderr unless the configuration says otherwise.\n"
    "\n"
    "  -c, --config FILE  Read this configuration instead of " PRONGD_CONFIG_FILE ".\n"
    "  -t, --test         Test the configuration, and do nothing else.\n"
    "  -T, --dump         Print the effective configuration, each value with its origin.\n"
    "  -V, --version      Print the version, and the handlers that are built in.\n"
    "  -h, --help         Print this.\n"
    "\n"
    "Signals to the master:\n";

static const char exit_help[] =
    "\n"
    "Exit status: 0 after an orderly stop, 1 when the system refused something,\n"
    "2 for a wrong command line or configuration.\n";

/* --- The command line --- */

static struct arguments parse_arguments(int count, char **values)
{
    struct arguments arguments = {.task = TASK_RUN, .file = PRONGD_CONFIG_FILE};
    int letter;

    while ((letter = getopt_long(count, values, "c:tTVh", long_options, NULL)) >= 0) {
        switch (letter) {
        case 'c':
            arguments.file = optarg;
            break;
        case 't':
            arguments.task = TASK_TEST;
            break;
        case 'T':
            arguments.task = TASK_DUMP;
            break;
        case 'D':
            arguments.task = TASK_DESCRIBE;
            arguments.description = optarg;
            break;
        case 'V':
            arguments.task = TASK_VERSION;
            break;
        case 'h':
            arguments.task = TASK_HELP;
            break;
        default:
            arguments.task = TASK_WRONG;
            return arguments;
        }
    }
    if (optind < count) {
        fprintf(stderr, "prongd: unexpected argument: %s\n", values[optind]);
        arguments.task = TASK_WRONG;
    }
    return arguments;
}

static int print_help(void)
{
    struct master_signal signal;

    fputs(usage, stdout);
    fputs(help, stdout);
    for (size_t i = 0; master_signal(i, &signal); i++)
        printf("  %-5s %s\n", signal.name, signal.help);
    fputs(exit_help, stdout);
    return EXIT_SUCCESS;
}

static int print_version(void)
{
    printf("prongd %s\n", PRONG_VERSION);
    for (size_t i = 0; handler_table[i] != NULL; i++)
        printf("handler %s: %s\n", handler_table[i]->name, handler_table[i]->help);
    return EXIT_SUCCESS;
}

static int print_description(const char *name)
{
    if (strcmp(name, "sample") == 0) {
        describe_sample(handler_table, stdout);
        return EXIT_SUCCESS;
    }
    if (strcmp(name, "manual") == 0) {
        describe_manual(handler_table, stdout);
        return EXIT_SUCCESS;
    }
    fprintf(stderr, "prongd: --describe takes sample or manual\n");
    return EXIT_USAGE;
}

/* --- With a configuration --- */

/* For those who take only a configuration. */
static struct program program;

/* In the child, which ends here. */
static void become_worker(struct inheritance *inheritance)
{
    exit(worker_run(inheritance));
}

static int test_config(struct config *config)
{
    char problem[512];
    int error = master_check(config, problem, sizeof(problem));

    if (error == 0 && program.estate >= 0)
        error = master_check_estate(program.estate, problem, sizeof(problem));
    if (error < 0)
        fprintf(stderr, "%s\n", problem);
    else
        fprintf(stderr, "%s: the configuration is good\n", config->file);
    config_free(config);
    return error < 0 ? EXIT_USAGE : EXIT_SUCCESS;
}

static int dump_config(struct config *config)
{
    config_dump(config, stdout);
    config_free(config);
    return EXIT_SUCCESS;
}

static int run(struct config *config)
{
    return master_run(config, handler_table, become_worker, &program, NULL);
}

/* A program that follows another one: the service runs, whatever stands in the file. */
static int take_over(const char *file)
{
    struct config_problems problems = {0};
    struct config *config = config_load(file, handler_table, &problems);
    int status = master_run(config, handler_table, become_worker, &program,
                            problems.text != NULL ? problems.text : "out of memory");

    config_problems_clear(&problems);
    return status;
}

/* What the program before this one left: a descriptor, or -1. */
static int find_estate(void)
{
    const char *text = getenv(ESTATE_VARIABLE);
    int fd = text != NULL ? (int)strtol(text, NULL, 10) : -1;

    unsetenv(ESTATE_VARIABLE);
    return fd;
}

/* Loads the file and gives it to `use`, which takes it. */
static int with_config(const char *file, int (*use)(struct config *config))
{
    struct config_problems problems = {0};
    struct config *config = config_load(file, handler_table, &problems);
    int status = problems.system ? EXIT_FAILURE : EXIT_USAGE;

    if (config == NULL)
        fputs(problems.text != NULL ? problems.text : "prongd: out of memory\n", stderr);
    config_problems_clear(&problems);
    return config == NULL ? status : use(config);
}

/* Also what a full disk or a closed pipe does to the output is an error. */
static int finish(int status)
{
    if (fflush(stdout) == 0 && !ferror(stdout))
        return status;
    perror("prongd: output");
    return EXIT_FAILURE;
}

int main(int count, char **values)
{
    struct arguments arguments = parse_arguments(count, values);

    if (program_find(&program, values, arguments.file) < 0)
        perror("prongd: /proc/self/exe");
    program.estate = find_estate();
    switch (arguments.task) {
    case TASK_RUN:
        return program.estate < 0 ? with_config(arguments.file, run) : take_over(arguments.file);
    case TASK_TEST:
        return with_config(arguments.file, test_config);
    case TASK_DUMP:
        return finish(with_config(arguments.file, dump_config));
    case TASK_DESCRIBE:
        return finish(print_description(arguments.description));
    case TASK_VERSION:
        return finish(print_version());
    case TASK_HELP:
        return finish(print_help());
    case TASK_WRONG:
        fputs(usage, stderr);
        fputs("prongd -h explains the options.\n", stderr);
        return EXIT_USAGE;
    }
    return EXIT_USAGE;
}
