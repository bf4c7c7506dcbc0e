/* SPDX-License-Identifier: MIT
 *
 * The worker's services to handlers: <prongd/service.h>.
 */
#include <assert.h>
#include <errno.h>
#include <prong/server.h>
#include <prong/socket.h>
#include <prongd/handler.h>
#include <prongd/service.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>

#include "broadcast.h"
#include "config.h"
#include "connection.h"
#include "log.h"
#include "post.h"
#include "region.h"
#include "scoreboard.h"
#include "service.h"

static_assert((int)PRONGD_LOG_ERROR == (int)LOG_LEVEL_ERROR &&
                  (int)PRONGD_LOG_DEBUG == (int)LOG_LEVEL_DEBUG,
              "a handler's levels are the log's");

/* --- A connection --- */

static struct service *service_of(const struct prong_socket *socket)
{
    return prong_server_user(prong_socket_server(socket));
}

void *prongd_state(struct prong_socket *socket)
{
    if (service_of(socket)->handler->state_size == 0)
        return NULL;
    return connection_of(socket) + 1;
}

const void *prongd_config(struct prong_socket *socket)
{
    return prongd_service_config(prongd_service(socket));
}

uint64_t prongd_connection_id(struct prong_socket *socket)
{
    return connection_of(socket)->id;
}

/* --- A service: handlers know it by another name, and nothing of what is in it. --- */

static struct service *own(struct prongd_service *service)
{
    return (struct service *)service;
}

static const struct service *own_const(const struct prongd_service *service)
{
    return (const struct service *)service;
}

struct prongd_service *prongd_service(struct prong_socket *socket)
{
    return (struct prongd_service *)service_of(socket);
}

const char *prongd_service_name(const struct prongd_service *service)
{
    return own_const(service)->config->name;
}

const void *prongd_service_config(const struct prongd_service *service)
{
    return own_const(service)->handler->config_size > 0 ? own_const(service)->handler_config : NULL;
}

struct prong_loop *prongd_loop(const struct prongd_service *service)
{
    return own_const(service)->loop;
}

void prongd_service_set_user(struct prongd_service *service, void *user)
{
    own(service)->user = user;
}

void *prongd_service_user(const struct prongd_service *service)
{
    return own_const(service)->user;
}

struct visit {
    bool (*visit)(struct prong_socket *socket, void *user);
    void *user;
};

/* Those that were refused, and those that arrive from another worker, are nobody's to write to. */
static bool visit_one(struct prong_socket *socket, void *user)
{
    const struct visit *visit = user;
    uint8_t state = connection_of(socket)->state;

    if (state != CONNECTION_SERVING && state != CONNECTION_DRAINING)
        return true;
    return visit->visit(socket, visit->user);
}

void prongd_each_connection(struct prongd_service *service,
                            bool (*visit)(struct prong_socket *socket, void *user), void *user)
{
    struct visit own_visit = {visit, user};

    service_each_connection(own(service), visit_one, &own_visit);
}

void prongd_count(struct prongd_service *service, size_t counter, uint64_t number)
{
    struct service *counting = own(service);
    _Atomic uint64_t *cell;

    if (counter >= counting->handler->counter_count)
        return;
    cell = &counting->cells[counting->slot].counters[counter];
    atomic_store_explicit(cell, atomic_load_explicit(cell, memory_order_relaxed) + number,
                          memory_order_relaxed);
}

int prongd_publish(struct prongd_service *service, const void *bytes, size_t size)
{
    return broadcast_publish(own(service), bytes, size);
}

void *prongd_shared(struct prongd_service *service, size_t *size)
{
    const struct region *region = own(service)->region;

    *size = region != NULL ? region_size(region) : 0;
    return region != NULL ? region_memory(region) : NULL;
}

int prongd_shared_lock(struct prongd_service *service)
{
    struct region *region = own(service)->region;

    return region != NULL ? region_lock(region) : -ENOTSUP;
}

void prongd_shared_unlock(struct prongd_service *service)
{
    region_unlock(own(service)->region);
}

int prongd_post(struct prongd_service *service, void (*function)(void *argument), void *argument)
{
    return post_call(own(service)->post, function, argument);
}

/* --- The log --- */

bool prongd_log_wants(enum prongd_log_level level)
{
    return log_wants((enum log_level)level);
}

void prongd_log(struct prong_socket *socket, enum prongd_log_level level, const char *format, ...)
{
    char text[2048], peer[PRONG_ADDRESS_TEXT_SIZE];
    struct prong_address remote = {0};
    va_list arguments;

    if (!prongd_log_wants(level))
        return;
    va_start(arguments, format);
    vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    (void)prong_socket_remote(socket, &remote);
    log_at((enum log_level)level, "%s server=%s connection=%llu peer=%s", text,
           service_of(socket)->config->name, (unsigned long long)prongd_connection_id(socket),
           prong_address_format(&remote, peer, sizeof(peer)));
}

void prongd_service_log(const struct prongd_service *service, enum prongd_log_level level,
                        const char *format, ...)
{
    char text[2048];
    va_list arguments;

    if (!prongd_log_wants(level))
        return;
    va_start(arguments, format);
    vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    log_at((enum log_level)level, "%s server=%s", text, own_const(service)->config->name);
}

const char *prongd_escape(const void *bytes, size_t length, char *text, size_t size)
{
    return log_escape(bytes, length, text, size);
}
