/* SPDX-License-Identifier: MIT
 *
 * What the handoffs of an exchange tell it: who arrives, who was taken, who comes back.
 */
#include "exchange_internal.h"

#include <errno.h>
#include <prong/socket.h>
#include <prongd/handler.h>

#include "channel.h"
#include "connection.h"
#include "handoff.h"
#include "log.h"
#include "record.h"
#include "service.h"

static struct service *find_service(const struct exchange *exchange, const struct record *record)
{
    for (size_t i = 0; i < exchange->place.service_count; i++) {
        if (service_serves(&exchange->place.services[i], record->server, record->handler))
            return &exchange->place.services[i];
    }
    return NULL;
}

static int on_record(struct record *record, void **connection, void *user)
{
    const struct channel *channel = user;
    struct service *service = find_service(channel->owner, record);
    struct prong_socket *socket;
    int error;

    if (service == NULL)
        return -ENOENT;
    error = connection_arrive(service, record, &socket);
    if (error == 0)
        *connection = socket;
    return error;
}

/* It was not answered, so it is still the giver's. */
static void on_discard(void *connection, void *user)
{
    (void)user;
    connection_discard(connection);
}

static void on_start(void *connection, void *user)
{
    struct exchange *exchange = ((struct channel *)user)->owner;

    connection_start(connection);
    /* A worker that leaves, too, passes on what reaches it meanwhile. */
    if (exchange->is_leaving)
        exchange_go_on(exchange);
}

/* What is left is shared by those who may send: none of them knows of the others.  A handler whose
 * connections have companions is taken to have one with each; where there are more, a batch may be
 * refused (-EMFILE), and is sent again later. */
static size_t room(void *user)
{
    const struct channel *channel = user;
    const struct exchange *exchange = channel->owner;
    size_t descriptors = service_descriptors();
    uint64_t used = 0;

    for (size_t i = 0; i < exchange->place.service_count; i++)
        used += service_connections(&exchange->place.services[i]) *
                (exchange->place.services[i].handler->companions != NULL ? 2 : 1);
    if (descriptors <= used)
        return 0;
    return (size_t)(descriptors - used) / (exchange->takers > 0 ? exchange->takers : 1);
}

/* It may be the one that was waited for. */
static void on_room(void *user)
{
    struct exchange *exchange = ((struct channel *)user)->owner;

    ev_timer_stop(exchange->place.ev, &exchange->ask_again);
    exchange_go_on(exchange);
}

static void on_taken(uint64_t id, void *user)
{
    const struct channel *channel = user;
    struct exchange *exchange = channel->owner;

    log_debug("connection moved connection=%llu generation=%llu slot=%u", (unsigned long long)id,
              (unsigned long long)channel->generation, channel->slot);
    exchange->result.moved++;
    exchange->result.departed += channel->generation != exchange->place.generation;
    exchange_go_on(exchange);
}

/* Its copy lives on here.  One that was refused stays for good. */
static void on_returned(struct record *record, int error, void *user)
{
    struct exchange *exchange = ((struct channel *)user)->owner;
    struct service *service = find_service(exchange, record);
    struct prong_socket *socket;
    int failure = service == NULL ? -ENOENT : connection_arrive(service, record, &socket);

    if (failure < 0) {
        log_code(LOG_LEVEL_ERROR, failure, "connection lost connection=%llu",
                 (unsigned long long)record->id);
        record_clear(record);
        return;
    }
    connection_start(socket);
    if (handoff_is_temporary(error))
        exchange->wanted += exchange->wanted < SIZE_MAX;
    else
        exchange_keep(exchange, socket);
    exchange_go_on(exchange);
}

static void on_channel_close(struct handoff *handoff, void *user)
{
    struct channel *channel = user;
    struct exchange *exchange = channel->owner;

    (void)handoff;
    exchange->takers -= !channel->is_giver;
    channel_remove(&exchange->channels, channel);
    exchange_go_on(exchange);
}

const struct handoff_events exchange_handoff_events = {
    .on_record = on_record,
    .on_start = on_start,
    .on_discard = on_discard,
    .room = room,
    .on_room = on_room,
    .on_taken = on_taken,
    .on_returned = on_returned,
    .on_close = on_channel_close,
};
