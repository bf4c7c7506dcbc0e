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
#include "unsent.h"

/* Bytes wait for this side, and the kernel has taken none of them for too long: it does not read.
 */
static bool has_stalled(const struct service *service, struct trail *trail,
                        const struct unsent *unsent, enum unsent_side side)
{
    uint32_t now_ds = connection_now_ds();

    if (unsent->bytes[side] == 0) {
        trail->stalled_ds[side] = 0;
        return false;
    }
    if (trail->stalled_ds[side] == 0 || trail->stalled_at[side] != unsent->taken[side]) {
        trail->stalled_ds[side] = now_ds;
        trail->stalled_at[side] = unsent->taken[side];
    }
    return (uint64_t)(now_ds - trail->stalled_ds[side]) * 100 >= service->config->write_timeout_ms;
}

static enum access_end who_stalls(const struct service *service, struct prong_socket *socket)
{
    static const enum access_end ends[UNSENT_SIDES] = {
        [UNSENT_CLIENT] = ACCESS_END_STALL, [UNSENT_COMPANIONS] = ACCESS_END_UPSTREAM};
    enum access_end end = ACCESS_END_UNKNOWN;
    struct unsent unsent;

    if (service->config->write_timeout_ms == 0)
        return end;
    unsent = unsent_of(service, socket);
    for (int side = UNSENT_SIDES - 1; side >= 0; side--) {
        if (has_stalled(service, trail_of(service, socket), &unsent, (enum unsent_side)side))
            end = ends[side];
    }
    return end;
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
    return who_stalls(service, socket);
}

static void check(struct service *service, struct prong_socket *socket)
{
    enum access_end end = reason_to_close(service, socket);

    if (end == ACCESS_END_UNKNOWN || prong_socket_state(socket) >= PRONG_SOCKET_CLOSING)
        return;
    prongd_log(socket, PRONGD_LOG_INFO, "client timed out reason=%s", access_end_reason(end));
    access_note(socket, end);
    unsent_cut(service, socket);
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
