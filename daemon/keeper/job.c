/* SPDX-License-Identifier: MIT
 *
 * Reading what a worker sends.
 */
#include "job.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>

#include "clock.h"
#include "ipc.h"
#include "message.h"

static bool is_address(const struct prong_address *address)
{
    if (address->path_size > sizeof(address->path))
        return false;
    return address->family == AF_INET || address->family == AF_INET6 || address->family == AF_UNIX;
}

static bool is_stream(int fd)
{
    socklen_t size = sizeof(int);
    int type = 0;

    return getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &size) == 0 && type == SOCK_STREAM;
}

/* An unnamed unix socket has no family: the server's side tells. */
static bool is_good(const struct message_run *run)
{
    return is_address(&run->local) && (run->remote.family == AF_UNSPEC || is_address(&run->remote));
}

int job_read(struct job *job, const struct ipc_frame *frame)
{
    struct message_run run = {0};

    if (frame->size == sizeof(run))
        memcpy(&run, frame->payload, sizeof(run));
    if (frame->type == MESSAGE_RUN && frame->size == sizeof(run) && frame->fd_count == 1 &&
        is_good(&run) && is_stream(frame->fds[0])) {
        *job = (struct job){
            .connection = run.connection,
            .local = run.local,
            .remote = run.remote,
            .fd = frame->fds[0],
            .taken_at = clock_s(),
        };
        return 0;
    }
    ipc_close_fds(frame);
    return -EBADMSG;
}
