/* SPDX-License-Identifier: MIT
 *
 * Each handle to the gate, to the warden, or to nobody but this worker.
 */
#include "accepting.h"

#include <prong/loop.h>
#include <prong/server.h>
#include <stdbool.h>
#include <sys/stat.h>

#include "config.h"
#include "gate.h"
#include "inheritance.h"
#include "item.h"
#include "scoreboard.h"
#include "service.h"
#include "turnstile.h"
#include "warden.h"

#define TAKEN_AT_ONCE 16

static struct gate *open_gate(struct service *service)
{
    struct gate_place place = {
        .ev = prong_loop_ev(prong_server_loop(service->servers[0])),
        .cells = service->cells,
        .workers = service->workers,
        .nudge_fds = service->nudge_fds,
        .slots = service->slots,
        .slot = service->slot,
        .metric = (enum gate_metric)service->config->balance_metric,
    };

    return gate_new(&place);
}

static struct warden *open_warden(struct service *service)
{
    struct warden_place place = {
        .ev = prong_loop_ev(prong_server_loop(service->servers[0])),
        .cell = &service->cells[service->slot],
        .workers = service->workers,
        .slots = service->slots,
        .slot = service->slot,
    };

    return warden_new(&place);
}

/* Watched by everybody: without a gate plainly, also where memory was short for one. */
static void share(struct service *service, struct prong_server *server)
{
    prong_server_resume(server);
    if (service->gate == NULL && service->config->accept != CONFIG_ACCEPT_SHARED)
        service->gate = open_gate(service);
    if (service->gate != NULL)
        (void)gate_adopt(service->gate, server);
}

/* Where memory is short for a warden, other workers have one. */
static void look_after(struct service *service, size_t index)
{
    if (service->warden == NULL)
        service->warden = open_warden(service);
    if (service->warden != NULL)
        (void)warden_adopt(service->warden, service->servers[index], service->owners[index],
                           (unsigned)index);
}

void accepting_begin(struct service *service)
{
    if (service->accepts || service->server_count == 0)
        return;
    service->accepts = true;
    if (turnstile_is_wanted(service->config))
        service->turnstile = turnstile_new(service); /* without it they are closed */
    for (size_t i = 0; i < service->server_count; i++) {
        if (service->owners[i] == INHERITED_BY_ALL)
            share(service, service->servers[i]);
        else if (service->owners[i] == service->slot)
            prong_server_resume(service->servers[i]);
        else
            look_after(service, i);
    }
    if (service->warden != NULL)
        warden_start(service->warden);
}

void accepting_reconsider(struct service *service)
{
    if (service->gate != NULL)
        gate_reconsider(service->gate);
    if (service->turnstile != NULL)
        turnstile_look(service->turnstile);
}

void accepting_note_end(struct service *service)
{
    if (service->gate != NULL)
        gate_reconsider(service->gate);
    if (service->turnstile != NULL)
        turnstile_offer(service->turnstile);
}

bool accepting_may_accept(struct service *service)
{
    return service->turnstile == NULL || turnstile_may_pass(service->turnstile);
}

void accepting_settle(struct service *service)
{
    if (service->turnstile != NULL)
        turnstile_settle(service->turnstile);
}

/* Is it neither the gate's nor the warden's? */
static bool is_plain(const struct service *service, size_t index)
{
    return service->owners[index] == service->slot ||
           (service->owners[index] == INHERITED_BY_ALL && service->gate == NULL);
}

void accepting_hold(struct service *service, bool held)
{
    if (service->gate != NULL)
        gate_hold(service->gate, held);
    if (service->warden != NULL)
        warden_hold(service->warden, held);
    for (size_t i = 0; i < service->server_count; i++) {
        if (!is_plain(service, i))
            continue;
        if (held)
            prong_server_pause(service->servers[i]);
        else
            prong_server_resume(service->servers[i]);
    }
}

void accepting_take(struct service *service)
{
    if (service->gate != NULL)
        gate_take(service->gate);
    for (size_t i = 0; i < service->server_count; i++) {
        if (is_plain(service, i))
            prong_server_take(service->servers[i], TAKEN_AT_ONCE);
    }
}

void accepting_end(struct service *service)
{
    service->accepts = false;
    item_leave_all(service);
    turnstile_free(service->turnstile);
    service->turnstile = NULL;
    gate_free(service->gate);
    service->gate = NULL;
    warden_free(service->warden);
    service->warden = NULL;
    for (size_t i = 0; i < service->server_count; i++)
        prong_server_pause(service->servers[i]);
}

/* --- Handles that are left over --- */

static bool has_inode(const struct prong_server *server, uint64_t inode)
{
    struct stat status;

    return prong_server_is_listening(server) && fstat(prong_server_fd(server), &status) == 0 &&
           status.st_ino == inode;
}

void accepting_close_handle(struct service *service, uint64_t inode)
{
    for (size_t i = 0; i < service->server_count; i++) {
        if (service->owners[i] != INHERITED_BY_NOBODY || !has_inode(service->servers[i], inode))
            continue;
        if (service->warden != NULL)
            warden_forget(service->warden, service->servers[i]);
        (void)prong_server_close(service->servers[i]);
    }
}
