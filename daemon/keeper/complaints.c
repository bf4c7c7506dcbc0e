/* SPDX-License-Identifier: MIT
 *
 * From a pipe to the log.
 */
#include "complaints.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "log.h"

/* Reads before the pipe is closed: what a pipe holds. */
#define LAST_READS 64

static void tell(const struct complaints *complaints, size_t size)
{
    char text[4 * COMPLAINTS_LINE + 4];

    if (size > 0 && log_wants(LOG_LEVEL_NOTICE))
        log_notice("program says server=%s pid=%d text=\"%s\"", complaints->server,
                   (int)complaints->pid, log_escape(complaints->line, size, text, sizeof(text)));
}

/* Every whole line; and what there is, when it fills the room. */
static void tell_lines(struct complaints *complaints)
{
    const char *end;

    while ((end = memchr(complaints->line, '\n', complaints->used)) != NULL) {
        size_t size = (size_t)(end - complaints->line);

        tell(complaints, size);
        complaints->used -= size + 1;
        memmove(complaints->line, end + 1, complaints->used);
    }
    if (complaints->used < sizeof(complaints->line))
        return;
    tell(complaints, complaints->used);
    complaints->used = 0;
}

/* What one read gives: its result. */
static ssize_t take(struct complaints *complaints)
{
    ssize_t count = read(complaints->io.fd, complaints->line + complaints->used,
                         sizeof(complaints->line) - complaints->used);

    if (count > 0) {
        complaints->used += (size_t)count;
        tell_lines(complaints);
    }
    return count;
}

static void hang_up(struct complaints *complaints)
{
    tell(complaints, complaints->used);
    complaints->used = 0;
    ev_io_stop(complaints->loop, &complaints->io);
    close(complaints->io.fd);
    complaints->io.fd = -1;
}

static void on_readable(struct ev_loop *loop, ev_io *io, int revents)
{
    struct complaints *complaints = io->data;
    ssize_t count = take(complaints);

    (void)loop;
    (void)revents;
    if (count == 0 || (count < 0 && errno != EAGAIN && errno != EINTR))
        hang_up(complaints);
}

int complaints_open(struct complaints *complaints, struct ev_loop *loop)
{
    int fds[2];

    complaints->io.fd = -1;
    if (pipe2(fds, O_CLOEXEC) < 0)
        return -errno;
    (void)fcntl(fds[0], F_SETFL, O_NONBLOCK);
    complaints->loop = loop;
    ev_io_init(&complaints->io, on_readable, fds[0], EV_READ);
    complaints->io.data = complaints;
    return fds[1];
}

void complaints_start(struct complaints *complaints, const char *server, pid_t pid)
{
    complaints->server = server;
    complaints->pid = pid;
    ev_io_start(complaints->loop, &complaints->io);
}

void complaints_close(struct complaints *complaints)
{
    if (complaints->io.fd < 0)
        return;
    for (unsigned i = 0; i < LAST_READS && take(complaints) > 0; i++)
        ;
    hang_up(complaints);
}
