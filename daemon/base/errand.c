/* SPDX-License-Identifier: MIT
 *
 * Forking, and not waiting for ever.
 */
#include "errand.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "clock.h"
#include "privileges.h"

/* Private memory of the child.  A sanitizer's shadow alone is larger. */
#define MAX_MEMORY ((rlim_t)1 << 30)

/* --- In the child --- */

/* The lowest descriptor, from `from` on, that is to stay. */
static unsigned next_kept(const struct errand *errand, int output, unsigned from)
{
    unsigned next = UINT_MAX;

    if ((unsigned)output >= from)
        next = (unsigned)output;
    for (size_t i = 0; i < errand->fd_count; i++) {
        if ((unsigned)errand->fds[i] >= from && (unsigned)errand->fds[i] < next)
            next = (unsigned)errand->fds[i];
    }
    return next;
}

static void close_others(const struct errand *errand, int output)
{
    unsigned from = STDERR_FILENO + 1;

    while (from < UINT_MAX) {
        unsigned kept = next_kept(errand, output, from);

        if (kept > from)
            (void)close_range(from, kept - 1, 0);
        from = kept < UINT_MAX ? kept + 1 : kept;
    }
}

static void silence(void)
{
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);

    for (int fd = STDIN_FILENO; null >= 0 && fd <= STDERR_FILENO; fd++)
        (void)dup2(null, fd);
}

static void reset_signals(void)
{
    sigset_t none;

    for (int number = 1; number < NSIG; number++)
        signal(number, SIG_DFL);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
}

static void limit(const struct errand *errand)
{
    const struct rlimit no_core = {0}, seconds = {.rlim_cur = errand->timeout_ms / 1000 + 1,
                                                  .rlim_max = errand->timeout_ms / 1000 + 1};
    (void)setrlimit(RLIMIT_CORE, &no_core);
    (void)setrlimit(RLIMIT_CPU, &seconds);
#ifndef __SANITIZE_ADDRESS__
    const struct rlimit memory = {.rlim_cur = MAX_MEMORY, .rlim_max = MAX_MEMORY};

    (void)setrlimit(RLIMIT_DATA, &memory);
#endif
}

/* As a worker: one that stays root by the operator's wish keeps what root has. */
static int become(const struct privileges *identity)
{
    int error = identity != NULL ? privileges_drop(identity, NULL) : 0;

    if (error < 0 || (identity != NULL && identity->uid == 0))
        return error;
    return privileges_renounce();
}

/* Never returns: what follows main() is not for the child.  The NUL behind the report says that it
 * came to its end. */
static void do_work(const struct errand *errand, int output)
{
    FILE *report = fdopen(output, "w");

    setpgid(0, 0);
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
    reset_signals();
    silence();
    close_others(errand, output);
    limit(errand);
    if (report == NULL || (!errand->keeps_rights && become(errand->identity) < 0))
        _exit(EXIT_FAILURE);
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0); /* a change of user forgets it */
    errand->work(report, errand->user);
    fputc('\0', report);
    _exit(fclose(report) == 0 ? EXIT_SUCCESS : EXIT_FAILURE);
}

/* --- In the parent --- */

struct listening {
    int fd;
    double deadline; /* clock_s() */
    char *text;
    size_t size;
    bool is_whole; /* the NUL came */
    bool is_late;
};

/* False: there is nothing more to wait for. */
static bool wait_for_more(struct listening *listening)
{
    struct pollfd poll_fd = {.fd = listening->fd, .events = POLLIN};
    double left_s = listening->deadline - clock_s();
    int ready;

    listening->is_late = left_s <= 0;
    if (listening->is_late)
        return false;
    ready = poll(&poll_fd, 1, (int)(left_s * 1e3) + 1);
    return ready >= 0 || errno == EINTR;
}

static bool take_more(struct listening *listening)
{
    char buffer[16384], *longer;
    ssize_t count = read(listening->fd, buffer, sizeof(buffer));

    if (count < 0)
        return errno == EAGAIN || errno == EINTR;
    if (count == 0 || listening->size + (size_t)count > ERRAND_REPORT_MAX)
        return false;
    longer = realloc(listening->text, listening->size + (size_t)count + 1);
    if (longer == NULL)
        return false;
    memcpy(longer + listening->size, buffer, (size_t)count);
    listening->text = longer;
    listening->size += (size_t)count;
    longer[listening->size] = '\0';
    listening->is_whole = longer[listening->size - 1] == '\0';
    return !listening->is_whole;
}

/* It has closed the report; how it ended is known in a moment. */
static int await_end(struct listening *listening, pid_t pid)
{
    int status = 0;

    while (waitpid(pid, &status, WNOHANG) == 0) {
        listening->is_late = clock_s() >= listening->deadline;
        if (listening->is_whole || listening->is_late) {
            (void)kill(-pid, SIGKILL);
            (void)kill(pid, SIGKILL);
            (void)waitpid(pid, &status, 0);
            return status;
        }
        (void)poll(NULL, 0, 5);
    }
    (void)kill(-pid, SIGKILL); /* what it may have left behind */
    return status;
}

static int judge(const struct errand *errand, const struct listening *listening, int status,
                 char *problem, size_t size)
{
    if (listening->is_whole)
        return 0;
    if (listening->is_late)
        snprintf(problem, size, "did not come to an end within %u s", errand->timeout_ms / 1000);
    else if (WIFSIGNALED(status))
        snprintf(problem, size, "crashed: %s", strsignal(WTERMSIG(status)));
    else
        snprintf(problem, size, "ended the process with exit status %d", WEXITSTATUS(status));
    return -ECHILD;
}

pid_t errand_start(const struct errand *errand, int *output)
{
    int fds[2];
    pid_t pid;

    if (pipe2(fds, O_CLOEXEC) < 0)
        return -errno;
    (void)fcntl(fds[0], F_SETFL, O_NONBLOCK);
    pid = fork();
    if (pid == 0)
        do_work(errand, fds[1]);
    pid = pid < 0 ? -errno : pid;
    close(fds[1]);
    if (pid < 0)
        close(fds[0]);
    else
        *output = fds[0];
    return pid;
}

int errand_run(const struct errand *errand, char **report, char *problem, size_t size)
{
    struct listening listening = {.deadline = clock_s() + errand->timeout_ms / 1e3};
    int status;
    pid_t pid = errand_start(errand, &listening.fd);

    *report = NULL;
    if (pid < 0) {
        snprintf(problem, size, "cannot be started: %s", strerror(-pid));
        return pid;
    }
    while (wait_for_more(&listening) && take_more(&listening))
        ;
    status = await_end(&listening, pid);
    close(listening.fd);
    *report = listening.text != NULL ? listening.text : calloc(1, 1);
    return judge(errand, &listening, status, problem, size);
}
