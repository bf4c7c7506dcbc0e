/* SPDX-License-Identifier: MIT
 *
 * Frames that leave.
 */
#include <prong/framing.h>
#include <prong/socket.h>

#include "frame.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

/* Would the peer find the end of the line inside of it?  A CR at its end may be taken for part of
 * the mark. */
static bool has_line_end(enum prong_framing_kind kind, const uint8_t *bytes, size_t size)
{
    if (size == 0)
        return false;
    if (kind == PRONG_FRAMING_LINE && bytes[size - 1] == '\r')
        return true;
    if (kind != PRONG_FRAMING_CRLF)
        return memchr(bytes, '\n', size) != NULL;
    return memmem(bytes, size, "\r\n", 2) != NULL;
}

static int check(const struct prong_framing_options *options, const uint8_t *bytes, size_t size)
{
    if (options->kind == PRONG_FRAMING_FIXED)
        return size == options->limit_bytes ? 0 : -EINVAL;
    if (size > options->limit_bytes)
        return -EMSGSIZE;
    if (frame_is_line(options->kind) && has_line_end(options->kind, bytes, size))
        return -EINVAL;
    return 0;
}

int prong_framing_write(struct prong_socket *socket, const struct prong_framing_options *options,
                        const void *bytes, size_t size)
{
    uint8_t mark[FRAME_MARK_MAX];
    int error = check(options, bytes, size);
    int marked = error < 0 ? error : frame_mark(options->kind, size, mark);
    struct iovec body = {(void *)(uintptr_t)bytes, size};
    struct iovec pieces[2] = {{mark, 0}, {mark, 0}};

    if (marked < 0)
        return marked;
    pieces[0].iov_len = pieces[1].iov_len = (size_t)marked;
    pieces[frame_is_line(options->kind) ? 0 : 1] = body;
    return prong_socket_writev(socket, pieces, 2);
}
