/* SPDX-License-Identifier: MIT
 *
 * From a worker to a keeper: a connection leaves as it would for another worker, and its descriptor
 * goes with one message.
 */
#include "host.h"

#include <errno.h>
#include <poll.h>
#include <prong/server.h>
#include <prong/socket.h>

#include "config.h"
#include "connection.h"
#include "ipc_wire.h"
#include "log.h"
#include "message.h"
#include "record.h"
#include "service.h"

int host_keeper(const struct prongd_service *service)
{
    return ((const struct service *)service)->keeper_fd;
}

/* The socket to the keeper is writable while no more than a quarter of its buffer is in use: what
 * all workers send at once fits into the rest. */
static bool takes(int keeper_fd)
{
    struct pollfd poll_fd = {.fd = keeper_fd, .events = POLLOUT};

    return poll(&poll_fd, 1, 0) == 1 && (poll_fd.revents & POLLOUT) != 0;
}

/* Came from another worker, which may still take it back. */
static bool is_on_its_way(const struct connection *connection)
{
    return connection->state == CONNECTION_ADMITTED && connection->moves > 0;
}

static int send_run(const struct service *service, const struct record *record,
                    const struct message_run *run)
{
    const struct ipc_frame frame = {.type = MESSAGE_RUN,
                                    .payload = run,
                                    .size = sizeof(*run),
                                    .fds = &record->image.fd,
                                    .fd_count = 1};

    return ipc_wire_send(service->keeper_fd, &frame);
}

int host_give(struct prong_socket *socket)
{
    const struct service *service = prong_server_user(prong_socket_server(socket));
    struct message_run run = {.connection = connection_of(socket)->id};
    struct record record;
    int error;

    if (is_on_its_way(connection_of(socket)))
        return -EBUSY;
    if (!takes(service->keeper_fd))
        return -EAGAIN;
    (void)prong_socket_local(socket, &run.local);
    (void)prong_socket_remote(socket, &run.remote);
    error = connection_leave(socket, &record);
    if (error < 0)
        return error;
    error = send_run(service, &record, &run);
    if (error < 0)
        log_code(LOG_LEVEL_ERROR, error, "client lost: the keeper cannot be reached server=%s",
                 service->config->name);
    record_clear(&record);
    return 0;
}
