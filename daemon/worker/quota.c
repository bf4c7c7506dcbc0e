/* SPDX-License-Identifier: MIT
 *
 * Shares, taken one limit after the other.
 */
#include "quota.h"

#include <prong/address.h>
#include <prong/socket.h>
#include <string.h>
#include <sys/socket.h>

#include "config.h"
#include "connection.h"
#include "log.h"
#include "network.h"
#include "record.h"
#include "service.h"
#include "shares.h"

enum limit { LIMIT_SERVER, LIMIT_ADDRESS };

static bool is_limited(const struct service *service, enum limit limit)
{
    const struct config_server *config = service->config;

    if (limit == LIMIT_SERVER)
        return config->max_connections > 0;
    return config->max_connections_per_address > 0 || config->max_rate_per_address > 0;
}

/* --- Keys --- */

/* False: the limit is not for this client. */
static bool find_key(const struct service *service, const struct prong_socket *socket,
                     enum limit limit, struct share_key *key)
{
    struct prong_address client = {0};

    if (!is_limited(service, limit))
        return false;
    *key = (struct share_key){.server = service->share_server};
    if (limit == LIMIT_SERVER)
        return true;
    key->server++; /* not the server's own key, whatever the network */
    (void)prong_socket_remote(socket, &client);
    return network_set(key, &client, (unsigned)service->config->address_prefix_v4,
                       (unsigned)service->config->address_prefix_v6);
}

/* --- Taking --- */

static enum drop_reason over_limit(const struct service *service, enum limit limit,
                                   const struct share_key *key)
{
    const struct config_server *config = service->config;
    uint64_t rate = config->max_rate_per_address;
    uint64_t most =
        limit == LIMIT_SERVER ? config->max_connections : config->max_connections_per_address;

    if (most > 0 && shares_connections(service->shares, key) > most)
        return limit == LIMIT_SERVER ? DROP_MAX_CONNECTIONS : DROP_ADDRESS;
    if (limit == LIMIT_ADDRESS && rate > 0 && shares_accepted(service->shares, key) > rate)
        return DROP_RATE;
    return DROP_NONE;
}

static void take(const struct service *service, enum limit limit, struct share *share)
{
    share_take(share);
    if (limit == LIMIT_ADDRESS && service->config->max_rate_per_address > 0)
        share_note_accepted(share);
}

static void take_back(const struct service *service, enum limit limit, struct share *share)
{
    if (limit == LIMIT_ADDRESS && service->config->max_rate_per_address > 0)
        share_note_refused(share);
    share_give(share);
}

/* A share that is shown and over the limit is taken back and tried again: several who meet at the
 * very limit would all be over it. */
static enum drop_reason take_one(const struct service *service, enum limit limit,
                                 const struct share_key *key)
{
    enum drop_reason reason = DROP_NONE;

    for (unsigned attempt = 0; attempt < SHARE_ATTEMPTS; attempt++) {
        struct share *share = shares_hold(service->shares, service->share_owner, key);

        if (share == NULL)
            return DROP_TABLE;
        take(service, limit, share);
        reason = over_limit(service, limit, key);
        if (reason == DROP_NONE)
            return DROP_NONE;
        take_back(service, limit, share);
        share_step_back(service->share_owner, attempt);
    }
    return reason;
}

static struct share *own_share(const struct service *service, const struct prong_socket *socket,
                               enum limit limit)
{
    struct share_key key;

    if (!find_key(service, socket, limit, &key))
        return NULL;
    return shares_find(service->shares, service->share_owner, &key);
}

static enum drop_reason take_limit(const struct service *service, const struct prong_socket *socket,
                                   enum limit limit)
{
    struct share_key key;

    return find_key(service, socket, limit, &key) ? take_one(service, limit, &key) : DROP_NONE;
}

/* --- Before somebody is accepted --- */

enum drop_reason quota_reserve(struct service *service)
{
    struct share_key key = {.server = service->share_server};
    enum drop_reason reason = DROP_NONE;

    if (!service->has_reserved)
        reason = take_one(service, LIMIT_SERVER, &key);
    service->has_reserved = reason == DROP_NONE;
    return reason;
}

static void give_place(const struct service *service)
{
    struct share_key key = {.server = service->share_server};

    share_give(shares_find(service->shares, service->share_owner, &key));
}

bool quota_give_reserved(struct service *service)
{
    bool had_one = service->has_reserved;

    if (had_one)
        give_place(service);
    service->has_reserved = false;
    return had_one;
}

void quota_take_place(struct service *service, struct prong_socket *socket)
{
    connection_of(socket)->has_place = service->has_reserved;
    service->has_reserved = false;
}

void quota_leave_place(struct service *service, struct prong_socket *socket)
{
    if (connection_of(socket)->has_place)
        give_place(service);
    connection_of(socket)->has_place = false;
}

bool quota_has_room(const struct service *service)
{
    struct share_key key = {.server = service->share_server};

    return shares_connections(service->shares, &key) < service->config->max_connections;
}

/* --- Admitting --- */

static enum drop_reason take_server(struct service *service, struct prong_socket *socket)
{
    if (!connection_of(socket)->has_place)
        quota_take_place(service, socket);
    if (!connection_of(socket)->has_place)
        return take_limit(service, socket, LIMIT_SERVER);
    connection_of(socket)->has_place = false;
    return DROP_NONE;
}

enum drop_reason quota_admit(struct service *service, struct prong_socket *socket)
{
    enum drop_reason reason = take_limit(service, socket, LIMIT_ADDRESS);
    struct share *share;

    if (reason != DROP_NONE)
        return reason;
    reason = take_server(service, socket);
    connection_of(socket)->is_counted = reason == DROP_NONE;
    share = reason == DROP_NONE ? NULL : own_share(service, socket, LIMIT_ADDRESS);
    if (share != NULL)
        take_back(service, LIMIT_ADDRESS, share);
    return reason;
}

/* --- Moving --- */

/* A share of each limit, or of none: false. */
static bool count_all(const struct service *service, const struct prong_socket *socket)
{
    struct share *shares[QUOTAS] = {0};
    struct share_key key;

    for (int limit = 0; limit < QUOTAS; limit++) {
        if (!find_key(service, socket, (enum limit)limit, &key))
            continue;
        shares[limit] = shares_hold(service->shares, service->share_owner, &key);
        if (shares[limit] == NULL) {
            quota_give(shares);
            return false;
        }
        share_take(shares[limit]);
    }
    return true;
}

void quota_count(struct service *service, struct prong_socket *socket, struct record *record)
{
    struct connection *connection = connection_of(socket);

    if (record != NULL && record->is_counted) { /* it came back */
        connection->is_counted = true;
        record->is_counted = false;
        memset(record->shares, 0, sizeof(record->shares));
        return;
    }
    connection->is_counted = count_all(service, socket);
    if (!connection->is_counted)
        log_warning("connection not counted reason=%s server=%s connection=%llu",
                    drop_reason_name(DROP_TABLE), service->config->name,
                    (unsigned long long)connection->id);
}

void quota_leave(struct service *service, struct prong_socket *socket, struct record *record)
{
    struct connection *connection = connection_of(socket);

    record->is_counted = connection->is_counted;
    for (int limit = 0; limit < QUOTAS && connection->is_counted; limit++)
        record->shares[limit] = own_share(service, socket, (enum limit)limit);
    connection->is_counted = false;
}

void quota_release(struct service *service, struct prong_socket *socket)
{
    struct connection *connection = connection_of(socket);
    struct share *shares[QUOTAS];

    if (!connection->is_counted)
        return;
    connection->is_counted = false;
    for (int limit = 0; limit < QUOTAS; limit++)
        shares[limit] = own_share(service, socket, (enum limit)limit);
    quota_give(shares);
}

void quota_give(struct share *shares[QUOTAS])
{
    for (int limit = 0; limit < QUOTAS; limit++) {
        if (shares[limit] != NULL)
            share_give(shares[limit]);
        shares[limit] = NULL;
    }
}

void quota_sweep(const struct service *service)
{
    if (service->config->max_rate_per_address > 0)
        shares_sweep(service->shares, service->share_owner);
}
