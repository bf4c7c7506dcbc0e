/* SPDX-License-Identifier: MIT
 *
 * prongctl: commands a running prongd.
 *
 * Exit status: 0; 1 when the system or prongd failed; 2 for wrong usage or a refused
 * configuration.
 */
#include <getopt.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "answer.h"
#include "call.h"
#include "close.h"
#include "command.h"
#include "complete.h"
#include "connections.h"
#include "doctor.h"
#include "drain.h"
#include "help.h"
#include "new_module.h"
#include "servers.h"
#include "tap.h"
#include "top.h"

/* What the command line says. */
struct arguments {
    const char *file;
    const char *socket;
    bool json;
    bool help;
    bool version;
    char **words; /* the command and its arguments */
    size_t word_count;
};

/* --- The command line --- */

/* The rows in the form that getopt_long() wants.  "-": words are returned in their place, too. */
static void make_getopt(char letters[2 * HELP_OPTIONS + 2], struct option longs[HELP_OPTIONS + 1])
{
    *letters++ = '-';
    for (size_t i = 0; i < HELP_OPTIONS; i++) {
        bool takes = help_options[i].argument != NULL;

        *letters++ = help_options[i].letter;
        if (takes)
            *letters++ = ':';
        longs[i] = (struct option){.name = help_options[i].name,
                                   .has_arg = takes ? required_argument : no_argument,
                                   .val = help_options[i].letter};
    }
    *letters = '\0';
    longs[HELP_OPTIONS] = (struct option){0};
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
    return arguments->word_count > 0 && optopt == 0 && command_is_option(word);
}

/* False: it was said on stderr what is wrong.  The words take the place of what is read already. */
static bool take_options(struct arguments *arguments, int argc, char **argv)
{
    char letters[2 * HELP_OPTIONS + 2];
    struct option longs[HELP_OPTIONS + 1];
    int letter;

    make_getopt(letters, longs);
    opterr = 0;
    arguments->words = argv + 1;
    while ((letter = getopt_long(argc, argv, letters, longs, NULL)) != -1) {
        if (letter == 1 || (letter == '?' && is_for_command(arguments, argv[optind - 1]))) {
            arguments->words[arguments->word_count++] = argv[optind - 1];
        } else if (!take_option(arguments, letter)) {
            (void)call_fail_usage("the option %s is not known, or its value is missing",
                                  argv[optind - 1]);
            return false;
        }
    }
    while (optind < argc)
        arguments->words[arguments->word_count++] = argv[optind++];
    return true;
}

/* --- The command --- */

/* What the master answers, as it is. */
static int run_plainly(struct call *call)
{
    json_t *answer = call_ask(call);
    int status = answer != NULL ? answer_show(answer, call->row->command, call->json) : CALL_SYSTEM;

    json_decref(answer);
    return status;
}

static int run_new_module(struct call *call)
{
    return new_module_make(call->words[0]);
}

/* Gives the exit status.  NULL: run_plainly(). */
static int (*const runners[COMMAND_COUNT])(struct call *call) = {
    [COMMAND_DOCTOR] = doctor_run,   [COMMAND_NEW_MODULE] = run_new_module,
    [COMMAND_SERVERS] = servers_run, [COMMAND_CONNECTIONS] = connections_run,
    [COMMAND_CLOSE] = close_run,     [COMMAND_DRAIN] = drain_run,
    [COMMAND_TOP] = top_run,         [COMMAND_TAP] = tap_run,
};

static int run_words(const struct arguments *arguments)
{
    struct call call = {
        .file = arguments->file, .socket = arguments->socket, .json = arguments->json};
    int status;

    if (arguments->word_count == 0)
        return call_fail_usage("a command is missing");
    call.row = command_find(arguments->words[0]);
    if (call.row == NULL)
        return call_fail_usage("there is no command \"%s\"", arguments->words[0]);
    if (arguments->help) {
        help_print_command(call.row);
        return 0;
    }
    status = call_read(&call, arguments->words + 1, arguments->word_count - 1);
    if (status != 0)
        return status;
    return runners[call.row->command] != NULL ? runners[call.row->command](&call)
                                              : run_plainly(&call);
}

/* What is not for people; false: it is something else. */
static bool run_tool(int argc, char **argv)
{
    if (argc < 2)
        return false;
    if (strcmp(argv[1], "--complete") == 0)
        complete_print(argv + 2, (size_t)argc - 2);
    else if (strcmp(argv[1], "--describe") == 0)
        help_print_manual(stdout);
    else
        return false;
    return true;
}

int main(int argc, char **argv)
{
    struct arguments arguments = {0};
    int status = 0;

    if (run_tool(argc, argv))
        return fflush(stdout) == 0 ? 0 : CALL_SYSTEM;
    if (!take_options(&arguments, argc, argv))
        return CALL_USAGE;
    if (arguments.version)
        (void)puts("prongctl " PRONG_VERSION);
    else if (arguments.help && arguments.word_count == 0)
        help_print();
    else
        status = run_words(&arguments);
    if (fflush(stdout) != 0 || ferror(stdout)) {
        perror("prongctl: standard output");
        return CALL_SYSTEM;
    }
    return status;
}
