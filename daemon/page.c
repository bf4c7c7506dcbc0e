/* SPDX-License-Identifier: MIT
 *
 * prongd(8): what it is in words; options, signals and exit statuses from their rows.
 */
#include "page.h"

#include <ctype.h>

#include "arguments.h"
#include "command.h"
#include "master.h"
#include "metrics.h"
#include "roff.h"

static const char head[] =
    ".\\\" Made from the rows of the tables: prongd \\-\\-describe=prongd.8\n"
    ".TH PRONGD 8 \"\" \"prong " PRONG_VERSION "\" \"prong\"\n"
    ".SH NAME\n"
    "prongd \\- a prefork TCP server\n"
    ".SH SYNOPSIS\n"
    ".B prongd\n"
    ".RB [ \\-c\n"
    ".IR FILE ]\n"
    ".RB [ \\-\\-daemonize ]\n"
    ".RB [ \\-t | \\-T | \\-V | \\-h ]\n"
    ".SH DESCRIPTION\n"
    "A master process listens on the addresses of its configuration,\n"
    ".BR prongd.conf (5),\n"
    "and forks worker processes that share the listening sockets and serve the connections, each\n"
    "with the handler of its server.\n"
    "A worker that dies is replaced, and takes only its own connections along.\n"
    ".PP\n"
    "It runs in the foreground, with the log on standard error unless the configuration says\n"
    "otherwise.\n"
    ".BR prongctl (1)\n"
    "asks it how it is and tells it what to do, which is better than a signal: it waits for the\n"
    "outcome and reports it.\n";

static const char reload[] =
    ".SH RELOAD\n"
    "A reload loads the configuration, opens what is new and starts a new generation of workers.\n"
    "When all of them are ready, they take over: the connections of the old ones move to them, "
    "and\n"
    "those that cannot move may finish for shutdown_timeout.\n"
    "If anything fails before that, the old workers serve on, untouched, and\n"
    ".B prongctl reload\n"
    "prints the reason, with file and line, and exits with status 2.\n";

static const char systemd[] =
    ".SH SYSTEMD\n"
    "The service is\n"
    ".BR prongd.service ,\n"
    "or\n"
    ".BI prongd@ NAME .service\n"
    "for each configuration\n"
    ".IR NAME .conf\n"
    "beside prongd.conf, which needs a control_socket of its own.\n"
    "It runs as the user prong, who may listen on ports below 1024 and do little else: what a\n"
    "handler needs beyond that is allowed in a drop\\-in.\n"
    "Limits, priority and affinity are set there, too; options of the configuration that only "
    "root\n"
    "can follow, such as user and chroot, need the drop\\-in\n"
    ".IR " PRONGD_DATA_DIRECTORY "/systemd/root.conf .\n"
    "Programs of handler = exec live under the restrictions of the service;\n"
    ".I exec.conf\n"
    "beside that file takes most of them away.\n"
    ".PP\n"
    "The service is ready when its workers are.\n"
    ".B systemctl reload\n"
    "needs the control socket, and fails when the configuration is refused;\n"
    ".B systemctl status\n"
    "shows why, and otherwise how many workers and connections there are.\n"
    "systemd keeps the listening sockets while there is no master:\n"
    ".BR \"systemctl restart\" ,\n"
    "or a master that was killed, refuses no client.\n"
    "In a restart new clients wait until the old ones have finished, at most shutdown_timeout;\n"
    "a reload, and\n"
    ".BR \"prongctl upgrade\" ,\n"
    "make nobody wait and end no connection.\n"
    "Files of unix sockets stay after a stop, and are replaced by the next start.\n"
    ".PP\n"
    "Sockets of a socket unit are used with\n"
    ".B listen = systemd:NAME\n"
    "where NAME is its FileDescriptorName=; see\n"
    ".BR prongd.socket .\n";

static const char background[] =
    ".SH BACKGROUND\n"
    "With\n"
    ".B \\-\\-daemonize\n"
    "the daemon leaves terminal, session and directory behind, as\n"
    ".BR daemon (7)\n"
    "describes, and the log goes to syslog unless log_target names a file.\n"
    "The first process ends when the service is up, with status 0, or has failed, with the reason\n"
    "on standard error and the daemon's status.\n"
    "The file mode creation mask is 0: set socket_mode for unix sockets.\n"
    ".PP\n"
    "A pid_file is written when the service is up, is locked while the master runs, and is "
    "removed\n"
    "by it. Where root starts prongd, only root may be able to write to the file's directory: who\n"
    "can replace the file decides whom a script kills.\n"
    ".SH CONTAINERS\n"
    "prongd may be process 1: it reaps what is left to it, and ends on TERM.\n";

static const char tail[] = ".SH FILES\n"
                           ".TP\n"
                           ".I " PRONGD_CONFIG_FILE "\n"
                           "Read unless the command line names another.\n"
                           ".TP\n"
                           ".I " COMMAND_SOCKET "\n"
                           "Where the master answers prongctl, unless control_socket says "
                           "otherwise.\n"
                           ".SH SEE ALSO\n"
                           ".BR prongd.conf (5),\n"
                           ".BR prongctl (1),\n"
                           ".BR systemd.service (5),\n"
                           ".BR systemd.socket (5)\n";

static void print_metrics(FILE *stream)
{
    struct metric_description metric;

    fputs(".SH METRICS\n"
          ".B prongctl metrics\n"
          "prints these in the text format of Prometheus, and prong_build_info with the version as "
          "a\n"
          "label.  Sums outlive reloads and upgrades; those of a worker are its slot\\(aqs.\n",
          stream);
    for (size_t i = 0; metrics_describe(i, &metric); i++) {
        fprintf(stream, ".TP\n.B %s\n", metric.name);
        roff_sentence(stream, metric.help);
        fprintf(stream, "A %s%s%s.\n", metric.type, *metric.labels != '\0' ? " by " : "",
                metric.labels);
    }
}

static void print_options(FILE *stream)
{
    char text[64];

    fputs(".SH OPTIONS\n", stream);
    for (size_t i = 0; i < argument_count; i++) {
        const char *option = arguments_head(&argument_rows[i], text, sizeof(text));

        while (isspace((unsigned char)*option))
            option++;
        fputs(".TP\n.B ", stream);
        roff_sentence(stream, option);
        roff_sentence(stream, argument_rows[i].help);
    }
}

static void print_handlers(const struct prongd_handler *const *handlers, FILE *stream)
{
    fputs(".SH HANDLERS\n", stream);
    for (size_t i = 0; handlers[i] != NULL; i++) {
        fprintf(stream, ".TP\n.B %s\n", handlers[i]->name);
        roff_sentence(stream, handlers[i]->help);
    }
}

static void print_signals(FILE *stream)
{
    struct master_signal signal;

    fputs(".SH SIGNALS\nTo the master.  The command of\n.BR prongctl (1)\n"
          "does the same, waits for the end, and reports:\n",
          stream);
    for (size_t i = 0; master_signal(i, &signal); i++) {
        fprintf(stream, ".TP\n.BR %s \" (\\fBprongctl ", signal.name);
        roff_text(stream, signal.command);
        fputs("\\fR)\"\n", stream);
        roff_sentence(stream, signal.help);
    }
}

static void print_statuses(FILE *stream)
{
    fputs(".SH \"EXIT STATUS\"\n", stream);
    for (size_t i = 0; i < exit_count; i++) {
        fprintf(stream, ".TP\n.B %d\n", exit_rows[i].status);
        roff_sentence(stream, exit_rows[i].meaning);
    }
}

void page_print(const struct prongd_handler *const *handlers, FILE *stream)
{
    fputs(head, stream);
    print_options(stream);
    print_signals(stream);
    fputs(reload, stream);
    print_handlers(handlers, stream);
    fputs(systemd, stream);
    fputs(background, stream);
    print_metrics(stream);
    print_statuses(stream);
    fputs(tail, stream);
}
