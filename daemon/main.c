/* SPDX-License-Identifier: MIT
 *
 * prongd: does what the command line says.
 *
 * The only file that knows the master and what its children do: it hands the ones to the other.
 */
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "arguments.h"
#include "config.h"
#include "describe.h"
#include "detach.h"
#include "inheritance.h"
#include "keeper.h"
#include "master.h"
#include "module.h"
#include "observer.h"
#include "page.h"
#include "privileges.h"
#include "program.h"
#include "table.h"
#include "title.h"
#include "worker.h"

static const char usage[] = "usage: prongd [-c FILE] [--daemonize] [-t | -T | -V | -h]\n";

static const char help[] =
    "\n"
    "A prefork TCP server: a master listens, workers that share its handles serve.\n"
    "It runs in the foreground, with the log on stderr unless the configuration says otherwise.\n"
    "\n";

/* --- What can be printed --- */

static int print_help(void)
{
    struct master_signal signal;
    char text[64];

    fputs(usage, stdout);
    fputs(help, stdout);
    for (size_t i = 0; i < argument_count; i++)
        printf("  %-21s %s\n", arguments_head(&argument_rows[i], text, sizeof(text)),
               argument_rows[i].help);
    puts("\nSignals to the master, and the prongctl command that does the same and reports:");
    for (size_t i = 0; master_signal(i, &signal); i++)
        printf("  %-5s  %-12s  %s\n", signal.name, signal.command, signal.help);
    puts("\nExit status:");
    for (size_t i = 0; i < exit_count; i++)
        printf("  %d  %s\n", exit_rows[i].status, exit_rows[i].meaning);
    return EXIT_SUCCESS;
}

static int print_version(void)
{
    printf("prongd %s\n", PRONG_VERSION);
    for (size_t i = 0; handler_table[i] != NULL; i++)
        printf("handler %s: %s\n", handler_table[i]->name, handler_table[i]->help);
    return EXIT_SUCCESS;
}

struct description {
    const char *name;
    void (*print)(const struct prongd_handler *const *handlers, FILE *stream);
};

static const struct description descriptions[] = {
    {"sample", describe_sample},
    {"prongd.conf.5", describe_manual},
    {"prongd.8", page_print},
};

/* Its rows, as a child reads them that is nobody, or who we are. */
static int print_module(const char *path)
{
    const struct config nothing = {0};
    struct privileges room;
    char problem[1024];
    struct module *module =
        module_open(path, module_identity(&nothing, &room), problem, sizeof(problem));

    if (module == NULL) {
        fprintf(stderr, "prongd: %s\n", problem);
        return EXIT_USAGE;
    }
    describe_module(&module->handler, path, stdout);
    module_free(module);
    return EXIT_SUCCESS;
}

static int print_description(const char *name)
{
    if (*name == '/')
        return print_module(name);
    for (size_t i = 0; i < sizeof(descriptions) / sizeof(descriptions[0]); i++) {
        if (strcmp(descriptions[i].name, name) != 0)
            continue;
        descriptions[i].print(handler_table, stdout);
        return EXIT_SUCCESS;
    }
    fprintf(stderr,
            "prongd: --describe takes sample, prongd.8, prongd.conf.5 or the path of a module\n");
    return EXIT_USAGE;
}

/* --- With a configuration --- */

/* For those who take only a configuration. */
static struct program program;

/* In a child, which ends here. */
static void become_worker(struct inheritance *inheritance)
{
    exit(worker_run(inheritance));
}

static void become_observer(struct observing *observing)
{
    exit(observer_run(observing));
}

static void become_keeper(struct keeping *keeping)
{
    exit(keeper_run(keeping));
}

static const struct master_entries entries = {
    .worker = become_worker,
    .observer = become_observer,
    .keeper = become_keeper,
};

static int test_config(struct config *config)
{
    char problem[512];
    int error = master_check(config, problem, sizeof(problem));

    if (error == 0 && program.estate >= 0)
        error =
            master_check_estate(program.estate, config, handler_table, problem, sizeof(problem));
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
    title_set("master %s", config->file);
    return master_run(config, handler_table, &entries, &program, NULL);
}

/* A program that follows another one: the service runs, whatever stands in the file. */
static int take_over(const char *file)
{
    struct config_problems problems = {0};
    struct config *config = config_load(file, handler_table, &problems);
    int status;

    title_set("master %s", file);
    status = master_run(config, handler_table, &entries, &program,
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

/* In the background: the file's name must be good in any directory. */
static int run_detached(const char *file)
{
    char *path = realpath(file, NULL);
    int status;

    if (path == NULL) {
        fprintf(stderr, "prongd: %s: %s\n", file, strerror(errno));
        return EXIT_FAILURE;
    }
    status = detach_start();
    if (status < 0) {
        program.config_file = path;
        program.arguments[2] = path;
        status = with_config(path, run);
        detach_report(status, NULL);
    }
    free(path);
    return status;
}

static int start(const struct arguments *arguments)
{
    if (program.estate >= 0)
        return take_over(arguments->file);
    if (arguments->daemonize)
        return run_detached(arguments->file);
    return with_config(arguments->file, run);
}

/* Also what a full disk or a closed pipe does to the output is an error. */
static int finish(int status)
{
    if (fflush(stdout) == 0 && !ferror(stdout))
        return status;
    perror("prongd: output");
    return EXIT_FAILURE;
}

/* How the program is called again by an upgrade: not to detach a second time. */
static char *again[] = {NULL, "-c", NULL, NULL};

static void find_program(char **values, const char *file)
{
    again[0] = values[0];
    again[2] = (char *)(uintptr_t)file;
    if (program_find(&program, again, file) < 0)
        perror("prongd: /proc/self/exe");
    program.estate = find_estate();
}

int main(int count, char **values)
{
    char **copy = title_init(count, values);
    struct arguments arguments = arguments_parse(count, copy != NULL ? copy : values);

    find_program(copy != NULL ? copy : values, arguments.file);
    switch (arguments.task) {
    case TASK_RUN:
        return start(&arguments);
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
