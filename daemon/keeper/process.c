/* SPDX-License-Identifier: MIT
 *
 * Signals and streams.
 */
#include "process.h"

#include <fcntl.h>
#include <signal.h>
#include <stddef.h>
#include <unistd.h>

void process_set_signals(void)
{
    static const int ours[] = {SIGCHLD, SIGQUIT, SIGABRT, SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGTRAP};
    sigset_t blocked;

    sigfillset(&blocked);
    for (size_t i = 0; i < sizeof(ours) / sizeof(ours[0]); i++)
        sigdelset(&blocked, ours[i]);
    for (int number = 1; number < NSIG; number++) {
        if (sigismember(&blocked, number) == 1)
            (void)signal(number, SIG_DFL);
    }
    (void)signal(SIGQUIT, SIG_DFL);
    sigprocmask(SIG_SETMASK, &blocked, NULL);
}

void process_fill_streams(void)
{
    int fd;

    do
        fd = open("/dev/null", O_RDWR | O_CLOEXEC);
    while (fd >= 0 && fd <= STDERR_FILENO);
    if (fd >= 0)
        close(fd);
}
