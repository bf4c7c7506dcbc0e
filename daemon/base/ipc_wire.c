/* SPDX-License-Identifier: MIT
 *
 * One frame, one kernel message.
 */
#include "ipc_wire.h"

#include <errno.h>
#include <stdalign.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

/* What stands before the payload.  Both sides are the same program on the same machine. */
struct header {
    uint32_t type;
    uint32_t size;
};

#define FDS_SIZE (IPC_MAX_FDS * sizeof(int))

union control {
    struct cmsghdr align;
    char bytes[CMSG_SPACE(FDS_SIZE)];
};

/* The frame on receipt.  Pages that no frame touches cost no memory. */
static struct {
    alignas(max_align_t) char payload[IPC_MAX_PAYLOAD];
    int fds[IPC_MAX_FDS];
} received;

static void attach_fds(struct msghdr *message, union control *control, const int *fds, size_t count)
{
    struct cmsghdr *head = &control->align;

    if (count == 0)
        return;
    memset(control, 0, sizeof(*control));
    message->msg_control = control->bytes;
    message->msg_controllen = CMSG_SPACE(count * sizeof(int));
    head->cmsg_level = SOL_SOCKET;
    head->cmsg_type = SCM_RIGHTS;
    head->cmsg_len = CMSG_LEN(count * sizeof(int));
    memcpy(CMSG_DATA(head), fds, count * sizeof(int));
}

/* An iovec is for reading and for writing, so its base is not const. */
static void *writable(const void *bytes)
{
    return (void *)(uintptr_t)bytes;
}

int ipc_wire_send(int fd, const struct ipc_frame *frame)
{
    struct header header = {.type = frame->type, .size = (uint32_t)frame->size};
    struct iovec parts[2] = {{&header, sizeof(header)}, {writable(frame->payload), frame->size}};
    struct msghdr message = {.msg_iov = parts, .msg_iovlen = 2};
    union control control;
    ssize_t sent;

    attach_fds(&message, &control, frame->fds, frame->fd_count);
    do
        sent = sendmsg(fd, &message, MSG_DONTWAIT | MSG_NOSIGNAL);
    while (sent < 0 && errno == EINTR);
    return sent < 0 ? -errno : 0;
}

static size_t take_fds(struct msghdr *message)
{
    struct cmsghdr *head;
    size_t count = 0;
    size_t size;

    for (head = CMSG_FIRSTHDR(message); head != NULL; head = CMSG_NXTHDR(message, head)) {
        if (head->cmsg_level != SOL_SOCKET || head->cmsg_type != SCM_RIGHTS)
            continue;
        size = head->cmsg_len - CMSG_LEN(0);
        memcpy(received.fds + count, CMSG_DATA(head), size);
        count += size / sizeof(int);
    }
    return count;
}

/* The kernel reports once that the other side went away with frames of ours unread, and only
 * then gives what that side had sent before: read on. */
static ssize_t receive(int fd, struct msghdr *message)
{
    ssize_t size;

    do
        size = recvmsg(fd, message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
    while (size < 0 && (errno == EINTR || errno == ECONNRESET));
    return size < 0 ? -errno : size;
}

static int check(const struct msghdr *message, const struct header *header, size_t size)
{
    if (message->msg_flags & MSG_TRUNC)
        return -EBADMSG;
    if (size < sizeof(*header) || header->size != size - sizeof(*header))
        return -EBADMSG;
    return 1;
}

void ipc_close_fds(const struct ipc_frame *frame)
{
    for (size_t i = 0; i < frame->fd_count; i++)
        (void)close(frame->fds[i]);
}

static void drop_fds(struct ipc_frame *frame)
{
    ipc_close_fds(frame);
    frame->fd_count = 0;
}

int ipc_wire_receive(int fd, struct ipc_frame *frame)
{
    struct header header = {0};
    struct iovec parts[2] = {{&header, sizeof(header)},
                             {received.payload, sizeof(received.payload)}};
    union control control;
    struct msghdr message = {.msg_iov = parts,
                             .msg_iovlen = 2,
                             .msg_control = control.bytes,
                             .msg_controllen = sizeof(control.bytes)};
    ssize_t size = receive(fd, &message);
    int result;

    if (size <= 0)
        return (int)size;
    *frame = (struct ipc_frame){.type = header.type,
                                .payload = received.payload,
                                .size = header.size,
                                .fds = received.fds,
                                .fd_count = take_fds(&message)};
    result = check(&message, &header, (size_t)size);
    if (result < 0 || message.msg_flags & MSG_CTRUNC)
        drop_fds(frame);
    return result;
}
