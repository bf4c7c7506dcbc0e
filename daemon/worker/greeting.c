/* SPDX-License-Identifier: MIT
 *
 * Events of its own for the while until the header is there.
 */
#include "greeting.h"

#include <prong/error.h>
#include <prong/proxy_header.h>
#include <prong/server.h>
#include <prong/socket.h>
#include <stddef.h>
#include <stdint.h>

#include "admission.h"
#include "config.h"
#include "connection.h"
#include "log.h"
#include "quota.h"
#include "service.h"

static struct service *service_of(const struct prong_socket *socket)
{
    return prong_server_user(prong_socket_server(socket));
}

bool greeting_is_due(const struct service *service, const struct prong_socket *socket)
{
    struct prong_address peer = {0};

    if (service->policy.proxies == NULL)
        return false;
    (void)prong_socket_remote(socket, &peer);
    return policy_is_proxy(&service->policy, &peer);
}

static void refuse(struct prong_socket *socket, const char *problem)
{
    struct service *service = service_of(socket);
    struct prong_address peer = {0};
    char text[PRONG_ADDRESS_TEXT_SIZE];

    (void)prong_socket_remote(socket, &peer);
    log_warning("proxy sent no PROXY header: %s server=%s peer=%s", problem, service->config->name,
                prong_address_format(&peer, text, sizeof(text)));
    admission_refuse(service, socket, DROP_PROXY_HEADER);
}

/* --- The header --- */

/* What the client sent behind the header is delivered to the handler, unless that pauses. */
static int give_back(struct prong_socket *socket, const void *bytes, size_t size)
{
    int error = prong_socket_unread(socket, bytes, size);

    if (error == 0 && service_of(socket)->config->pause_on_connect)
        prong_socket_pause(socket);
    else if (error == 0)
        prong_socket_resume(socket);
    return error;
}

static void introduce(struct prong_socket *socket, const struct prong_proxy_header *header)
{
    struct service *service = service_of(socket);

    if (header->source.family != 0 &&
        prong_socket_set_addresses(socket, &header->destination, &header->source) < 0)
        return; /* it closes */
    prong_socket_set_events(socket, &service->events, prong_socket_user(socket));
    if (admission_admit(service, socket))
        connection_open(service, socket);
}

static void on_data(struct prong_socket *socket, const void *bytes, size_t size)
{
    struct prong_proxy_header header;
    int used = prong_proxy_header_read(&header, bytes, size);
    int error = 0;

    if (used < 0) {
        refuse(socket, prong_error_text(used));
        return;
    }
    if (used == 0)
        error = prong_socket_unread(socket, bytes, size);
    else
        error = give_back(socket, (const uint8_t *)bytes + used, size - (size_t)used);
    if (error < 0)
        admission_refuse(service_of(socket), socket, DROP_MEMORY);
    else if (used > 0)
        introduce(socket, &header);
}

/* A health check of the proxy connects and says nothing. */
static void on_end(struct prong_socket *socket)
{
    if (prong_socket_bytes_read(socket) > 0)
        refuse(socket, "the connection ended before its end");
}

static void on_timeout(struct prong_socket *socket)
{
    refuse(socket, "it took too long");
}

static const struct prong_socket_events events = {
    .on_data = on_data,
    .on_end = on_end,
    .on_timeout = on_timeout,
};

void greeting_await(struct service *service, struct prong_socket *socket)
{
    if (prong_socket_fd(socket) >= service->fd_limit) {
        admission_refuse(service, socket, DROP_DESCRIPTORS);
        return;
    }
    connection_greet(socket);
    quota_take_place(service, socket);
    prong_socket_set_events(socket, &events, prong_socket_user(socket));
    prong_socket_resume(socket);
}

/* --- Those who say nothing --- */

static bool check_one(struct prong_socket *socket, void *user)
{
    const struct service *service = user;

    if (connection_of(socket)->state == CONNECTION_GREETING &&
        prong_socket_state(socket) < PRONG_SOCKET_CLOSING &&
        connection_age_ms(connection_of(socket)) >= service->config->proxy_protocol_timeout_ms)
        refuse(socket, "it took too long");
    return true;
}

void greeting_check(struct service *service)
{
    if (service->policy.proxies != NULL)
        service_each_connection(service, check_one, service);
}
