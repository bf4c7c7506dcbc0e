/* SPDX-License-Identifier: MIT
 *
 * Messages of the handoff.
 */
#include "handoff_wire.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#define WIRE_MAGIC   0x48414e44U /* "HAND" */
#define WIRE_VERSION 2

/* The record's own, and perhaps a memfd. */
#define MAX_FDS (HANDOFF_BATCH * (RECORD_FDS_MAX + 1))

static_assert(MAX_FDS <= 253, "the kernel's SCM_MAX_FD");

struct batch_head {
    uint32_t magic;
    uint16_t version;
    uint16_t count;
    uint32_t sequence;
    uint32_t reserved;
    struct {
        uint32_t size;
        uint16_t fd_count;
        uint16_t in_memfd; /* 0 or 1: one more descriptor, behind the others */
    } records[HANDOFF_BATCH];
};

struct answer_head {
    uint32_t magic;
    uint16_t version;
    uint16_t count;
    uint32_t sequence;
    uint32_t room;
    uint8_t status[HANDOFF_BATCH];
};

/* A message while it is made or read. */
struct parcel {
    struct batch_head head;
    uint8_t *bodies[HANDOFF_BATCH]; /* malloc'ed on sending, pointing into the message on receipt */
    int fds[MAX_FDS];
    size_t fd_count;
};

static void close_fds(const int *fds, size_t count)
{
    for (size_t i = 0; i < count; i++)
        close(fds[i]);
}

/* --- Sealed memfds --- */

static int write_all(int fd, const uint8_t *bytes, size_t size)
{
    for (size_t done = 0; done < size;) {
        ssize_t written = write(fd, bytes + done, size - done);

        if (written < 0)
            return -errno;
        done += (size_t)written;
    }
    return 0;
}

static int seal(const uint8_t *bytes, size_t size)
{
    int fd = memfd_create("prong-record", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    int error;

    if (fd < 0)
        return -errno;
    error = write_all(fd, bytes, size);
    if (error == 0 &&
        fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL) < 0)
        error = -errno;
    if (error < 0) {
        close(fd);
        return error;
    }
    return fd;
}

/* malloc'ed; NULL when it is not sealed, not of that size, or memory is short. */
static uint8_t *unseal(int fd, uint32_t size)
{
    const int wanted = F_SEAL_SHRINK | F_SEAL_WRITE;
    struct stat status;
    uint8_t *bytes;

    if ((fcntl(fd, F_GET_SEALS) & wanted) != wanted || fstat(fd, &status) < 0 ||
        status.st_size != (off_t)size || size > WIRE_RECORD_MAX)
        return NULL;
    bytes = malloc(size > 0 ? size : 1);
    if (bytes == NULL || pread(fd, bytes, size, 0) != (ssize_t)size) {
        free(bytes);
        return NULL;
    }
    return bytes;
}

/* --- Sending --- */

int wire_check(const struct record *record)
{
    return record_size(record) <= WIRE_RECORD_MAX ? 0 : -EMSGSIZE;
}

static int pack_record(struct parcel *parcel, const struct record *record, size_t i)
{
    size_t size;
    uint8_t *bytes = record_encode(record, &size);
    size_t fd_count = record_fds(record, parcel->fds + parcel->fd_count);
    int memfd;

    if (bytes == NULL)
        return -ENOMEM;
    parcel->bodies[i] = bytes;
    parcel->head.records[i].size = (uint32_t)size;
    parcel->head.records[i].fd_count = (uint16_t)fd_count;
    parcel->fd_count += fd_count;
    if (size <= WIRE_INLINE_MAX)
        return 0;
    memfd = seal(bytes, size);
    if (memfd < 0)
        return memfd;
    parcel->head.records[i].in_memfd = 1;
    parcel->fds[parcel->fd_count++] = memfd;
    return 0;
}

/* Too many descriptors of this user are on their way (unix(7)), or the kernel is short of memory:
 * like a full buffer. */
static int send_error(ssize_t sent)
{
    if (sent >= 0)
        return 0;
    return errno == ETOOMANYREFS || errno == ENOBUFS || errno == ENOMEM ? -EAGAIN : -errno;
}

static int send_parcel(int fd, const struct parcel *parcel)
{
    struct iovec pieces[1 + HANDOFF_BATCH];
    union {
        struct cmsghdr align;
        char bytes[CMSG_SPACE(sizeof(int) * MAX_FDS)];
    } control;
    struct msghdr message = {.msg_iov = pieces, .msg_iovlen = 1, .msg_control = control.bytes};
    struct cmsghdr *header = &control.align;

    memset(&control, 0, sizeof(control));
    pieces[0].iov_base = (void *)(uintptr_t)&parcel->head;
    pieces[0].iov_len = sizeof(parcel->head);
    for (size_t i = 0; i < parcel->head.count; i++) {
        if (parcel->head.records[i].in_memfd)
            continue;
        pieces[message.msg_iovlen].iov_base = parcel->bodies[i];
        pieces[message.msg_iovlen++].iov_len = parcel->head.records[i].size;
    }
    message.msg_controllen = CMSG_SPACE(sizeof(int) * parcel->fd_count);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(sizeof(int) * parcel->fd_count);
    memcpy(CMSG_DATA(header), parcel->fds, sizeof(int) * parcel->fd_count);
    return send_error(sendmsg(fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT));
}

/* The memfds are ours, the records' own are not. */
static void unpack(struct parcel *parcel, size_t count)
{
    size_t fd = 0;

    for (size_t i = 0; i < count; i++) {
        free(parcel->bodies[i]);
        fd += parcel->head.records[i].fd_count;
        if (parcel->head.records[i].in_memfd)
            close(parcel->fds[fd++]);
    }
}

int wire_send_batch(int fd, const struct wire_batch *batch)
{
    struct parcel parcel = {.head = {.magic = WIRE_MAGIC,
                                     .version = WIRE_VERSION,
                                     .count = (uint16_t)batch->count,
                                     .sequence = batch->sequence}};
    size_t packed = 0;
    int error = 0;

    while (packed < batch->count && error == 0) {
        error = pack_record(&parcel, &batch->records[packed], packed);
        packed++;
    }
    if (error == 0)
        error = send_parcel(fd, &parcel);
    unpack(&parcel, packed);
    return error;
}

int wire_send_answer(int fd, const struct wire_answer *answer)
{
    struct answer_head head = {.magic = WIRE_MAGIC,
                               .version = WIRE_VERSION,
                               .count = (uint16_t)answer->count,
                               .sequence = answer->sequence,
                               .room = answer->room};

    memcpy(head.status, answer->status, sizeof(head.status));
    return send_error(send(fd, &head, sizeof(head), MSG_NOSIGNAL | MSG_DONTWAIT));
}

/* --- Receiving --- */

static void take_fds(struct parcel *parcel, struct msghdr *message)
{
    for (struct cmsghdr *header = CMSG_FIRSTHDR(message); header != NULL;
         header = CMSG_NXTHDR(message, header)) {
        size_t count;

        if (header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS)
            continue;
        count = (header->cmsg_len - CMSG_LEN(0)) / sizeof(int);
        if (count > MAX_FDS - parcel->fd_count)
            count = MAX_FDS - parcel->fd_count;
        memcpy(parcel->fds + parcel->fd_count, CMSG_DATA(header), count * sizeof(int));
        parcel->fd_count += count;
    }
}

/* Do the lengths add up to what arrived, and the descriptors to what was announced? */
static bool is_consistent(const struct parcel *parcel, size_t size, bool lost_fds)
{
    size_t total = 0, fds = 0;

    for (size_t i = 0; i < parcel->head.count; i++) {
        if (parcel->head.records[i].fd_count == 0 || parcel->head.records[i].in_memfd > 1)
            return false;
        fds += parcel->head.records[i].fd_count + parcel->head.records[i].in_memfd;
        if (parcel->head.records[i].in_memfd)
            continue;
        if (parcel->head.records[i].size > WIRE_INLINE_MAX)
            return false;
        total += parcel->head.records[i].size;
    }
    return total == size && fds == parcel->fd_count && !lost_fds;
}

static bool read_record(struct record *record, struct record_bytes bytes, int memfd)
{
    uint8_t *sealed = NULL;
    bool is_read;

    if (memfd >= 0) {
        sealed = unseal(memfd, (uint32_t)bytes.size);
        close(memfd);
        bytes.bytes = sealed;
    }
    is_read = bytes.bytes != NULL && record_decode(record, &bytes) == 0;
    if (!is_read)
        close_fds(bytes.fds, bytes.fd_count);
    free(sealed);
    return is_read;
}

static void read_records(struct wire_batch *batch, const struct parcel *parcel,
                         const uint8_t *bodies)
{
    const int *fds = parcel->fds;

    for (size_t i = 0; i < batch->count; i++) {
        struct record_bytes bytes = {.bytes = bodies,
                                     .size = parcel->head.records[i].size,
                                     .fds = fds,
                                     .fd_count = parcel->head.records[i].fd_count};
        bool in_memfd = parcel->head.records[i].in_memfd != 0;

        fds += bytes.fd_count;
        if (!read_record(&batch->records[i], bytes, in_memfd ? *fds++ : -1))
            batch->damage[i] = -EBADMSG;
        if (!in_memfd)
            bodies += bytes.size;
    }
}

static void mark_damaged(struct wire_batch *batch, int damage)
{
    for (size_t i = 0; i < batch->count; i++)
        batch->damage[i] = damage;
}

/* One message; its size, 0 at the end, or -errno. */
static ssize_t receive(int fd, struct parcel *parcel, uint8_t *bodies, bool *lost_fds)
{
    struct iovec pieces[2] = {
        {.iov_base = &parcel->head, .iov_len = sizeof(parcel->head)},
        {.iov_base = bodies, .iov_len = (size_t)HANDOFF_BATCH * WIRE_INLINE_MAX},
    };
    union {
        struct cmsghdr align;
        char bytes[CMSG_SPACE(sizeof(int) * MAX_FDS)];
    } control;
    struct msghdr message = {.msg_iov = pieces,
                             .msg_iovlen = 2,
                             .msg_control = control.bytes,
                             .msg_controllen = sizeof(control.bytes)};
    ssize_t size = recvmsg(fd, &message, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);

    if (size < 0)
        return -errno;
    take_fds(parcel, &message);
    *lost_fds = (message.msg_flags & (MSG_CTRUNC | MSG_TRUNC)) != 0;
    return size;
}

int wire_receive_batch(int fd, struct wire_batch *batch)
{
    uint8_t bodies[HANDOFF_BATCH * WIRE_INLINE_MAX];
    struct parcel parcel = {.fd_count = 0};
    bool lost_fds = false;
    ssize_t size = receive(fd, &parcel, bodies, &lost_fds);

    if (size <= 0)
        return (int)size;
    if ((size_t)size < sizeof(parcel.head) || parcel.head.magic != WIRE_MAGIC ||
        parcel.head.version != WIRE_VERSION || parcel.head.count == 0 ||
        parcel.head.count > HANDOFF_BATCH) {
        close_fds(parcel.fds, parcel.fd_count);
        return -EPROTO;
    }
    *batch = (struct wire_batch){.sequence = parcel.head.sequence, .count = parcel.head.count};
    if (is_consistent(&parcel, (size_t)size - sizeof(parcel.head), lost_fds)) {
        read_records(batch, &parcel, bodies);
    } else {
        close_fds(parcel.fds, parcel.fd_count);
        mark_damaged(batch, lost_fds ? -EMFILE : -EBADMSG);
    }
    return 1;
}

int wire_receive_answer(int fd, struct wire_answer *answer)
{
    struct answer_head head;
    ssize_t size = recv(fd, &head, sizeof(head), MSG_DONTWAIT | MSG_TRUNC); /* its whole length */

    if (size < 0)
        return -errno;
    if (size == 0)
        return 0;
    if (size != sizeof(head) || head.magic != WIRE_MAGIC || head.version != WIRE_VERSION ||
        head.count > HANDOFF_BATCH)
        return -EPROTO;
    *answer =
        (struct wire_answer){.sequence = head.sequence, .room = head.room, .count = head.count};
    memcpy(answer->status, head.status, sizeof(answer->status));
    return 1;
}
