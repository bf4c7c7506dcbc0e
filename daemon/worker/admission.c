/* SPDX-License-Identifier: MIT
 *
 * Asking, refusing, counting.
 */
#include "admission.h"

#include <prong/socket.h>
#include <stddef.h>

#include "access.h"
#include "config.h"
#include "log.h"
#include "quota.h"
#include "service.h"

/* --- Asking --- */

static bool is_wanted(const struct service *service, const struct prong_socket *socket)
{
    struct prong_address client = {0};

    if (service->policy.allow == NULL && service->policy.deny == NULL)
        return true;
    (void)prong_socket_remote(socket, &client);
    return policy_wants(&service->policy, &client);
}

/* Descriptors are given out from below, so the newest number tells how many. */
static enum drop_reason reason_to_refuse(struct service *service, struct prong_socket *socket)
{
    if (prong_socket_fd(socket) >= service->fd_limit)
        return DROP_DESCRIPTORS;
    if (service->is_drained)
        return DROP_DRAINED;
    if (!is_wanted(service, socket))
        return DROP_LIST;
    return quota_admit(service, socket);
}

/* --- Refusing --- */

static void log_client(const struct service *service, const struct prong_socket *socket,
                       const char *event, enum drop_reason reason)
{
    char peer[PRONG_ADDRESS_TEXT_SIZE];
    struct prong_address client = {0};

    if (!log_wants(LOG_LEVEL_INFO))
        return;
    (void)prong_socket_remote(socket, &client);
    log_info("%s reason=%s server=%s peer=%s", event, drop_reason_name(reason),
             service->config->name, prong_address_format(&client, peer, sizeof(peer)));
}

static void end(const struct service *service, struct prong_socket *socket)
{
    if (service->config->excess == CONFIG_EXCESS_RESET && prong_socket_reset(socket) == 0)
        return;
    prong_socket_destroy(socket, 0);
}

/* The handler never learns of it: no event of its own, not even on_close. */
void admission_refuse(struct service *service, struct prong_socket *socket, enum drop_reason reason)
{
    static const struct prong_socket_events nobody = {0};

    log_client(service, socket, "client refused", reason);
    service->refused++;
    service->drops[reason]++;
    access_refused(service, socket, reason);
    prong_socket_set_events(socket, &nobody, NULL);
    end(service, socket);
}

/* `shadow` lets in whom a rule would refuse; what is used up is used up all the same. */
static bool is_shadowed(const struct service *service, enum drop_reason reason)
{
    return service->config->shadow && reason != DROP_DESCRIPTORS && reason != DROP_MEMORY &&
           reason != DROP_DRAINED;
}

bool admission_admit(struct service *service, struct prong_socket *socket)
{
    enum drop_reason reason = reason_to_refuse(service, socket);

    if (reason == DROP_NONE)
        return true;
    if (is_shadowed(service, reason)) {
        service->shadowed++;
        log_client(service, socket, "client would be refused", reason);
        quota_count(service, socket, NULL);
        return true;
    }
    admission_refuse(service, socket, reason);
    return false;
}

void admission_note_drop(struct service *service, enum drop_reason reason)
{
    service->drops[reason]++;
    log_warning("client dropped reason=%s server=%s", drop_reason_name(reason),
                service->config->name);
}

bool admission_keep(struct service *service, struct prong_socket *socket)
{
    if (service->config->enforce != CONFIG_ENFORCE_ESTABLISHED || is_wanted(service, socket))
        return true;
    if (service->config->shadow) {
        service->shadowed++;
        log_client(service, socket, "client would be sent away", DROP_LIST);
        return true;
    }
    log_client(service, socket, "client sent away", DROP_LIST);
    service->expelled++;
    access_note(socket, ACCESS_END_EXPELLED);
    end(service, socket);
    return false;
}
