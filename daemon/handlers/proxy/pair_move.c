/* SPDX-License-Identifier: MIT
 *
 * What is written down, what is listed, and the way back.
 */
#include "pair_move.h"

#include <errno.h>
#include <prong/address.h>
#include <prong/socket.h>
#include <prongd/handler.h>
#include <string.h>

#include "pair.h"
#include "pipes.h"
#include "relay.h"
#include "upstreams.h"

/* In the machine's order: both workers run on this machine. */
struct saved_flow {
    uint32_t filled; /* bytes in its pipe, which is listed; 0: there is none */
    uint32_t has_ended;
};

struct saved {
    uint32_t state; /* enum pair_state */
    uint32_t connect_ms;
    uint64_t upstream_written;
    struct saved_flow flows[PAIR_WAYS];
    struct prong_address upstream; /* OPEN */
};

bool pair_can_move(struct prong_socket *client)
{
    return pair_of(client)->state != PAIR_CONNECTING;
}

/* --- Leaving --- */

static void describe(const struct pair *pair, struct saved *saved)
{
    memset(saved, 0, sizeof(*saved));
    saved->state = (uint32_t)pair->state;
    saved->connect_ms = pair->connect_ms;
    saved->upstream_written = pair->upstream_written;
    if (pair->place != NULL)
        saved->upstream = *upstream_address(pair->place);
    for (int way = 0; way < PAIR_WAYS; way++) {
        saved->flows[way].filled = relay_held(&pair->flows[way]);
        saved->flows[way].has_ended = pair->flows[way].has_ended;
    }
}

long pair_save(struct prong_socket *client, void *bytes, size_t size)
{
    struct saved saved;

    if (!pair_can_move(client))
        return -EBUSY;
    if (size >= sizeof(saved)) {
        describe(pair_of(client), &saved);
        memcpy(bytes, &saved, sizeof(saved));
    }
    return sizeof(saved);
}

/* The upstream, then the two ends of each pipe that is not empty. */
size_t pair_companions(struct prong_socket *client, struct prongd_companion *list)
{
    const struct pair *pair = pair_of(client);
    size_t count = 0;

    if (pair->upstream != NULL)
        list[count++] = (struct prongd_companion){.socket = pair->upstream};
    for (int way = 0; way < PAIR_WAYS; way++) {
        const struct flow *flow = &pair->flows[way];

        if (relay_held(flow) == 0)
            continue;
        list[count++] = (struct prongd_companion){.fd = flow->pipe->read_fd};
        list[count++] = (struct prongd_companion){.fd = flow->pipe->write_fd};
    }
    return count;
}

void pair_leave(void *state)
{
    struct pair *pair = state;

    if (pair->place != NULL)
        upstream_left(pair->place);
    for (int way = 0; way < PAIR_WAYS; way++) {
        if (relay_held(&pair->flows[way]) == 0)
            continue;
        pipe_forget(pair->flows[way].pipe);
        pair->flows[way].pipe = NULL;
    }
    relay_clear(pair);
}

struct prongd_limit *pair_limit(struct prong_socket *client)
{
    const struct pair *pair = pair_of(client);

    return pair->place != NULL ? upstream_limit(pair->place) : NULL;
}

/* --- Arriving --- */

static int restore_open(struct prong_socket *client, const struct saved *saved)
{
    struct pair *pair = pair_of(client);

    pair->place = upstreams_adopt(proxy_of(client)->upstreams, &saved->upstream);
    if (pair->place == NULL)
        return -errno;
    pair->upstream_number = upstream_number(pair->place);
    pair_enter(pair, PAIR_OPEN);
    return 0;
}

int pair_restore(struct prong_socket *client, const void *bytes, size_t size, uint32_t version)
{
    struct pair *pair = pair_of(client);
    struct saved saved;

    if (version != PAIR_STATE_VERSION || size != sizeof(saved))
        return -EPROTO;
    memcpy(&saved, bytes, sizeof(saved));
    pair->connect_ms = saved.connect_ms;
    pair->upstream_written = saved.upstream_written;
    for (int way = 0; way < PAIR_WAYS; way++) {
        pair->flows[way].arriving = saved.flows[way].filled;
        pair->flows[way].has_ended = saved.flows[way].has_ended != 0;
    }
    switch (saved.state) {
    case PAIR_OPEN:
        return restore_open(client, &saved);
    case PAIR_FINISHING:
        pair_enter(pair, PAIR_FINISHING);
        return 0;
    default:
        return -EPROTO;
    }
}

/* Does the list hold what restore was told of? */
static bool is_expected(const struct pair *pair, const struct prongd_companion *list, size_t count)
{
    size_t expected = pair->state == PAIR_OPEN;

    for (int way = 0; way < PAIR_WAYS; way++)
        expected += pair->flows[way].arriving > 0 ? 2 : 0;
    return count == expected && (pair->state != PAIR_OPEN || list[0].socket != NULL);
}

/* Makes a pipe for each flow that had one. */
static int adopt_pipes(struct prong_socket *client, const struct prongd_companion *list,
                       struct pipe *pipes[PAIR_WAYS])
{
    const struct pair *pair = pair_of(client);

    for (int way = 0; way < PAIR_WAYS; way++) {
        if (pair->flows[way].arriving == 0)
            continue;
        pipes[way] = pipes_adopt(proxy_of(client)->pipes, client, list[0].fd, list[1].fd,
                                 pair->flows[way].arriving);
        if (pipes[way] == NULL)
            return -ENOMEM;
        list += 2;
    }
    return 0;
}

static void forget_pipes(struct pipe *pipes[PAIR_WAYS])
{
    for (int way = 0; way < PAIR_WAYS; way++) {
        if (pipes[way] != NULL)
            pipe_forget(pipes[way]);
    }
}

int pair_adopt(struct prong_socket *client, const struct prongd_companion *list, size_t count)
{
    struct pair *pair = pair_of(client);
    struct pipe *pipes[PAIR_WAYS] = {NULL};
    size_t upstreams = pair->state == PAIR_OPEN;
    int error = is_expected(pair, list, count) ? 0 : -EPROTO;

    if (error == 0)
        error = adopt_pipes(client, list + upstreams, pipes);
    if (error < 0) {
        forget_pipes(pipes);
        return error;
    }
    if (upstreams > 0)
        pair_join(client, list[0].socket);
    for (int way = 0; way < PAIR_WAYS; way++) {
        if (pipes[way] != NULL)
            relay_adopt(client, (enum pair_way)way, pipes[way]);
    }
    return 0;
}
