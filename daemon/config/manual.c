/* SPDX-License-Identifier: MIT
 *
 * prongd.conf(5): the syntax in words, every type and every option from its row.
 */
#include <string.h>

#include "access_field.h"
#include "describe.h"
#include "format.h"
#include "options.h"
#include "parse.h"
#include "reader.h"
#include "roff.h"

static const char head[] =
    ".\\\" Made from the rows of the options: prongd \\-\\-describe=manual\n"
    ".TH PRONGD.CONF 5 \"\" \"prong " PRONG_VERSION "\" \"prong\"\n"
    ".SH NAME\n"
    "prongd.conf \\- the configuration of prongd\n"
    ".SH DESCRIPTION\n"
    "The file says which addresses\n"
    ".BR prongd (8)\n"
    "listens on, and which handler serves the connections of each.\n"
    "It has one section\n"
    ".B [prongd]\n"
    "for the daemon itself, which may be left out, and a section\n"
    ".BI \"[server \" NAME ]\n"
    "for each server, at least one.\n"
    "A server's name has 1 to 40 letters, digits, \\(dq\\-\\(dq, \\(dq_\\(dq and \\(dq.\\(dq.\n"
    ".PP\n"
    ".B prongd \\-t\n"
    "tests the file, and\n"
    ".B prongd \\-T\n"
    "prints what it means: the value of every option, and where it comes from.\n"
    ".SH SYNTAX\n"
    "An option is a line\n"
    ".IB NAME \" = \" VALUE\n"
    "below the section's title.\n"
    "Only \\(dq=\\(dq separates the two, and spaces around them do not matter.\n"
    "A comment begins with \\(dq#\\(dq or \\(dq;\\(dq at the beginning of a line or after a "
    "space.\n"
    ".PP\n"
    "An indented line goes on with the option above it, which is of use for lists:\n"
    "they add up over commas, indented lines, and repetition of the option.\n"
    "Any other option may stand only once.\n";

static const char syntax_example[] = ".PP\n"
                                     ".EX\n"
                                     "[server chat]\n"
                                     "listen =\n"
                                     "    127.0.0.1:7000, [::1]:7000\n"
                                     "    unix:/run/prong/chat.sock       # for this machine\n"
                                     "handler = echo\n"
                                     "timeout = 10m\n"
                                     ".EE\n";

static const char relays[] =
    ".SH \"RELAYED CONNECTIONS\"\n"
    "With handler = proxy a client and its upstream are one connection, and the limits of its\n"
    "server hold for both of them.  Whoever of the two does not read holds up the other: in each\n"
    "direction at most high_water_mark and one read, or a kernel pipe of 1m, wait.  That is what\n"
    ".B QUEUED\n"
    "in prongctl connections shows, queued_bytes in its JSON; queued_upstream_bytes are those\n"
    "of them that wait for the upstream.\n"
    ".PP\n"
    "A client that takes nothing for write_timeout ends with the reason write_timeout, and one\n"
    "whose upstream takes nothing with write_timeout_upstream: in the access log, and among the\n"
    "cuts of status and metrics.  timeout ends a pair when neither side sent or took a byte.\n"
    "max_memory counts all that waits, pipes too, and closes the pairs with the most.  A side for\n"
    "which bytes are lost by that sees a reset, never an end.\n";

static const char tail[] =
    ".SH ERRORS\n"
    "All that is wrong is told in one run, a line each:\n"
    ".PP\n"
    ".EX\n"
    "prongd.conf:12: [server chat] timeout: 10 has no unit: write 10ms, 10s, 10m, 10h or 10d\n"
    ".EE\n"
    ".PP\n"
    "The exit status is 2 then, and 1 where the system is at fault, such as a file that cannot\n"
    "be read.\n"
    ".SH FILES\n"
    ".TP\n"
    ".I " PRONGD_CONFIG_FILE "\n"
    "Read unless the command line names another.\n"
    ".SH SEE ALSO\n"
    ".BR prongd (8),\n"
    ".BR prongctl (1)\n";

/* The types of values, but for text and choices, which need no explanation. */
static void print_types(FILE *stream)
{
    static const enum prongd_option_type types[] = {
        PRONGD_TYPE_BOOLEAN,  PRONGD_TYPE_COUNT, PRONGD_TYPE_SIZE,
        PRONGD_TYPE_DURATION, PRONGD_TYPE_MODE,  PRONGD_TYPE_LIST,
    };

    fputs(".SH VALUES\n", stream);
    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
        fprintf(stream, ".TP\n.I %s\nWrite ", parse_type_name(types[i]));
        roff_text(stream, parse_type_syntax(types[i]));
        fputs(".\n", stream);
    }
}

static void print_limits(FILE *stream, const struct prongd_option *row)
{
    char least[FORMAT_NUMBER_SIZE];
    char most[FORMAT_NUMBER_SIZE];

    if (row->most == 0 && row->least == 0)
        return;
    format_number(row->type, row->least, least, sizeof(least));
    format_number(row->type, row->most, most, sizeof(most));
    if (row->most == 0)
        fprintf(stream, "%s or more is allowed.\n", least);
    else
        fprintf(stream, "%s to %s is allowed.\n", least, most);
}

static void print_choices(FILE *stream, const struct prongd_option *row)
{
    if (row->type != PRONGD_TYPE_CHOICE)
        return;
    fputs("One of", stream);
    for (size_t i = 0; row->choices[i] != NULL; i++)
        fprintf(stream, "%s %s", i == 0 ? "" : ",", row->choices[i]);
    fputs(".\n", stream);
}

static void print_option(FILE *stream, const struct prongd_option *row)
{
    fprintf(stream, ".TP\n.BI \"%s = \" %s\n", row->name, parse_type_name(row->type));
    roff_sentence(stream, row->help);
    print_choices(stream, row);
    print_limits(stream, row);
    fputs(row->fallback != NULL ? "The default is " : "Not set by default; for example ", stream);
    fputs("\\(dq", stream);
    roff_text(stream, row->fallback != NULL ? row->fallback : row->example);
    fputs("\\(dq.\n", stream);
}

static void print_table(FILE *stream, const struct option_table *table)
{
    for (size_t i = 0; i < table->count; i++)
        print_option(stream, &table->rows[i]);
}

static void print_handlers(FILE *stream, const struct prongd_handler *const *handlers)
{
    fputs(".SH HANDLERS\nA handler's own options stand in the sections of its servers.\n", stream);
    for (size_t i = 0; handlers[i] != NULL; i++) {
        const struct option_table table = handler_options(handlers[i]);

        fprintf(stream, ".SS %s\n", handlers[i]->name);
        roff_sentence(stream, handlers[i]->help);
        print_table(stream, &table);
    }
}

static void print_access_fields(FILE *stream)
{
    fputs(
        ".SH \"THE ACCESS LOG\"\n"
        "In a template of access_format $name or ${name} stands for a field, and $$ for a dollar\n"
        "sign; text and json are all of them.  A connection has one line, written by the worker\n"
        "that it ends in, however often it moved before.  Lines are gathered for a tenth of a\n"
        "second, and those that a full disk, a pipe that nobody reads or a slow syslog does not\n"
        "take are lost and counted; a worker that crashes takes along those it had gathered, and\n"
        "its connections have none.  The fields are:\n",
        stream);
    for (size_t i = 0; i < access_field_count; i++) {
        fprintf(stream, ".TP\n.B $%s\n", access_fields[i].name);
        roff_text(stream, access_fields[i].help);
        fputs(".\n", stream);
    }
}

void describe_manual(const struct prongd_handler *const *handlers, FILE *stream)
{
    fputs(head, stream);
    fprintf(stream, "A line has at most %d bytes.\n", READER_LINE_LIMIT);
    fputs(syntax_example, stream);
    print_types(stream);
    fputs(".SH \"THE SECTION [prongd]\"\n", stream);
    print_table(stream, &daemon_options);
    fputs(".SH \"A SECTION [server NAME]\"\n", stream);
    print_table(stream, &server_options);
    print_access_fields(stream);
    print_handlers(stream, handlers);
    fputs(relays, stream);
    fputs(tail, stream);
}
