/* SPDX-License-Identifier: MIT
 *
 * One look at each connection.
 */
#include "deadline.h"

#include <prong/socket.h>
#include <prongd/handler.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "access.h"
#include "config.h"
#include "connection.h"
#include "service.h"
#include "trail.h"

/* Bytes wait, and the kernel has taken none of them for too long: the client does not read. */
static bool has_stalled(const struct service *service, struct prong_socket *socket)
{
    uint64_t written = prong_socket_bytes_written(socket);
    struct trail *trail = trail_of(service, socket);
    uint32_t now_ds = connection_now_ds();

    if (service->config->write_timeout_ms == 0)
        return false;
    if (prong_socket_queue_bytes(socket) == 0) {
        trail->stalled_ds = 0;
        return false;
    }
    if (trail->stalled_ds == 0 || trail->stalled_at != written) {
        trail->stalled_ds = now_ds;
        trail->stalled_at = written;
    }
    return (uint64_t)(now_ds - trail->stalled_ds) * 100 >= service->config->write_timeout_ms;
}

/* UNKNOWN: its time is not over, or it has a deadline of its own (greeting.h). */
static enum access_end reason_to_close(const struct service *service, struct prong_socket *socket)
{
    const struct config_server *config = service->config;
    uint64_t age_ms = connection_age_ms(connection_of(socket));

    if (connection_of(socket)->state == CONNECTION_GREETING)
        return ACCESS_END_UNKNOWN;
    if (config->lifetime_ms > 0 && age_ms >= config->lifetime_ms)
        return ACCESS_END_LIFETIME;
    if (config->first_byte_timeout_ms > 0 && age_ms >= config->first_byte_timeout_ms &&
        prong_socket_bytes_read(socket) == 0)
        return ACCESS_END_FIRST_BYTE;
    return has_stalled(service, socket) ? ACCESS_END_STALL : ACCESS_END_UNKNOWN;
}

static void check(struct service *service, struct prong_socket *socket)
{
    enum access_end end = reason_to_close(service, socket);

    if (end == ACCESS_END_UNKNOWN || prong_socket_state(socket) >= PRONG_SOCKET_CLOSING)
        return;
    prongd_log(socket, PRONGD_LOG_INFO, "client timed out reason=%s", access_end_reason(end));
    access_note(socket, end);
    /* What one that does not read was sent last would stay in the kernel for minutes. */
    if (end != ACCESS_END_STALL || prong_socket_reset(socket) < 0)
        prong_socket_destroy(socket, 0);
}

static bool check_one(struct prong_socket *socket, void *user)
{
    check(user, socket);
    return true;
}

static bool has_deadlines(const struct config_server *config)
{
    return config->lifetime_ms > 0 || config->first_byte_timeout_ms > 0 ||
           config->write_timeout_ms > 0;
}

void deadline_check(struct service *service)
{
    if (has_deadlines(service->config))
        service_each_connection(service, check_one, service);
}

void deadline_check_arrival(struct service *service, struct prong_socket *socket)
{
    if (has_deadlines(service->config))
        check(service, socket);
}
