/* SPDX-License-Identifier: MIT
 *
 * The steps of daemon(7), "SysV Daemons", in their order.
 */
#include "detach.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/* What the daemon tells the first process, in one write(2). */
struct report {
    int status;
    char why[512];
};

static int report_fd = -1; /* -1: nobody waits */

/* What belongs to the terminal and session, or to the service, that the daemon leaves. */
static const char *const variables[] = {
    "TERM",
    "COLUMNS",
    "LINES",
    "DISPLAY",
    "WAYLAND_DISPLAY",
    "XAUTHORITY",
    "SSH_CLIENT",
    "SSH_TTY",
    "SSH_AUTH_SOCK",
    "SSH_CONNECTION",
    "PWD",
    "OLDPWD",
    "SHLVL",
    "_",
    "MAIL",
    "NOTIFY_SOCKET",
    "WATCHDOG_USEC",
    "LISTEN_PID",
    "LISTEN_FDS",
    "LISTEN_FDNAMES",
    "JOURNAL_STREAM",
    "INVOCATION_ID",
    "WATCHDOG_PID",
    "XDG_SESSION_ID",
    "XDG_RUNTIME_DIR",
};

/* --- Nothing of the caller's --- */

static void reset_signals(void)
{
    sigset_t none;

    for (int number = 1; number < NSIG; number++)
        (void)signal(number, SIG_DFL); /* refused for KILL, STOP and those of the C library */
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
}

static void leave_caller(void)
{
    (void)close_range(STDERR_FILENO + 1, ~0U, 0);
    reset_signals();
    for (size_t i = 0; i < sizeof(variables) / sizeof(variables[0]); i++)
        (void)unsetenv(variables[i]);
}

/* --- The first process --- */

static int complain(const char *what)
{
    fprintf(stderr, "prongd: %s: %s\n", what, strerror(errno));
    return EXIT_FAILURE;
}

static int wait_for_report(int fd, pid_t between)
{
    struct report report = {.status = EXIT_FAILURE, .why = "the daemon ended without a word"};
    ssize_t size;

    while (waitpid(between, NULL, 0) < 0 && errno == EINTR)
        continue;
    do
        size = read(fd, &report, sizeof(report));
    while (size < 0 && errno == EINTR);
    if (report.why[0] != '\0')
        fprintf(stderr, "prongd: %s\n", report.why);
    close(fd);
    return report.status;
}

/* --- The daemon --- */

/* Between the two forks: leads the session, so that the daemon cannot get a terminal again. */
static void fork_again(void)
{
    pid_t pid;

    if (setsid() < 0)
        _exit(complain("setsid"));
    pid = fork();
    if (pid < 0)
        _exit(complain("fork"));
    if (pid > 0)
        _exit(EXIT_SUCCESS);
}

int detach_start(void)
{
    int fds[2];
    pid_t pid;

    leave_caller();
    if (pipe2(fds, O_CLOEXEC) < 0)
        return complain("pipe");
    pid = fork();
    if (pid < 0)
        return complain("fork");
    if (pid > 0) {
        close(fds[1]);
        return wait_for_report(fds[0], pid);
    }
    close(fds[0]);
    fork_again();
    report_fd = fds[1];
    umask(0);
    if (chdir("/") < 0)
        _exit(complain("/"));
    return -1;
}

void detach_silence(void)
{
    int fd;

    if (report_fd < 0)
        return;
    fd = open("/dev/null", O_RDWR | O_CLOEXEC);
    for (int standard = STDIN_FILENO; fd >= 0 && standard <= STDERR_FILENO; standard++)
        (void)dup2(fd, standard);
    if (fd > STDERR_FILENO)
        close(fd);
}

void detach_report(int status, const char *why)
{
    struct report report = {.status = status};

    if (report_fd < 0)
        return;
    if (why != NULL)
        (void)snprintf(report.why, sizeof(report.why), "%s", why);
    (void)!write(report_fd, &report, sizeof(report));
    detach_abandon();
}

void detach_abandon(void)
{
    if (report_fd >= 0)
        close(report_fd);
    report_fd = -1;
}
