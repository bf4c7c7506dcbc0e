/* SPDX-License-Identifier: MIT
 *
 * What the tests of the channel share.
 */
#include "ipc_fixture.h"

#include <ev.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static void forget(struct pair *pair, struct ipc *ipc)
{
    if (pair->near == ipc)
        pair->near = NULL;
    else
        pair->far = NULL;
    ipc_free(ipc);
}

static void on_frame(struct ipc *ipc, const struct ipc_frame *frame, void *user)
{
    struct pair *pair = user;
    struct seen *seen = ipc == pair->near ? &pair->near_seen : &pair->far_seen;

    assert_int_equal(seen->closes, 0);
    seen->frames++;
    seen->type = frame->type;
    seen->size = frame->size;
    seen->fd_count = frame->fd_count;
    memcpy(seen->bytes, frame->payload,
           frame->size < sizeof(seen->bytes) ? frame->size : sizeof(seen->bytes));
    for (size_t i = 0; i < frame->fd_count; i++)
        seen->fds[i] = frame->fds[i];
    if (seen->free_on_frame)
        forget(pair, ipc);
}

static void on_close(struct ipc *ipc, int error, void *user)
{
    struct pair *pair = user;
    struct seen *seen = ipc == pair->near ? &pair->near_seen : &pair->far_seen;

    seen->closes++;
    seen->error = error;
    if (seen->free_on_close)
        forget(pair, ipc);
}

static const struct ipc_events events = {.on_frame = on_frame, .on_close = on_close};

int open_pair(void **state)
{
    struct pair *pair = calloc(1, sizeof(*pair));
    int fds[2];

    pair->loop = ev_loop_new(EVFLAG_NOENV | EVBACKEND_EPOLL);
    assert_int_equal(ipc_pair(fds), 0);
    pair->raw = -1;
    pair->near = ipc_new(pair->loop, fds[0], &events, pair);
    pair->far = ipc_new(pair->loop, fds[1], &events, pair);
    *state = pair;
    return 0;
}

int open_half(void **state)
{
    struct pair *pair = calloc(1, sizeof(*pair));
    int fds[2];

    pair->loop = ev_loop_new(EVFLAG_NOENV | EVBACKEND_EPOLL);
    assert_int_equal(ipc_pair(fds), 0);
    pair->near = ipc_new(pair->loop, fds[0], &events, pair);
    pair->raw = fds[1];
    *state = pair;
    return 0;
}

int close_pair(void **state)
{
    struct pair *pair = *state;

    ipc_free(pair->near);
    ipc_free(pair->far);
    if (pair->raw >= 0)
        (void)close(pair->raw);
    ev_loop_destroy(pair->loop);
    free(pair);
    return 0;
}

void settle(struct pair *pair)
{
    for (unsigned i = 0; i < 100; i++)
        ev_run(pair->loop, EVRUN_NOWAIT);
}

unsigned open_descriptors(void)
{
    unsigned count = 0;

    for (int fd = 0; fd < 1024; fd++)
        count += fcntl(fd, F_GETFD) >= 0;
    return count;
}

unsigned send_until_queued(struct pair *pair)
{
    static char payload[60000];
    unsigned number = 0;
    int result;

    do
        result = ipc_send(pair->near, number++, payload, sizeof(payload), NULL, 0);
    while (result == 0);
    assert_int_equal(result, 1);
    return number;
}
