/* SPDX-License-Identifier: MIT
 *
 * exec: a program for each connection, as inetd and tcpserver have it.
 *
 * The worker only accepts: it gives the connection to the server's keeper (daemon/keeper/), which
 * runs the program.  While the keeper does not take any, because it runs as many programs as it
 * may, connections wait here, unread, in the order in which they came.
 */
#include <errno.h>
#include <ev.h>
#include <prong/loop.h>
#include <prong/socket.h>
#include <stdlib.h>

#include "exec_options.h"
#include "exec_rows.h"
#include "host.h"
#include "table.h"

/* A connection that waits. */
struct exec {
    struct prong_socket *socket; /* NULL: it does not wait */
    struct exec *previous, *next;
    struct exec_queue *queue;
};

/* Of a service in this worker. */
struct exec_queue {
    struct exec *first, *last;
    struct ev_loop *loop;
    ev_io writable; /* the keeper takes one; runs while somebody waits */
    ev_timer pause; /* before the first is tried again that could not go yet */
};

/* Given in one turn of the loop. */
#define BATCH 16

/* Before one that is on its way is tried again. */
#define PAUSE_S 0.02

/* --- The queue --- */

static void append(struct exec_queue *queue, struct exec *exec, struct prong_socket *socket)
{
    exec->socket = socket;
    exec->queue = queue;
    exec->previous = queue->last;
    exec->next = NULL;
    if (queue->last != NULL)
        queue->last->next = exec;
    else
        queue->first = exec;
    queue->last = exec;
    if (!ev_is_active(&queue->pause))
        ev_io_start(queue->loop, &queue->writable);
}

/* Harmless on one that does not wait. */
static void take_out(struct exec *exec)
{
    struct exec_queue *queue = exec->queue;

    if (exec->socket == NULL)
        return;
    exec->socket = NULL;
    if (exec->previous != NULL)
        exec->previous->next = exec->next;
    else
        queue->first = exec->next;
    if (exec->next != NULL)
        exec->next->previous = exec->previous;
    else
        queue->last = exec->previous;
    if (queue->first == NULL) {
        ev_io_stop(queue->loop, &queue->writable);
        ev_timer_stop(queue->loop, &queue->pause);
    }
}

static struct exec_queue *queue_of(struct prong_socket *socket)
{
    return prongd_service_user(prongd_service(socket));
}

/* What has arrived stays in the kernel, for the program. */
static void wait_in_line(struct prong_socket *socket)
{
    prong_socket_pause(socket);
    append(queue_of(socket), prongd_state(socket), socket);
}

static void pause_queue(struct exec_queue *queue)
{
    ev_io_stop(queue->loop, &queue->writable);
    ev_timer_start(queue->loop, &queue->pause);
}

static void on_writable(struct ev_loop *loop, ev_io *io, int revents)
{
    struct exec_queue *queue = io->data;

    (void)loop;
    (void)revents;
    for (unsigned i = 0; i < BATCH && queue->first != NULL; i++) {
        struct exec *exec = queue->first;
        struct prong_socket *socket = exec->socket;
        int error = host_give(socket);

        if (error == -EBUSY)
            pause_queue(queue);
        if (error == -EBUSY || error == -EAGAIN)
            return;
        if (error < 0) {
            take_out(exec);
            prong_socket_destroy(socket, error);
        }
    }
}

static void on_pause(struct ev_loop *loop, ev_timer *timer, int revents)
{
    struct exec_queue *queue = timer->data;

    (void)revents;
    ev_io_start(loop, &queue->writable);
}

/* --- The handler --- */

static void on_connection(struct prong_socket *socket)
{
    int error = queue_of(socket)->first != NULL ? -EAGAIN : host_give(socket);

    if (error == -EAGAIN)
        wait_in_line(socket);
    else if (error < 0)
        prong_socket_destroy(socket, error);
}

static void on_close(struct prong_socket *socket, bool had_error)
{
    (void)had_error;
    take_out(prongd_state(socket));
}

static void on_leave(void *state)
{
    take_out(state);
}

/* One that waits has nothing but its place in the line, and gets another one. */
static long save(struct prong_socket *socket, void *bytes, size_t size)
{
    (void)socket;
    (void)bytes;
    (void)size;
    return 0;
}

static int restore(struct prong_socket *socket, const void *bytes, size_t size, uint32_t version)
{
    (void)bytes;
    (void)version;
    if (size > 0)
        return -EPROTO;
    wait_in_line(socket);
    return 0;
}

static int start(struct prongd_service *service)
{
    struct exec_queue *queue = calloc(1, sizeof(*queue));
    int keeper = host_keeper(service);

    if (queue == NULL || keeper < 0) {
        free(queue);
        return queue == NULL ? -ENOMEM : -ENOENT;
    }
    queue->loop = prong_loop_ev(prongd_loop(service));
    ev_io_init(&queue->writable, on_writable, keeper, EV_WRITE);
    ev_timer_init(&queue->pause, on_pause, PAUSE_S, 0.);
    queue->writable.data = queue->pause.data = queue;
    prongd_service_set_user(service, queue);
    return 0;
}

static void stop(struct prongd_service *service)
{
    struct exec_queue *queue = prongd_service_user(service);

    ev_io_stop(queue->loop, &queue->writable);
    ev_timer_stop(queue->loop, &queue->pause);
    free(queue);
}

const struct prongd_handler exec_handler = {
    .abi = PRONGD_HANDLER_ABI,
    .size = sizeof(struct prongd_handler),
    .name = EXEC_HANDLER,
    .help = "Runs a program for each connection, with the client on its standard input and output.",
    .options = exec_rows,
    .option_count = EXEC_ROWS,
    .config_size = sizeof(struct exec_options),
    .state_size = sizeof(struct exec),
    .events = {.on_close = on_close},
    .on_connection = on_connection,
    .save = save,
    .restore = restore,
    .on_leave = on_leave,
    .start = start,
    .stop = stop,
};
