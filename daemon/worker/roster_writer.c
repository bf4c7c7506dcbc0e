/* SPDX-License-Identifier: MIT
 *
 * A row for each connection of a walk.
 */
#include "roster_writer.h"

#include <errno.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <prong/socket.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "config.h"
#include "connection.h"
#include "inheritance.h"
#include "message.h"
#include "roster.h"
#include "service.h"
#include "unsent.h"
#include "worker_internal.h"

/* Rows that are written with one call. */
#define BATCH 256

struct writer {
    struct worker *worker;
    uint64_t ticket;
    int fd;
    int error;
    struct roster_head head;
    size_t used; /* of `rows`, which are not written yet */
    struct roster_row rows[BATCH];
};

/* --- Rows --- */

static enum roster_state state_of(struct prong_socket *socket, uint64_t queued)
{
    if (connection_of(socket)->state == CONNECTION_DRAINING)
        return ROSTER_DRAINING;
    if (prong_socket_state(socket) == PRONG_SOCKET_ENDING)
        return ROSTER_ENDING;
    if (prong_socket_has_ended(socket))
        return ROSTER_HALF_OPEN;
    if (queued > 0)
        return ROSTER_BLOCKED;
    return prong_socket_is_paused(socket) ? ROSTER_PAUSED : ROSTER_OPEN;
}

/* The kernel knows it of TCP, and nobody needs to note it with each byte. */
static uint32_t idle_ms(const struct prong_socket *socket)
{
    struct tcp_info info;
    socklen_t size = sizeof(info);

    if (getsockopt(prong_socket_fd(socket), IPPROTO_TCP, TCP_INFO, &info, &size) < 0)
        return ROSTER_IDLE_UNKNOWN;
    return info.tcpi_last_data_recv < info.tcpi_last_data_sent ? info.tcpi_last_data_recv
                                                               : info.tcpi_last_data_sent;
}

static void describe_peer(struct roster_row *row, const struct prong_socket *socket)
{
    struct prong_address peer = {.family = AF_UNIX};

    (void)prong_socket_remote(socket, &peer);
    row->family = (uint8_t)peer.family;
    row->port = peer.port;
    row->scope = peer.scope;
    memcpy(row->ip, peer.ip, sizeof(row->ip));
}

static struct roster_row describe(struct prong_socket *socket, size_t server,
                                  const struct service *service)
{
    const struct prongd_handler *handler = service->handler;
    const struct connection *connection = connection_of(socket);
    const struct unsent unsent = unsent_of(service, socket);
    uint64_t queued = unsent.bytes[UNSENT_CLIENT] + unsent.bytes[UNSENT_COMPANIONS];
    struct roster_row row = {
        .id = connection->id,
        .bytes_read = prong_socket_bytes_read(socket),
        .bytes_written = prong_socket_bytes_written(socket),
        .queued = queued,
        .queued_upstream = unsent.bytes[UNSENT_COMPANIONS],
        .age_ds = (uint32_t)(connection_age_ms(connection) / 100),
        .idle_ms = idle_ms(socket),
        .state = (uint8_t)state_of(socket, queued),
        .server = (uint16_t)server,
        .moves = connection->moves,
    };

    describe_peer(&row, socket);
    if (handler->describe != NULL)
        (void)handler->describe(socket, row.text, sizeof(row.text));
    return row;
}

/* --- The file --- */

static void put(struct writer *writer, const void *bytes, size_t size, uint64_t offset)
{
    ssize_t written;

    if (writer->error < 0)
        return;
    written = pwrite(writer->fd, bytes, size, (off_t)offset);
    if (written != (ssize_t)size)
        writer->error = written < 0 ? -errno : -ENOSPC;
}

static void flush(void *user)
{
    struct writer *writer = user;

    put(writer, writer->rows, writer->used * sizeof(writer->rows[0]),
        writer->head.head_size + writer->head.row_count * sizeof(writer->rows[0]));
    writer->head.row_count += writer->used;
    writer->used = 0;
}

/* One that is refused, or not here yet, is no connection of ours. */
static bool visit(struct prong_socket *socket, size_t server, void *user)
{
    struct writer *writer = user;
    uint8_t state = connection_of(socket)->state;

    if (state != CONNECTION_SERVING && state != CONNECTION_DRAINING)
        return true;
    if (writer->used == BATCH)
        flush(writer);
    writer->rows[writer->used++] = describe(socket, server, &writer->worker->services[server]);
    return writer->error == 0;
}

static void put_head(struct writer *writer)
{
    const struct worker *worker = writer->worker;
    struct roster_server server;

    for (size_t i = 0; i < worker->service_count; i++) {
        memset(&server, 0, sizeof(server));
        (void)snprintf(server.name, sizeof(server.name), "%s", worker->services[i].config->name);
        put(writer, &server, sizeof(server), sizeof(writer->head) + i * sizeof(server));
    }
    put(writer, &writer->head, sizeof(writer->head), 0);
}

/* --- The answer --- */

static void answer(struct worker *worker, uint64_t ticket, int error, int fd)
{
    struct message_told told = {.ticket = ticket, .error = error};

    if (worker->channel != NULL)
        (void)ipc_send(worker->channel, MESSAGE_TOLD, &told, sizeof(told), &fd, error == 0 ? 1 : 0);
}

/* A worker that ends tells nothing: the master sees that it is gone. */
static void on_end(bool is_whole, void *user)
{
    struct writer *writer = user;

    flush(writer);
    put_head(writer);
    if (is_whole || writer->error < 0)
        answer(writer->worker, writer->ticket, writer->error, writer->fd);
    close(writer->fd);
    free(writer);
}

static const struct walk_events events = {.visit = visit, .on_slice = flush, .on_end = on_end};

static struct writer *new_writer(struct worker *worker, uint64_t ticket)
{
    struct writer *writer = calloc(1, sizeof(*writer));

    if (writer == NULL)
        return NULL;
    writer->worker = worker;
    writer->ticket = ticket;
    writer->head = (struct roster_head){
        .magic = ROSTER_MAGIC,
        .version = ROSTER_VERSION,
        .head_size = (uint32_t)(sizeof(struct roster_head) +
                                worker->service_count * sizeof(struct roster_server)),
        .row_size = sizeof(struct roster_row),
        .server_count = (uint32_t)worker->service_count,
        .generation = worker->inheritance->generation,
        .slot = worker->inheritance->slot,
        .pid = (uint32_t)getpid(),
    };
    writer->fd = memfd_create("prongd-roster", MFD_CLOEXEC);
    if (writer->fd >= 0)
        return writer;
    free(writer);
    return NULL;
}

void roster_writer_start(struct worker *worker, uint64_t ticket)
{
    struct writer *writer = new_writer(worker, ticket);

    if (writer == NULL) {
        answer(worker, ticket, -ENOMEM, -1);
    } else if (walk_start(&worker->walks, &events, writer) < 0) {
        answer(worker, ticket, -ENOMEM, -1);
        close(writer->fd);
        free(writer);
    }
}
