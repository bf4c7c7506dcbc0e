/* SPDX-License-Identifier: MIT
 *
 * Writing lines without waiting.
 */
#include "access_sink.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

#include "log.h"

/* --- Opening --- */

/* A FIFO is opened for reading, too: so that it opens before its reader does, and a reader that
 * goes is no error (fifo(7)). */
int access_sink_open_file(const char *path)
{
    struct stat status;
    bool is_fifo = stat(path, &status) == 0 && S_ISFIFO(status.st_mode);
    int fd =
        open(path,
             (is_fifo ? O_RDWR : O_WRONLY | O_CREAT) | O_APPEND | O_CLOEXEC | O_NOCTTY | O_NONBLOCK,
             0640);

    return fd < 0 ? -errno : fd;
}

static bool is_fifo(int fd)
{
    struct stat status;

    return fd >= 0 && fstat(fd, &status) == 0 && !S_ISREG(status.st_mode);
}

/* Not syslog(3): that waits for a daemon that is slow. */
static int open_syslog(void)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = "/dev/log"};
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), error;

    if (fd < 0)
        return -errno;
    if (connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0)
        return fd;
    error = -errno;
    close(fd);
    return error;
}

void access_sink_init(struct access_sink *sink, const char *target, int fd)
{
    *sink =
        (struct access_sink){.kind = is_fifo(fd) ? ACCESS_SINK_FIFO : ACCESS_SINK_FILE, .fd = fd};
    if (strcmp(target, "syslog") == 0)
        *sink = (struct access_sink){.kind = ACCESS_SINK_SYSLOG, .fd = open_syslog()};
    if (strcmp(target, "log") == 0)
        *sink = (struct access_sink){.kind = ACCESS_SINK_LOG, .fd = -1};
}

void access_sink_clear(struct access_sink *sink)
{
    if (sink->fd >= 0)
        close(sink->fd);
    sink->fd = -1;
}

void access_sink_adopt(struct access_sink *sink, int fd)
{
    if (fd < 0)
        return;
    if (sink->kind > ACCESS_SINK_FIFO) {
        close(fd);
        return;
    }
    access_sink_clear(sink);
    *sink =
        (struct access_sink){.kind = is_fifo(fd) ? ACCESS_SINK_FIFO : ACCESS_SINK_FILE, .fd = fd};
}

/* --- Files --- */

/* How many bytes are whole lines, at most `most`, and at least one line. */
static size_t whole_lines(const char *lines, size_t size, size_t most)
{
    const char *end = memrchr(lines, '\n', size < most ? size : most);

    return end != NULL ? (size_t)(end - lines) + 1 : size;
}

/* One write(2): other processes' lines come before or behind it, never in between, since the kernel
 * finds the end of the file and writes under one lock (write(2), O_APPEND). */
static ssize_t append(const struct access_sink *sink, const char *lines, size_t size)
{
    char newline[] = "\n";
    struct iovec parts[2] = {{newline, 1}, {(void *)(uintptr_t)lines, size}};
    ssize_t written;

    written = sink->is_torn ? writev(sink->fd, parts, 2) : write(sink->fd, lines, size);
    if (written < 0)
        return -errno;
    return sink->is_torn && written > 0 ? written - 1 : written;
}

/* A disk that fills up may take half a line; the other half would stand behind another process's
 * line.  It is given up. */
static struct access_written settle(struct access_sink *sink, const char *lines, size_t size,
                                    size_t taken)
{
    const char *end;

    sink->is_torn = taken > 0 && lines[taken - 1] != '\n';
    if (!sink->is_torn)
        return (struct access_written){.done = taken, .error = taken < size ? -ENOSPC : 0};
    end = memchr(lines + taken, '\n', size - taken);
    return (struct access_written){
        .done = end != NULL ? (size_t)(end - lines) + 1 : size, .lost = 1, .error = -ENOSPC};
}

static struct access_written write_file(struct access_sink *sink, const char *lines, size_t size)
{
    ssize_t written = sink->fd >= 0 ? append(sink, lines, size) : -EBADF;

    if (written < 0)
        return (struct access_written){.error = (int)written};
    return settle(sink, lines, size, (size_t)written);
}

/* Up to PIPE_BUF bytes go in as a whole or not at all (pipe(7)). */
static struct access_written write_fifo(struct access_sink *sink, const char *lines, size_t size)
{
    struct access_written all = {.done = 0};

    while (all.done < size && all.error == 0) {
        size_t piece = whole_lines(lines + all.done, size - all.done, PIPE_BUF);
        ssize_t written = write(sink->fd, lines + all.done, piece);

        if (written < 0)
            all.error = -errno;
        else
            all.done += piece;
    }
    return all;
}

/* --- Line by line --- */

/* As syslog(3) writes them: "<30>Mar  1 12:00:00 prongd[7]: …". */
static int send_line(int fd, const char *line, size_t size)
{
    char head[64];
    struct tm local;
    time_t now = time(NULL);
    struct iovec parts[2] = {{head, 0}, {(void *)(uintptr_t)line, size - 1}};
    struct msghdr message = {.msg_iov = parts, .msg_iovlen = 2};
    char date[20] = "";

    if (localtime_r(&now, &local) != NULL)
        (void)strftime(date, sizeof(date), "%b %e %H:%M:%S", &local);
    parts[0].iov_len = (size_t)snprintf(
        head, sizeof(head), "<%d>%s prongd[%ld]: ", LOG_DAEMON | LOG_INFO, date, (long)getpid());
    return sendmsg(fd, &message, MSG_DONTWAIT | MSG_NOSIGNAL) < 0 ? -errno : 0;
}

/* A daemon that was started anew has another socket; whether a worker may still go there depends on
 * its chroot. */
static int send_line_again(struct access_sink *sink, const char *line, size_t size)
{
    int error = sink->fd >= 0 ? send_line(sink->fd, line, size) : -ENOTCONN;

    if (error != -ENOTCONN && error != -ECONNREFUSED && error != -ECONNRESET)
        return error;
    access_sink_clear(sink);
    sink->fd = open_syslog();
    return sink->fd >= 0 ? send_line(sink->fd, line, size) : sink->fd;
}

static int log_line(struct access_sink *sink, const char *line, size_t size)
{
    char message[4096];

    (void)sink;
    (void)snprintf(message, sizeof(message), "access %.*s", (int)(size - 1), line);
    log_always(LOG_LEVEL_INFO, message);
    return 0;
}

static struct access_written write_each(struct access_sink *sink, const char *lines, size_t size,
                                        int (*put)(struct access_sink *sink, const char *line,
                                                   size_t size))
{
    struct access_written all = {.done = 0};

    while (all.done < size && all.error == 0) {
        const char *line = lines + all.done;
        const char *end = memchr(line, '\n', size - all.done);
        size_t length = end != NULL ? (size_t)(end - line) + 1 : size - all.done;

        all.error = put(sink, line, length);
        if (all.error == 0)
            all.done += length;
    }
    return all;
}

struct access_written access_sink_write(struct access_sink *sink, const char *lines, size_t size)
{
    switch (sink->kind) {
    case ACCESS_SINK_FILE:
        return write_file(sink, lines, size);
    case ACCESS_SINK_FIFO:
        return write_fifo(sink, lines, size);
    case ACCESS_SINK_SYSLOG:
        return write_each(sink, lines, size, send_line_again);
    case ACCESS_SINK_LOG:
        break;
    }
    return write_each(sink, lines, size, log_line);
}
