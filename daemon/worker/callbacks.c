/* SPDX-License-Identifier: MIT
 *
 * A function for each callback.
 */
#include "callbacks.h"

#include <prong/server.h>
#include <prong/socket.h>
#include <prongd/handler.h>
#include <stdatomic.h>

#include "access.h"
#include "config.h"
#include "connection.h"
#include "pressure.h"
#include "service.h"

static struct service *service_of(const struct prong_socket *socket)
{
    return prong_server_user(prong_socket_server(socket));
}

void callbacks_note_service(const struct service *service, enum scoreboard_callback callback)
{
    struct scoreboard_worker *cell = service->worker_cell;

    atomic_store_explicit(&cell->callback_connection, 0, memory_order_relaxed);
    atomic_store_explicit(&cell->callback, callback, memory_order_relaxed);
}

void callbacks_note(struct prong_socket *socket, enum scoreboard_callback callback)
{
    struct scoreboard_worker *cell = service_of(socket)->worker_cell;

    atomic_store_explicit(&cell->callback_connection, connection_of(socket)->id,
                          memory_order_relaxed);
    atomic_store_explicit(&cell->callback, callback, memory_order_relaxed);
}

/* Notes it; the handler's own. */
static const struct prong_socket_events *enter(struct prong_socket *socket,
                                               enum scoreboard_callback callback)
{
    callbacks_note(socket, callback);
    return &service_of(socket)->handler->events;
}

static void on_data(struct prong_socket *socket, const void *bytes, size_t size)
{
    enter(socket, CALLBACK_DATA)->on_data(socket, bytes, size);
}

static void *on_buffer(struct prong_socket *socket, size_t *size)
{
    return enter(socket, CALLBACK_BUFFER)->on_buffer(socket, size);
}

static bool on_read(struct prong_socket *socket, void *bytes, size_t size)
{
    return enter(socket, CALLBACK_READ)->on_read(socket, bytes, size);
}

static void on_readable(struct prong_socket *socket)
{
    enter(socket, CALLBACK_READABLE)->on_readable(socket);
}

static void on_writable(struct prong_socket *socket)
{
    enter(socket, CALLBACK_WRITABLE)->on_writable(socket);
}

static void on_hangup(struct prong_socket *socket)
{
    access_note(socket, ACCESS_END_CLIENT);
    enter(socket, CALLBACK_HANGUP)->on_hangup(socket);
}

static void on_drain(struct prong_socket *socket)
{
    const struct prong_socket_events *own = enter(socket, CALLBACK_DRAIN);

    pressure_release(service_of(socket), socket);
    if (own->on_drain != NULL)
        own->on_drain(socket);
}

static void on_end(struct prong_socket *socket)
{
    const struct prong_socket_events *own = enter(socket, CALLBACK_END);

    if (!prong_socket_has_ended(socket))
        access_note(socket, ACCESS_END_CLIENT);
    if (own->on_end != NULL)
        own->on_end(socket);
}

/* The idle time, which nobody needs any more, becomes the time that is left for the client's end.
 * A shorter one stays; where the handler wanted to be half-open it decides itself. */
static void linger(struct prong_socket *socket)
{
    uint64_t linger_ms = service_of(socket)->config->linger_ms;
    uint32_t timeout_ms = prong_socket_timeout(socket);

    if (linger_ms > 0 && !prong_socket_allow_half_open(socket) &&
        prong_socket_is_readable(socket) && (timeout_ms == 0 || timeout_ms > linger_ms) &&
        prong_socket_set_timeout(socket, (uint32_t)linger_ms) < 0)
        prong_socket_destroy(socket, 0); /* memory is short: nobody would end it */
}

static void on_finish(struct prong_socket *socket)
{
    const struct prong_socket_events *own = enter(socket, CALLBACK_FINISH);

    pressure_release(service_of(socket), socket); /* the client's end is read again */
    linger(socket);
    if (own->on_finish != NULL)
        own->on_finish(socket);
}

/* Whatever the handler thinks of timeouts. */
static bool has_lingered(const struct prong_socket *socket)
{
    return service_of(socket)->config->linger_ms > 0 && prong_socket_has_finished(socket) &&
           !prong_socket_allow_half_open(socket);
}

static void time_out(struct prong_socket *socket, enum access_end end)
{
    prongd_log(socket, PRONGD_LOG_INFO, "client timed out reason=%s", access_end_reason(end));
    access_note(socket, end);
    prong_socket_destroy(socket, 0);
}

static void on_timeout(struct prong_socket *socket)
{
    const struct prong_socket_events *own = enter(socket, CALLBACK_TIMEOUT);
    enum prong_socket_state before = prong_socket_state(socket);

    if (has_lingered(socket)) {
        time_out(socket, ACCESS_END_LINGER);
    } else if (own->on_timeout == NULL) {
        time_out(socket, ACCESS_END_IDLE);
    } else {
        own->on_timeout(socket);
        if (prong_socket_state(socket) != before)
            access_note(socket, ACCESS_END_IDLE);
    }
}

static void on_error(struct prong_socket *socket, const struct prong_error_info *error)
{
    const struct prong_socket_events *own = enter(socket, CALLBACK_ERROR);

    service_of(socket)->failed++;
    access_note_error(service_of(socket), error->code);
    if (own->on_error != NULL)
        own->on_error(socket, error);
}

static void on_close(struct prong_socket *socket, bool had_error)
{
    const struct prong_socket_events *own = enter(socket, CALLBACK_CLOSE);

    access_describe(service_of(socket), socket);
    if (own->on_close != NULL)
        own->on_close(socket, had_error);
}

/* What the library does without a callback differs from what it does with one. */
#define WRAP(name) (own->name != NULL ? name : NULL)

void callbacks_wrap(struct prong_socket_events *events, const struct service *service)
{
    const struct prong_socket_events *own = &service->handler->events;
    bool is_logged = config_has_access_log(service->config);
    bool lingers = service->config->linger_ms > 0;

    *events = (struct prong_socket_events){
        .on_lookup = own->on_lookup,
        .on_attempt = own->on_attempt,
        .on_connect = own->on_connect,
        .on_data = WRAP(on_data),
        .on_buffer = WRAP(on_buffer),
        .on_read = WRAP(on_read),
        .on_readable = WRAP(on_readable),
        .on_writable = WRAP(on_writable),
        .on_hangup = WRAP(on_hangup),
        .on_drain = service->is_bounded ? on_drain : WRAP(on_drain),
        .on_end = is_logged ? on_end : WRAP(on_end),
        .on_finish = lingers || service->is_bounded ? on_finish : WRAP(on_finish),
        .on_timeout = on_timeout,
        .on_error = on_error,
        .on_close = is_logged ? on_close : WRAP(on_close),
    };
}
