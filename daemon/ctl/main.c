/* SPDX-License-Identifier: MIT
 *
 * prongctl: commands a running prongd.
 *
 * Exit status: 0; 1 when the system or prongd failed; 2 for wrong usage or a refused
 * configuration.
 */
#include <errno.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "answer.h"
#include "client.h"
#include "command.h"
#include "new_module.h"
#include "socket_path.h"

#define EXIT_SYSTEM 1
#define EXIT_USAGE  2

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* What the command line says. */
struct arguments {
    const char *file; /* NULL: the default one, which need not exist */
    const char *socket;
    bool json;
    bool help;
    bool version;
    char **words; /* the command and its arguments */
    size_t word_count;
};

struct option_row {
    char letter;
    const char *name;
    const char *argument; /* NULL: none */
    const char *help;
};

static const struct option_row options[] = {
    {'c', "config", "FILE", "Reads control_socket from FILE, instead of " PRONGD_CONFIG_FILE "."},
    {'s', "socket", "SOCKET", "Connects to SOCKET: a path, or @NAME for an abstract one."},
    {'j', "json", NULL, "Shows the answer as JSON, for programs."},
    {'h', "help", NULL, "Shows this text."},
    {'V', "version", NULL, "Shows the version of prongctl."},
};

/* --- help --------------------------------------------------------------------------------- */

static void print_help(void)
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
    for (size_t i = 0; i < COUNT(options); i++) {
        (void)snprintf(head, sizeof(head), "-%c, --%s %s", options[i].letter, options[i].name,
                       options[i].argument != NULL ? options[i].argument : "");
        (void)printf("  %-20s  %s\n", head, options[i].help);
    }
    (void)puts("\nExit status: 0, 1 when the system or prongd failed, 2 for wrong usage or a "
               "refused\nconfiguration.");
}

/* --- the command line --------------------------------------------------------------------- */

static int show_hint(void)
{
    (void)fputs("prongctl --help shows what there is.\n", stderr);
    return EXIT_USAGE;
}

static int fail_usage(const char *format, ...) __attribute__((format(printf, 1, 2)));

static int fail_usage(const char *format, ...)
{
    va_list arguments;

    (void)fputs("prongctl: ", stderr);
    va_start(arguments, format);
    (void)vfprintf(stderr, format, arguments);
    va_end(arguments);
    (void)fputc('\n', stderr);
    return show_hint();
}

/* The rows in the form that getopt_long() wants.  "-": words are returned in their place, too. */
static void make_getopt(char letters[2 * COUNT(options) + 2],
                        struct option longs[COUNT(options) + 1])
{
    *letters++ = '-';
    for (size_t i = 0; i < COUNT(options); i++) {
        bool takes = options[i].argument != NULL;

        *letters++ = options[i].letter;
        if (takes)
            *letters++ = ':';
        longs[i] = (struct option){.name = options[i].name,
                                   .has_arg = takes ? required_argument : no_argument,
                                   .val = options[i].letter};
    }
    *letters = '\0';
    longs[COUNT(options)] = (struct option){0};
}

static bool take_option(struct arguments *arguments, int letter)
{
    switch (letter) {
    case 'c':
        arguments->file = optarg;
        return true;
    case 's':
        arguments->socket = optarg;
        return true;
    case 'j':
        arguments->json = true;
        return true;
    case 'h':
        arguments->help = true;
        return true;
    case 'V':
        arguments->version = true;
        return true;
    default:
        return false;
    }
}

/* An option that is not ours, behind the command, is the command's: reload --no-wait. */
static bool is_for_command(const struct arguments *arguments, const char *word)
{
    return arguments->word_count > 0 && optopt == 0 && strncmp(word, "--", 2) == 0;
}

/* False: it was said on stderr what is wrong.  The words take the place of what is read already. */
static bool take_options(struct arguments *arguments, int argc, char **argv)
{
    char letters[2 * COUNT(options) + 2];
    struct option longs[COUNT(options) + 1];
    int letter;

    make_getopt(letters, longs);
    opterr = 0;
    arguments->words = argv + 1;
    while ((letter = getopt_long(argc, argv, letters, longs, NULL)) != -1) {
        if (letter == 1 || (letter == '?' && is_for_command(arguments, argv[optind - 1]))) {
            arguments->words[arguments->word_count++] = argv[optind - 1];
        } else if (!take_option(arguments, letter)) {
            fail_usage("the option %s is not known, or its value is missing", argv[optind - 1]);
            return false;
        }
    }
    while (optind < argc)
        arguments->words[arguments->word_count++] = argv[optind++];
    return true;
}

/* --- the command -------------------------------------------------------------------------- */

/* The default file need not be there, nor be readable for everybody who may use the socket. */
static int read_path(const struct arguments *arguments, char path[SOCKET_PATH_SIZE])
{
    const char *file = arguments->file != NULL ? arguments->file : PRONGD_CONFIG_FILE;
    int error = socket_path_read(file, path);

    if (error < 0 && (arguments->file != NULL || (error != -ENOENT && error != -EACCES))) {
        (void)fprintf(stderr, "prongctl: control_socket cannot be read from %s: %s\n", file,
                      strerror(-error));
        return EXIT_SYSTEM;
    }
    if (strcmp(path, "none") != 0)
        return 0;
    (void)fprintf(stderr, "prongctl: %s says control_socket = none: prongd takes no commands\n",
                  file);
    return EXIT_SYSTEM;
}

static int run(const struct arguments *arguments, const struct command_row *row)
{
    struct client_request request = {.path = arguments->socket,
                                     .row = row,
                                     .on_progress = arguments->json ? answer_hide_progress
                                                                    : answer_show_progress,
                                     .arguments = arguments->words + 1,
                                     .argument_count = arguments->word_count - 1};
    char path[SOCKET_PATH_SIZE];
    char problem[512];
    json_t *answer;
    int status;

    if (arguments->socket == NULL) {
        status = read_path(arguments, path);
        if (status != 0)
            return status;
        request.path = path;
    }
    answer = client_ask(&request, problem, sizeof(problem));
    if (answer == NULL) {
        (void)fprintf(stderr, "prongctl: %s\n", problem);
        return EXIT_SYSTEM;
    }
    status = answer_show(answer, row->command, arguments->json);
    json_decref(answer);
    return status;
}

static int run_words(const struct arguments *arguments)
{
    const struct command_row *row;

    if (arguments->word_count == 0)
        return fail_usage("a command is missing");
    row = command_find(arguments->words[0]);
    if (row == NULL)
        return fail_usage("there is no command \"%s\"", arguments->words[0]);
    if (row->most == 0 && arguments->word_count > 1)
        return fail_usage("%s takes no arguments", row->name);
    if (arguments->word_count - 1 < row->least || arguments->word_count - 1 > row->most)
        return fail_usage("usage: prongctl %s %s", row->name, row->arguments);
    return row->is_local ? new_module_make(arguments->words[1]) : run(arguments, row);
}

int main(int argc, char **argv)
{
    struct arguments arguments = {0};
    int status = 0;

    if (!take_options(&arguments, argc, argv))
        return EXIT_USAGE;
    if (arguments.help)
        print_help();
    else if (arguments.version)
        (void)puts("prongctl " PRONG_VERSION);
    else
        status = run_words(&arguments);
    if (fflush(stdout) != 0 || ferror(stdout)) {
        perror("prongctl: standard output");
        return EXIT_SYSTEM;
    }
    return status;
}
