/* SPDX-License-Identifier: MIT
 *
 * prongctl(1): commands, options and exit statuses from their rows.
 */
#include "command.h"
#include "help.h"
#include "roff.h"

static const char head[] =
    ".\\\" Made from the rows of the tables: prongctl \\-\\-describe\n"
    ".TH PRONGCTL 1 \"\" \"prong " PRONG_VERSION "\" \"prong\"\n"
    ".SH NAME\n"
    "prongctl \\- commands a running prongd\n"
    ".SH SYNOPSIS\n"
    ".B prongctl\n"
    ".RI [ OPTION ...]\n"
    ".I COMMAND\n"
    ".RI [ ARGUMENT ...]\n"
    ".SH DESCRIPTION\n"
    "Asks the master of\n"
    ".BR prongd (8)\n"
    "through its control socket, waits for the outcome, and shows it.\n"
    "Who may do that is whom the control socket lets in: its owner, and root.\n"
    "What takes long shows once a second on standard error how far it is.\n"
    ".PP\n"
    ".B prongctl\n"
    ".I COMMAND\n"
    ".B \\-\\-help\n"
    "shows one command with its options.\n";

static const char protocol[] =
    ".SH PROTOCOL\n"
    "A request and an answer on the control socket are a line of JSON each:\n"
    ".PP\n"
    ".EX\n"
    "{\"command\": \"reload\", \"arguments\": [\"\\-\\-no\\-wait\"]}\n"
    "{\"ok\": true, ...}\n"
    "{\"ok\": false, \"error\": \"what is wrong\", \"exit\": 2}\n"
    ".EE\n"
    ".PP\n"
    "Before the answer there may be lines with a member progress.\n"
    "The answer to version tells the number of this protocol.\n";

static const char tail[] = ".SH FILES\n"
                           ".TP\n"
                           ".I " PRONGD_CONFIG_FILE "\n"
                           "Where control_socket is read from.\n"
                           ".TP\n"
                           ".I " COMMAND_SOCKET "\n"
                           "The control socket unless the configuration names another.\n"
                           ".SH SEE ALSO\n"
                           ".BR prongd (8),\n"
                           ".BR prongd.conf (5)\n";

static void print_argument(FILE *stream, const char *argument)
{
    fputs(" \\fI", stream);
    roff_text(stream, argument);
    fputs("\\fR", stream);
}

static void print_command(FILE *stream, const struct command_row *row)
{
    fputs(".TP\n\\fB", stream);
    roff_text(stream, row->name);
    fputs("\\fR", stream);
    if (row->arguments[0] != '\0')
        print_argument(stream, row->arguments);
    fputc('\n', stream);
    roff_sentence(stream, row->help);
    if (row->options == NULL)
        return;
    fputs(".RS\n", stream);
    for (const struct command_option *option = row->options; option->name != NULL; option++) {
        fputs(".TP\n\\fB\\-\\-", stream);
        roff_text(stream, option->name);
        fputs("\\fR", stream);
        if (option->argument != NULL)
            print_argument(stream, option->argument);
        fputc('\n', stream);
        roff_sentence(stream, option->help);
    }
    fputs(".RE\n", stream);
}

static void print_options(FILE *stream)
{
    fputs(".SH OPTIONS\n", stream);
    for (size_t i = 0; i < HELP_OPTIONS; i++) {
        const struct help_option *option = &help_options[i];

        fprintf(stream, ".TP\n\\fB\\-%c\\fR, \\fB\\-\\-", option->letter);
        roff_text(stream, option->name);
        fputs("\\fR", stream);
        if (option->argument != NULL)
            print_argument(stream, option->argument);
        fputc('\n', stream);
        roff_sentence(stream, option->help);
    }
}

/* Not for people, who find them here and not in --help. */
static void print_tools(FILE *stream)
{
    fputs(".PP\nIn front of everything else:\n", stream);
    for (size_t i = 0; i < HELP_TOOLS; i++) {
        fputs(".TP\n\\fB", stream);
        roff_text(stream, help_tools[i].name);
        fputs("\\fR", stream);
        if (help_tools[i].argument != NULL)
            print_argument(stream, help_tools[i].argument);
        fputc('\n', stream);
        roff_sentence(stream, help_tools[i].help);
    }
}

void help_print_manual(FILE *stream)
{
    fputs(head, stream);
    fputs(".SH COMMANDS\n", stream);
    for (size_t i = 0; i < COMMAND_COUNT; i++)
        print_command(stream, &commands[i]);
    print_options(stream);
    print_tools(stream);
    fputs(protocol, stream);
    fputs(".SH \"EXIT STATUS\"\n", stream);
    for (size_t i = 0; i < HELP_EXITS; i++) {
        fprintf(stream, ".TP\n.B %d\n", help_exits[i].status);
        roff_sentence(stream, help_exits[i].meaning);
    }
    fputs(tail, stream);
}
