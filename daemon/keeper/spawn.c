/* SPDX-License-Identifier: MIT
 *
 * clone(2), and what the child does before it is the program.
 */
#include "spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <signal.h>
#include <stdalign.h>
#include <stddef.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "keeping.h"

/* Of the child.  Only pages that it touches cost memory. */
#define STACK_SIZE (128 * 1024)

/* The child runs on a stack that AddressSanitizer knows nothing of. */
#define ON_FOREIGN_STACK __attribute__((no_sanitize("address")))

struct launch {
    struct spawn *spawn;
    int error; /* 0: it is the program */
};

/* --- In the child.  Its memory is the keeper's: it allocates, locks and changes nothing. --- */

/* The kernel gave us one that does not wait; programs expect one that does. */
ON_FOREIGN_STACK static int let_block(const struct spawn *spawn)
{
    int flags = fcntl(spawn->socket, F_GETFL);

    return flags < 0 ? -1 : fcntl(spawn->socket, F_SETFL, flags & ~O_NONBLOCK);
}

ON_FOREIGN_STACK static int lead_session(const struct spawn *spawn)
{
    (void)spawn;
    return (int)setsid();
}

ON_FOREIGN_STACK static int place_streams(const struct spawn *spawn)
{
    if (dup2(spawn->socket, STDIN_FILENO) < 0 || dup2(spawn->socket, STDOUT_FILENO) < 0)
        return -1;
    return dup2(spawn->standard_error, STDERR_FILENO);
}

ON_FOREIGN_STACK static int close_the_rest(const struct spawn *spawn)
{
    (void)spawn;
    return close_range(STDERR_FILENO + 1, UINT_MAX, 0);
}

ON_FOREIGN_STACK static int set_limits(const struct spawn *spawn)
{
    const struct keeping *keeping = spawn->keeping;

    for (size_t i = 0; i < keeping->limit_count; i++) {
        struct rlimit limit = {keeping->limits[i].most, keeping->limits[i].most};

        if (setrlimit((__rlimit_resource_t)keeping->limits[i].resource, &limit) < 0)
            return -1;
    }
    return 0;
}

ON_FOREIGN_STACK static int set_nice(const struct spawn *spawn)
{
    if (!spawn->keeping->has_nice)
        return 0;
    return setpriority(PRIO_PROCESS, 0, spawn->keeping->nice);
}

ON_FOREIGN_STACK static int set_directory(const struct spawn *spawn)
{
    (void)umask((mode_t)spawn->keeping->umask);
    return chdir(spawn->keeping->directory);
}

/* What the keeper caught is at its default with the new program. */
ON_FOREIGN_STACK static int free_signals(const struct spawn *spawn)
{
    sigset_t none;

    (void)spawn;
    sigemptyset(&none);
    return sigprocmask(SIG_SETMASK, &none, NULL);
}

ON_FOREIGN_STACK static int become_program(const struct spawn *spawn)
{
    return execve(spawn->keeping->arguments[0], spawn->keeping->arguments, spawn->environment);
}

static const struct {
    const char *name;
    int (*take)(const struct spawn *spawn);
} steps[] = {
    {"the connection", let_block},    {"setsid", lead_session},  {"the connection", place_streams},
    {"close_range", close_the_rest},  {"nice", set_nice},        {"an rlimit", set_limits},
    {"the directory", set_directory}, {"signals", free_signals}, {"the program", become_program},
};

ON_FOREIGN_STACK static int be_child(void *user)
{
    struct launch *launch = user;

    for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
        if (steps[i].take(launch->spawn) >= 0)
            continue;
        launch->error = -errno;
        launch->spawn->step = steps[i].name;
        _exit(127);
    }
    return 127; /* unreachable: the last step returns only to report */
}

/* --- In the keeper --- */

pid_t spawn_program(struct spawn *spawn)
{
    alignas(16) static char stack[STACK_SIZE];
    struct launch launch = {.spawn = spawn};
    sigset_t all, before;
    pid_t pid;
    int error;

    /* Our handlers must not run in the child. */
    sigfillset(&all);
    sigprocmask(SIG_SETMASK, &all, &before);
    spawn->step = "clone";
    pid = clone(be_child, stack + sizeof(stack), CLONE_VM | CLONE_VFORK | SIGCHLD, &launch);
    error = pid < 0 ? -errno : launch.error;
    sigprocmask(SIG_SETMASK, &before, NULL);
    if (error == 0)
        return pid;
    if (pid > 0)
        (void)waitpid(pid, NULL, 0);
    return error;
}
