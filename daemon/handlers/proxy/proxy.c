/* SPDX-License-Identifier: MIT
 *
 * proxy: relays every connection to an upstream.
 */
#include <errno.h>
#include <prong/address.h>
#include <prong/socket.h>
#include <stdio.h>
#include <stdlib.h>

#include "pair.h"
#include "pair_move.h"
#include "pipes.h"
#include "proxy_counters.h"
#include "proxy_options.h"
#include "relay.h"
#include "searches.h"
#include "table.h"
#include "upstream_figures.h"
#include "upstreams.h"

/* --- The client's events --- */

static void on_connection(struct prong_socket *client)
{
    prong_socket_set_allow_half_open(client, true);
    (void)prong_socket_set_no_delay(client, true); /* what is relayed was written long ago */
    searches_begin(client);
}

static void *on_buffer(struct prong_socket *client, size_t *size)
{
    return relay_buffer(client, PAIR_FROM_CLIENT, size);
}

static bool on_read(struct prong_socket *client, void *bytes, size_t size)
{
    return relay_read(client, PAIR_FROM_CLIENT, bytes, size);
}

static void on_readable(struct prong_socket *client)
{
    relay_splice(client, PAIR_FROM_CLIENT);
}

static void on_room(struct prong_socket *client)
{
    relay_go_on(client, PAIR_FROM_UPSTREAM);
}

static void on_end(struct prong_socket *client)
{
    relay_end(client, PAIR_FROM_CLIENT);
}

/* What goes through the client starts its time anew; what leaves for the upstream may have been
 * read long ago.  connect_timeout is the limit of a client that is being connected. */
static bool is_active(struct prong_socket *client)
{
    struct pair *pair = pair_of(client);
    uint64_t written = pair->upstream != NULL ? prong_socket_bytes_written(pair->upstream)
                                              : pair->upstream_written;
    bool has_written = written != pair->upstream_written;

    pair->upstream_written = written;
    return has_written || pair->state == PAIR_CONNECTING;
}

/* Has this flow bytes for its target that it has not taken?  An end would look like theirs. */
static bool is_owed(const struct prong_socket *target, const struct flow *flow)
{
    return prong_socket_queue_bytes(target) > 0 || relay_held(flow) > 0;
}

static void on_timeout(struct prong_socket *client)
{
    if (is_active(client) && prong_socket_set_timeout(client, prong_socket_timeout(client)) == 0)
        return;
    prongd_log(client, PRONGD_LOG_INFO, "client timed out");
    if (!is_owed(client, &pair_of(client)->flows[PAIR_FROM_UPSTREAM]) ||
        prong_socket_reset(client) < 0)
        prong_socket_destroy(client, 0);
}

/* A client that failed takes its upstream along the same way; and one that is cut off while bytes
 * of it wait, which would look like its end. */
static void leave_upstream(struct pair *pair, bool had_error)
{
    bool is_cut = had_error || is_owed(pair->upstream, &pair->flows[PAIR_FROM_CLIENT]);

    prong_socket_set_events(pair->upstream, NULL, NULL);
    if (!is_cut || prong_socket_reset(pair->upstream) < 0)
        prong_socket_destroy(pair->upstream, 0);
    upstream_closed(pair->place);
}

static void on_close(struct prong_socket *client, bool had_error)
{
    struct pair *pair = pair_of(client);

    if (pair->state == PAIR_CONNECTING && pair->search != NULL)
        search_cancel(pair->search);
    if (pair->state == PAIR_OPEN)
        leave_upstream(pair, had_error);
    relay_clear(pair);
    pair_enter(pair, PAIR_CLOSED);
}

/* Connections that are there stay. */
static int drain(struct prongd_service *service, const char *item, bool drained)
{
    const struct proxy *proxy = prongd_service_user(service);

    return upstreams_drain(proxy->upstreams, item, drained);
}

/* --- What is told of it --- */

static size_t describe(struct prong_socket *client, char *text, size_t size)
{
    const struct pair *pair = pair_of(client);
    const struct upstream *upstream =
        upstreams_find(proxy_of(client)->upstreams, pair->upstream_number);
    char address[PRONG_ADDRESS_TEXT_SIZE];

    if (upstream == NULL)
        return 0;
    prong_address_format(upstream_address(upstream), address, sizeof(address));
    return (size_t)snprintf(text, size, "upstream=%s connect_ms=%u", address, pair->connect_ms);
}

static void held(struct prong_socket *client, struct prongd_held *held)
{
    const struct pair *pair = pair_of(client);

    held->for_client = relay_held(&pair->flows[PAIR_FROM_UPSTREAM]);
    held->for_companions = relay_held(&pair->flows[PAIR_FROM_CLIENT]);
}

static uint64_t held_by_all(struct prongd_service *service)
{
    const struct proxy *proxy = prongd_service_user(service);

    return pipes_filled(proxy->pipes);
}

/* --- The server's life in a worker --- */

static int configure(void *config, const char *server, char *problem, size_t size)
{
    const struct proxy_config *proxy = config;

    (void)server;
    if (proxy->upstream.count > 0)
        return 0;
    snprintf(problem, size,
             "the proxy has no upstream: write at least one, as upstream = 127.0.0.1:8080");
    return -EINVAL;
}

static void free_proxy(struct proxy *proxy)
{
    searches_free(proxy->searches);
    pipes_free(proxy->pipes);
    upstreams_free(proxy->upstreams);
    free(proxy->buffer);
    free(proxy);
}

static int start(struct prongd_service *service)
{
    struct proxy *proxy = calloc(1, sizeof(*proxy));

    if (proxy == NULL)
        return -ENOMEM;
    proxy->buffer = malloc(RELAY_BUFFER_SIZE);
    proxy->upstreams = upstreams_new(service);
    proxy->pipes = pipes_new(prongd_loop(service), relay_recall);
    if (proxy->upstreams != NULL)
        proxy->searches = searches_new(service, proxy->upstreams);
    if (proxy->buffer == NULL || proxy->pipes == NULL || proxy->searches == NULL) {
        free_proxy(proxy);
        return -ENOMEM;
    }
    prongd_service_set_user(service, proxy);
    return 0;
}

static void stop(struct prongd_service *service)
{
    free_proxy(prongd_service_user(service));
}

/* splice(2) to a socket may raise SIGPIPE: workers ignore it. */
const struct prongd_handler proxy_handler = {
    .abi = PRONGD_HANDLER_ABI,
    .size = sizeof(struct prongd_handler),
    .name = "proxy",
    .help = "Relays every connection to an upstream server, and what comes from there back.",
    .options = proxy_options,
    .option_count = PROXY_OPTION_COUNT,
    .config_size = sizeof(struct proxy_config),
    .state_size = sizeof(struct pair),
    .events = {.on_buffer = on_buffer,
               .on_read = on_read,
               .on_readable = on_readable,
               .on_writable = on_room,
               .on_drain = on_room,
               .on_end = on_end,
               .on_timeout = on_timeout,
               .on_close = on_close},
    .on_connection = on_connection,
    .state_version = PAIR_STATE_VERSION,
    .save = pair_save,
    .restore = pair_restore,
    .on_leave = pair_leave,
    .can_move = pair_can_move,
    .configure = configure,
    .start = start,
    .stop = stop,
    .companions = pair_companions,
    .adopt = pair_adopt,
    .limit = pair_limit,
    .counters = proxy_counters,
    .counter_count = PROXY_COUNTS,
    .describe = describe,
    .drain = drain,
    .held = held,
    .held_by_all = held_by_all,
    .item_kind = "upstream",
    .figures = upstream_figures,
    .figure_count = UPSTREAM_FIGURES,
    .item_states = health_states,
    .item_state_count = HEALTH_STATES,
};
