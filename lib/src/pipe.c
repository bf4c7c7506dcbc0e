/* SPDX-License-Identifier: MIT
 *
 * Pipes: two pointers, one in each socket.
 */
#include <prong/pipe.h>

#include "pipe_internal.h"
#include "socket_internal.h"

#include <errno.h>

static struct prong_socket *source_of(const struct prong_socket *target)
{
    return target->rare != NULL ? target->rare->piped_from : NULL;
}

static struct prong_socket *target_of(const struct prong_socket *source)
{
    return source->rare != NULL ? source->rare->piped_to : NULL;
}

/* The source reads on, unless it was not the pipe that paused it. */
static void stop_waiting(struct prong_socket *source)
{
    if (!source->rare->pipe_waits)
        return;
    source->rare->pipe_waits = false;
    prong_socket_resume(source);
}

static void wait_for_drain(struct prong_socket *source)
{
    source->rare->pipe_waits = true;
    prong_socket_pause(source);
}

static void disconnect(struct prong_socket *source)
{
    source->rare->piped_to->rare->piped_from = NULL;
    source->rare->piped_to = NULL;
    stop_waiting(source);
}

void pipe_feed(struct prong_socket *source, const void *bytes, size_t size)
{
    struct prong_socket *target = target_of(source);
    int result = prong_socket_write(target, bytes, size);

    if (result > 0)
        wait_for_drain(source);
    else if (result < 0) /* bytes are lost; when the target closes, the source does, too */
        prong_socket_destroy(target, result);
}

void pipe_end(struct prong_socket *source)
{
    struct prong_socket *target = target_of(source);

    if (target == NULL)
        return;
    disconnect(source);
    prong_socket_end(target);
}

void pipe_drain(struct prong_socket *target)
{
    if (source_of(target) != NULL)
        stop_waiting(source_of(target));
}

void pipe_leave(struct prong_socket *socket)
{
    if (source_of(socket) != NULL)
        disconnect(source_of(socket));
    if (target_of(socket) != NULL)
        disconnect(socket);
}

void pipe_break(struct prong_socket *socket)
{
    struct prong_socket *source = source_of(socket), *target = target_of(socket);

    pipe_leave(socket);
    if (source != NULL)
        prong_socket_destroy(source, socket->error);
    if (target != NULL)
        prong_socket_destroy(target, socket->error);
}

/* 0, or why they cannot be joined. */
static int refusal(const struct prong_socket *source, const struct prong_socket *target)
{
    if (source->state >= PRONG_SOCKET_CLOSING || target->state >= PRONG_SOCKET_CLOSING)
        return PRONG_EDESTROYED;
    if (source == target || loop_of(source) != loop_of(target) || source->end_delivered)
        return -EINVAL;
    if (target->state == PRONG_SOCKET_NEW)
        return -ENOTCONN;
    if (!prong_socket_is_writable(target))
        return PRONG_EENDED;
    return target_of(source) != NULL || source_of(target) != NULL ? -EALREADY : 0;
}

int prong_pipe(struct prong_socket *source, struct prong_socket *target)
{
    int error = refusal(source, target);

    if (error < 0)
        return error;
    if (socket_rare(source) == NULL || socket_rare(target) == NULL)
        return -ENOMEM;
    source->rare->piped_to = target;
    target->rare->piped_from = source;
    if (target->need_drain)
        wait_for_drain(source);
    else
        prong_socket_resume(source);
    return 0;
}

void prong_unpipe(struct prong_socket *source)
{
    if (target_of(source) != NULL)
        disconnect(source);
}
