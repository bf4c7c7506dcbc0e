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

/* UNKNOWN: its time is not over, or it has a deadline of its own (greeting.h). */
static enum access_end reason_to_close(const struct config_server *config,
                                       struct prong_socket *socket)
{
    uint64_t age_ms = connection_age_ms(connection_of(socket));

    if (connection_of(socket)->state == CONNECTION_GREETING)
        return ACCESS_END_UNKNOWN;
    if (config->lifetime_ms > 0 && age_ms >= config->lifetime_ms)
        return ACCESS_END_LIFETIME;
    if (config->first_byte_timeout_ms > 0 && age_ms >= config->first_byte_timeout_ms &&
        prong_socket_bytes_read(socket) == 0)
        return ACCESS_END_FIRST_BYTE;
    return ACCESS_END_UNKNOWN;
}

static bool check_one(struct prong_socket *socket, void *user)
{
    const struct service *service = user;
    enum access_end end = reason_to_close(service->config, socket);

    if (end == ACCESS_END_UNKNOWN || prong_socket_state(socket) >= PRONG_SOCKET_CLOSING)
        return true;
    prongd_log(socket, PRONGD_LOG_INFO, "client timed out reason=%s", access_end_reason(end));
    access_note(socket, end);
    prong_socket_destroy(socket, 0);
    return true;
}

void deadline_check(struct service *service)
{
    if (service->config->lifetime_ms > 0 || service->config->first_byte_timeout_ms > 0)
        service_each_connection(service, check_one, service);
}
