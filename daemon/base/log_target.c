/* SPDX-License-Identifier: MIT
 *
 * Where log lines go.
 */
#include "log_target.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/uio.h>
#include <syslog.h>

static const struct log_target initial = LOG_TARGET_INITIAL;

/* systemd names the socket that it gave us (systemd.exec(5), JOURNAL_STREAM). */
static bool is_journal(const struct stat *status)
{
    const char *stream = getenv("JOURNAL_STREAM");
    char own[64];

    (void)snprintf(own, sizeof(own), "%ju:%ju", (uintmax_t)status->st_dev,
                   (uintmax_t)status->st_ino);
    return stream != NULL && strcmp(stream, own) == 0;
}

/* A pipe or terminal is opened a second time: O_NONBLOCK set on the inherited description would
 * change it for everybody who shares it, and a poll() before a write() cannot help when several
 * workers see the same free slot.  A pipe of another user does not open: then we ask first. */
static void open_privately(struct log_target *target)
{
    int fd = open("/proc/self/fd/2", O_WRONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);

    if (fd < 0)
        return;
    target->fd = fd;
    target->is_own = true;
    target->may_block = false;
}

static int open_stderr(struct log_target *target)
{
    struct stat status;

    *target = initial;
    if (fstat(STDERR_FILENO, &status) < 0)
        return -errno;
    if (is_journal(&status))
        target->kind = LOG_TARGET_JOURNAL;
    target->is_socket = S_ISSOCK(status.st_mode);
    if (target->is_socket || S_ISREG(status.st_mode))
        target->may_block = false;
    if (S_ISFIFO(status.st_mode) || S_ISCHR(status.st_mode))
        open_privately(target);
    return 0;
}

static int open_syslog(struct log_target *target)
{
    *target = (struct log_target){.kind = LOG_TARGET_SYSLOG, .fd = -1};
    return 0;
}

static int open_path(const char *path)
{
    int fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY | O_NONBLOCK, 0640);

    return fd < 0 ? -errno : fd;
}

static int open_file(struct log_target *target, const char *path)
{
    char *copy = strdup(path);
    int fd;

    if (copy == NULL)
        return -ENOMEM;
    fd = open_path(path);
    if (fd < 0) {
        free(copy);
        return fd;
    }
    *target = (struct log_target){.kind = LOG_TARGET_FILE, .fd = fd, .is_own = true, .path = copy};
    return 0;
}

/* Nobody reads stderr: it is closed or leads to /dev/null. */
static bool is_detached(void)
{
    struct stat status;

    if (fstat(STDERR_FILENO, &status) < 0)
        return true;
    return S_ISCHR(status.st_mode) && status.st_rdev == makedev(1, 3);
}

static int open_auto(struct log_target *target)
{
    return is_detached() ? open_syslog(target) : open_stderr(target);
}

struct name_row {
    const char *name;
    int (*open)(struct log_target *target);
};

static const struct name_row names[] = {
    {"auto", open_auto},
    {"stderr", open_stderr},
    {"syslog", open_syslog},
};

static int open_name(struct log_target *target, const char *name)
{
    if (name[0] == '/')
        return open_file(target, name);
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        if (strcmp(names[i].name, name) == 0)
            return names[i].open(target);
    return -EINVAL;
}

/* openlog() comes last: clearing the old target may have closed the process's only syslog. */
int log_target_open(struct log_target *target, const char *name)
{
    struct log_target opened;
    int error = open_name(&opened, name);

    if (error < 0)
        return error;
    log_target_clear(target);
    *target = opened;
    if (target->kind == LOG_TARGET_SYSLOG)
        openlog("prongd", LOG_PID | LOG_NDELAY, LOG_DAEMON);
    return 0;
}

void log_target_clear(struct log_target *target)
{
    if (target->kind == LOG_TARGET_SYSLOG)
        closelog();
    if (target->is_own)
        (void)close(target->fd);
    free(target->path);
    *target = initial;
}

int log_target_reopen(struct log_target *target)
{
    int fd;

    if (target->kind != LOG_TARGET_FILE || target->path == NULL)
        return 0;
    fd = open_path(target->path);
    if (fd < 0)
        return fd;
    log_target_adopt(target, fd);
    return 0;
}

void log_target_adopt(struct log_target *target, int fd)
{
    if (target->kind != LOG_TARGET_FILE) {
        (void)close(fd);
        return;
    }
    (void)close(target->fd);
    target->fd = fd;
    target->is_torn = false;
}

void log_target_take(struct log_target *target, int fd)
{
    if (fd < 0)
        return;
    log_target_clear(target);
    *target = (struct log_target){.kind = LOG_TARGET_FILE, .fd = fd, .is_own = true};
}

static bool is_writable(int fd)
{
    struct pollfd entry = {.fd = fd, .events = POLLOUT};

    return poll(&entry, 1, 0) == 1;
}

static ssize_t write_once(const struct log_target *target, struct iovec *parts, size_t count)
{
    struct msghdr message = {.msg_iov = parts, .msg_iovlen = count};

    if (target->is_socket)
        return sendmsg(target->fd, &message, MSG_DONTWAIT | MSG_NOSIGNAL);
    return writev(target->fd, parts, (int)count);
}

static bool write_fd(struct log_target *target, char *line, size_t size)
{
    char newline[] = "\n";
    struct iovec parts[2] = {{newline, target->is_torn ? 1 : 0}, {line, size}};
    ssize_t written;

    if (target->may_block && !is_writable(target->fd))
        return false;
    written = write_once(target, parts, 2);
    if (written <= 0)
        return false;
    target->is_torn = (size_t)written < parts[0].iov_len + size;
    return !target->is_torn;
}

bool log_target_write(struct log_target *target, int priority, char *line, size_t size)
{
    if (target->kind != LOG_TARGET_SYSLOG)
        return write_fd(target, line, size);
    syslog(priority, "%.*s", (int)(size - 1), line);
    return true;
}
