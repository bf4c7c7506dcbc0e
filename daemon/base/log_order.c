/* SPDX-License-Identifier: MIT
 *
 * A function for each message about the log.
 */
#include "log_order.h"

#include <fcntl.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "ipc.h"
#include "log.h"
#include "message.h"

/* The master opened it: a child may not be allowed to. */
static void reopen(const struct ipc_frame *frame)
{
    if (frame->fd_count == 1)
        log_adopt_file(fcntl(frame->fds[0], F_DUPFD_CLOEXEC, 0));
}

static void set_level(const struct ipc_frame *frame)
{
    uint32_t level;

    if (frame->size != sizeof(level))
        return;
    memcpy(&level, frame->payload, sizeof(level));
    if (level <= LOG_LEVEL_DEBUG)
        log_set_level((enum log_level)level);
}

static void set_format(const struct ipc_frame *frame)
{
    uint32_t format;

    if (frame->size != sizeof(format))
        return;
    memcpy(&format, frame->payload, sizeof(format));
    if (format <= LOG_FORMAT_JSON)
        log_set_format((enum log_format)format);
}

static void set_target(const struct ipc_frame *frame)
{
    const char *name = frame->payload;

    if (frame->fd_count == 1)
        log_take_file(fcntl(frame->fds[0], F_DUPFD_CLOEXEC, 0));
    else if (frame->size > 0 && name[frame->size - 1] == '\0')
        (void)log_open(name, log_level());
}

static void (*const orders[MESSAGE_COUNT])(const struct ipc_frame *frame) = {
    [MESSAGE_LOG_REOPEN] = reopen,
    [MESSAGE_LOG_LEVEL] = set_level,
    [MESSAGE_LOG_FORMAT] = set_format,
    [MESSAGE_LOG_TARGET] = set_target,
};

bool log_order(const struct ipc_frame *frame)
{
    if (frame->type >= MESSAGE_COUNT || orders[frame->type] == NULL)
        return false;
    orders[frame->type](frame);
    return true;
}
