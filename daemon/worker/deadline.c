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
#include <time.h>

#include "config.h"
#include "connection.h"
#include "service.h"

struct look {
    const struct config_server *config;
    uint32_t now_ds; /* as in struct connection */
};

static uint32_t now_ds(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
    return (uint32_t)(now.tv_sec * 10 + now.tv_nsec / 100000000);
}

/* NULL: its time is not over. */
static const char *reason_to_close(const struct look *look, struct prong_socket *socket)
{
    const struct config_server *config = look->config;
    uint64_t age_ms = (uint64_t)(look->now_ds - connection_of(socket)->opened_ds) * 100;

    if (config->lifetime_ms > 0 && age_ms >= config->lifetime_ms)
        return "lifetime";
    if (config->first_byte_timeout_ms > 0 && age_ms >= config->first_byte_timeout_ms &&
        prong_socket_bytes_read(socket) == 0)
        return "first_byte_timeout";
    return NULL;
}

static bool check_one(struct prong_socket *socket, void *user)
{
    const char *reason = reason_to_close(user, socket);

    if (reason == NULL || prong_socket_state(socket) >= PRONG_SOCKET_CLOSING)
        return true;
    prongd_log(socket, PRONGD_LOG_INFO, "client timed out reason=%s", reason);
    prong_socket_destroy(socket, 0);
    return true;
}

void deadline_check(struct service *service)
{
    struct look look = {.config = service->config, .now_ds = now_ds()};

    if (look.config->lifetime_ms > 0 || look.config->first_byte_timeout_ms > 0)
        service_each_connection(service, check_one, &look);
}
