/* SPDX-License-Identifier: MIT
 *
 * What one worker reads of another: records from bytes, and batches from messages.  What is
 * accepted is written the same again; whatever comes, no descriptor and no byte of memory is left.
 */
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "handoff_wire.h"
#include "record.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

/* The most descriptors that come beside a message. */
#define MOST_FDS 4

static int new_fd(void)
{
    int fd = open("/dev/null", O_RDWR | O_CLOEXEC);

    assert(fd >= 0);
    return fd;
}

/* The lowest that is free: the same before and after, when nothing is left open. */
static int lowest_fd(void)
{
    int fd = new_fd();

    close(fd);
    return fd;
}

static int decode_with(struct record *record, const uint8_t *bytes, size_t size, const int *fds,
                       size_t fd_count)
{
    struct record_bytes all = {.bytes = bytes, .size = size, .fds = fds, .fd_count = fd_count};

    return record_decode(record, &all);
}

/* What is behind the end of a name is not kept; but what was written once is written so again. */
static void check_encoding(struct record *record)
{
    size_t size, again_size;
    uint8_t *bytes = record_encode(record, &size), *again;
    size_t fd_count = 1 + record->companion_count;
    int fds[RECORD_FDS_MAX];
    struct record copy;

    for (size_t i = 0; i < fd_count; i++)
        fds[i] = new_fd();
    assert(bytes != NULL);
    assert(decode_with(&copy, bytes, size, fds, fd_count) == 0);
    again = record_encode(&copy, &again_size);
    assert(again != NULL && again_size == size && memcmp(again, bytes, size) == 0);
    record_clear(&copy);
    free(again);
    free(bytes);
}

/* With one descriptor, with one more for a companion, and so on. */
static void decode(const uint8_t *bytes, size_t size)
{
    for (size_t fd_count = 1; fd_count <= MOST_FDS; fd_count++) {
        struct record record;
        int fds[MOST_FDS];

        for (size_t i = 0; i < fd_count; i++)
            fds[i] = new_fd();
        if (decode_with(&record, bytes, size, fds, fd_count) == 0) {
            check_encoding(&record);
            record_clear(&record);
            continue;
        }
        for (size_t i = 0; i < fd_count; i++)
            assert(close(fds[i]) == 0);
    }
}

/* The version in front is made right, so that the corpus outlives it. */
static void decode_as_current(const uint8_t *bytes, size_t size)
{
    const struct record empty = {.image = {.fd = -1}};
    uint8_t *copy = malloc(size), *current;
    size_t current_size;

    current = record_encode(&empty, &current_size);
    assert(copy != NULL && current != NULL && current_size >= sizeof(uint32_t));
    memcpy(copy, bytes, size);
    memcpy(copy, current, sizeof(uint32_t));
    decode(copy, size);
    free(current);
    free(copy);
}

/* As one message; the first byte says how many descriptors come beside it. */
static void receive(const uint8_t *bytes, size_t size)
{
    size_t count = bytes[0] % (MOST_FDS + 1);
    struct iovec piece = {.iov_base = (void *)(uintptr_t)(bytes + 1), .iov_len = size - 1};
    union {
        struct cmsghdr header;
        uint8_t room[CMSG_SPACE(sizeof(int[MOST_FDS]))];
    } control = {0};
    struct msghdr message = {.msg_iov = &piece, .msg_iovlen = 1};
    static struct wire_batch batch;
    int pair[2], fds[MOST_FDS];

    assert(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair) == 0);
    for (size_t i = 0; i < count; i++)
        fds[i] = new_fd();
    if (count > 0) {
        message.msg_control = &control;
        message.msg_controllen = CMSG_SPACE(count * sizeof(int));
        control.header.cmsg_level = SOL_SOCKET;
        control.header.cmsg_type = SCM_RIGHTS;
        control.header.cmsg_len = CMSG_LEN(count * sizeof(int));
        memcpy(CMSG_DATA(&control.header), fds, count * sizeof(int));
    }
    if (sendmsg(pair[0], &message, MSG_NOSIGNAL) >= 0 && wire_receive_batch(pair[1], &batch) == 1) {
        for (size_t i = 0; i < batch.count; i++) {
            if (batch.damage[i] == 0)
                record_clear(&batch.records[i]);
        }
    }
    for (size_t i = 0; i < count; i++)
        close(fds[i]);
    close(pair[0]);
    close(pair[1]);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    int lowest = lowest_fd();

    decode(bytes, size);
    if (size >= sizeof(uint32_t))
        decode_as_current(bytes, size);
    if (size >= 2)
        receive(bytes, size);
    assert(lowest_fd() == lowest);
    return 0;
}
