/* SPDX-License-Identifier: MIT
 *
 * From a connection to a line.
 */
#include "access.h"

#include <errno.h>
#include <prong/error.h>
#include <prong/server.h>
#include <prong/socket.h>
#include <prongd/handler.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "access_format.h"
#include "access_log.h"
#include "config.h"
#include "connection.h"
#include "record.h"
#include "service.h"
#include "trail.h"

/* What a handler may add to a line. */
#define FIELDS_SIZE 1024

struct access {
    struct access_log *log;
    bool describes;      /* the handler adds something, and the format wants it */
    enum access_end all; /* all end now: why; UNKNOWN: they do not */

    /* Of the connection whose on_close is running; the library closes one after another. */
    int error;
    char fields[FIELDS_SIZE];
};

static struct service *service_of(const struct prong_socket *socket)
{
    return prong_server_user(prong_socket_server(socket));
}

static uint64_t now_ms(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

/* --- Life --- */

int access_open(struct service *service, struct ev_loop *loop, int fd)
{
    const struct access_log_plan plan = {.loop = loop,
                                         .server = service->config->name,
                                         .target = service->config->access_log,
                                         .format = service->config->access_format,
                                         .fd = fd};
    struct access *access;

    if (!config_has_access_log(service->config))
        return 0;
    access = calloc(1, sizeof(*access));
    if (access == NULL) {
        if (fd >= 0)
            close(fd);
        return -ENOMEM;
    }
    service->access = access;
    access->log = access_log_new(&plan);
    if (access->log == NULL)
        return -ENOMEM;
    access->describes = service->handler->describe != NULL && access_log_wants_fields(access->log);
    return 0;
}

void access_close(struct service *service)
{
    if (service->access == NULL)
        return;
    access_log_free(service->access->log);
    free(service->access);
    service->access = NULL;
}

void access_reopen(struct service *service, int fd)
{
    if (service->access != NULL)
        access_log_adopt(service->access->log, fd);
    else
        close(fd);
}

unsigned long long access_lost(const struct service *service)
{
    return service->access != NULL ? access_log_lost(service->access->log) : 0;
}

/* --- Notes --- */

void access_opened(struct service *service, struct prong_socket *socket)
{
    struct trail *trail = trail_of(service, socket);

    if (trail != NULL)
        trail->opened_ms = now_ms();
}

/* Also where there is no log. */
static void count(struct service *service, enum access_end end)
{
    if (end >= ACCESS_FIRST_CUT && end < ACCESS_FIRST_CUT + ACCESS_CUTS)
        service->cuts[end - ACCESS_FIRST_CUT]++;
}

void access_note(struct prong_socket *socket, enum access_end end)
{
    struct service *service = service_of(socket);
    struct trail *trail = trail_of(service, socket);

    count(service, end);
    if (trail == NULL)
        return;
    if (trail->end == ACCESS_END_UNKNOWN || trail->end == ACCESS_END_CLIENT)
        trail->end = end;
}

void access_note_all(struct service *service, enum access_end end)
{
    if (service->access != NULL)
        service->access->all = end;
}

void access_note_error(struct service *service, int code)
{
    count(service, access_end_of_error(code));
    if (service->access != NULL)
        service->access->error = code;
}

void access_describe(struct service *service, struct prong_socket *socket)
{
    struct access *access = service->access;
    size_t length;

    if (access == NULL || !access->describes || connection_of(socket)->state == CONNECTION_NEW)
        return;
    length = service->handler->describe(socket, access->fields, sizeof(access->fields));
    access->fields[length < sizeof(access->fields) ? length : sizeof(access->fields) - 1] = '\0';
}

/* --- Lines --- */

static void describe_end(const struct access *access, const struct trail *trail,
                         struct access_event *event)
{
    event->end = (enum access_end)trail->end;
    if (event->end > ACCESS_END_CLIENT)
        return;
    if (access->all != ACCESS_END_UNKNOWN)
        event->end = access->all;
    else if (access->error < 0)
        event->end = access_end_of_error(access->error);
    else if (event->end == ACCESS_END_UNKNOWN)
        event->end = ACCESS_END_HANDLER;
    if (event->end == ACCESS_END_ERROR || event->end == ACCESS_END_RESET)
        event->reason = prong_error_name(access->error);
}

static void describe_steps(const struct connection *connection, const struct trail *trail,
                           struct access_step steps[TRAIL_STEPS], struct access_event *event)
{
    for (size_t i = 0; i < trail->step_count; i++)
        steps[i] = (struct access_step){
            .generation = trail->steps[i].generation,
            .slot = trail->steps[i].slot,
            .age_ms = (uint64_t)(trail->steps[i].at_ds - connection->opened_ds) * 100};
    event->moves = connection->moves;
    event->steps = steps;
    event->step_count = trail->step_count;
}

/* Of those that were opened without a log the beginning is known to a tenth of a second. */
static uint64_t duration_ms(const struct connection *connection, const struct trail *trail)
{
    uint64_t now = now_ms();
    uint64_t opened =
        trail->opened_ms != 0 ? trail->opened_ms : (uint64_t)connection->opened_ds * 100;

    return now > opened ? now - opened : 0;
}

/* What every line has. */
static struct access_event event_of(const struct service *service)
{
    return (struct access_event){
        .server = service->config->name,
        .handler = service->handler->name,
        .generation = service->generation,
        .slot = service->slot,
        .fields = "",
    };
}

void access_write(struct service *service, struct prong_socket *socket)
{
    struct access *access = service->access;
    const struct connection *connection = connection_of(socket);
    struct access_step steps[TRAIL_STEPS];
    struct prong_address client = {0}, local = {0};
    struct access_event event;
    const struct trail *trail;

    if (access == NULL)
        return;
    trail = trail_of(service, socket);
    event = event_of(service);
    event.id = connection->id;
    (void)prong_socket_remote(socket, &client);
    (void)prong_socket_local(socket, &local);
    event.client = &client;
    event.local = &local;
    event.bytes_in = prong_socket_bytes_read(socket);
    event.bytes_out = prong_socket_bytes_written(socket);
    event.duration_ms = duration_ms(connection, trail);
    event.fields = access->fields;
    describe_end(access, trail, &event);
    describe_steps(connection, trail, steps, &event);
    access_log_write(access->log, &event);
    access->error = 0;
    access->fields[0] = '\0';
}

/* --- Clients that were refused --- */

static void write_refusal(struct service *service, const struct prong_address *client,
                          const struct prong_address *local, enum drop_reason reason)
{
    struct access_event event = event_of(service);

    event.client = client;
    event.local = local;
    event.end = ACCESS_END_REFUSED;
    event.reason = drop_reason_name(reason);
    access_log_write(service->access->log, &event);
}

static bool tells_refusals(const struct service *service)
{
    return service->access != NULL && service->config->access_refused;
}

void access_refused(struct service *service, struct prong_socket *socket, enum drop_reason reason)
{
    struct prong_address client = {0}, local = {0};

    if (!tells_refusals(service))
        return;
    (void)prong_socket_remote(socket, &client);
    (void)prong_socket_local(socket, &local);
    write_refusal(service, &client, &local, reason);
}

void access_dropped(struct service *service, const struct prong_drop *drop, enum drop_reason reason)
{
    if (tells_refusals(service))
        write_refusal(service, &drop->remote, &drop->local, reason);
}

/* --- Moves --- */

void access_leave(const struct service *service, struct prong_socket *socket, struct record *record)
{
    const struct trail_step step = {.generation = (uint32_t)service->generation,
                                    .slot = service->slot,
                                    .at_ds = (uint32_t)(now_ms() / 100)};

    const struct trail *trail = trail_of(service, socket);

    record->trail = trail != NULL ? *trail : (struct trail){.opened_ms = 0};
    trail_add(&record->trail, &step);
}

void access_arrive(const struct service *service, struct prong_socket *socket,
                   const struct record *record)
{
    struct trail *trail = trail_of(service, socket);

    if (trail != NULL)
        *trail = record->trail;
}
