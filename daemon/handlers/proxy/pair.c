/* SPDX-License-Identifier: MIT
 *
 * States, and what becomes of a client when something happens at its upstream.
 */
#include "pair.h"

#include <assert.h>
#include <prong/socket.h>

#include "relay.h"
#include "upstreams.h"

#define TO(state) (1U << (state))

static const unsigned allowed[] = {
    [PAIR_NEW] = TO(PAIR_CONNECTING) | TO(PAIR_OPEN) | TO(PAIR_FINISHING) | TO(PAIR_CLOSED),
    [PAIR_CONNECTING] = TO(PAIR_OPEN) | TO(PAIR_CLOSED),
    [PAIR_OPEN] = TO(PAIR_FINISHING) | TO(PAIR_CLOSED),
    [PAIR_FINISHING] = TO(PAIR_CLOSED),
    [PAIR_CLOSED] = 0,
};

void pair_enter(struct pair *pair, enum pair_state state)
{
    assert((allowed[pair->state] & TO(state)) != 0);
    pair->state = state;
}

/* --- The upstream's events --- */

static void *on_buffer(struct prong_socket *upstream, size_t *size)
{
    return relay_buffer(prong_socket_user(upstream), PAIR_FROM_UPSTREAM, size);
}

static bool on_read(struct prong_socket *upstream, void *bytes, size_t size)
{
    return relay_read(prong_socket_user(upstream), PAIR_FROM_UPSTREAM, bytes, size);
}

static void on_readable(struct prong_socket *upstream)
{
    relay_splice(prong_socket_user(upstream), PAIR_FROM_UPSTREAM);
}

static void on_room(struct prong_socket *upstream)
{
    relay_go_on(prong_socket_user(upstream), PAIR_FROM_CLIENT);
}

static void on_end(struct prong_socket *upstream)
{
    relay_end(prong_socket_user(upstream), PAIR_FROM_UPSTREAM);
}

/* Both directions are done there, so the client's only has to be flushed; or it failed, and so does
 * the client. */
static void on_close(struct prong_socket *upstream, bool had_error)
{
    struct prong_socket *client = prong_socket_user(upstream);
    struct pair *pair = pair_of(client);

    upstream_closed(pair->place);
    pair->place = NULL;
    pair->upstream = NULL;
    pair_enter(pair, PAIR_FINISHING);
    if (!had_error)
        prong_socket_set_auto_close(client, true);
    else if (prong_socket_reset(client) < 0)
        prong_socket_destroy(client, 0);
}

static const struct prong_socket_events upstream_events = {
    .on_buffer = on_buffer,
    .on_read = on_read,
    .on_readable = on_readable,
    .on_writable = on_room,
    .on_drain = on_room,
    .on_end = on_end,
    .on_close = on_close,
};

void pair_join(struct prong_socket *client, struct prong_socket *upstream)
{
    pair_of(client)->upstream = upstream;
    prong_socket_set_events(upstream, &upstream_events, client);
    prong_socket_set_auto_close(client, false);
}
