/* SPDX-License-Identifier: MIT
 *
 * The list of channels, and the choice among them.
 */
#include "channel.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

#include "scoreboard.h"

/* More than there are slots. */
#define RANKS 65536U

static uint64_t connections_at(const struct scoreboard *scoreboard, const struct channel *channel,
                               uint32_t server)
{
    const struct scoreboard_server *cell =
        scoreboard_server(scoreboard, channel->generation, channel->slot, server);

    return cell == NULL ? 0 : atomic_load_explicit(&cell->connections, memory_order_relaxed);
}

bool channel_is_sound(const struct message_peer *peer, size_t size, size_t server_count)
{
    return size >= sizeof(*peer) && peer->server_count == server_count &&
           size == sizeof(*peer) + peer->server_count * sizeof(peer->servers[0]);
}

struct channel *channel_new(const struct channel_place *place, int fd, bool is_giver,
                            const struct message_peer *peer)
{
    struct channel *channel =
        calloc(1, sizeof(*channel) + peer->server_count * sizeof(channel->servers[0]));

    if (channel == NULL) {
        close(fd);
        return NULL;
    }
    channel->owner = place->owner;
    channel->is_giver = is_giver;
    channel->generation = peer->generation;
    channel->slot = peer->slot;
    channel->rank = (peer->slot + RANKS - place->slot) % RANKS;
    for (uint32_t i = 0; i < peer->server_count; i++) {
        channel->servers[i].index = peer->servers[i];
        if (peer->generation == place->generation)
            channel->servers[i].load = connections_at(place->scoreboard, channel, peer->servers[i]);
    }
    channel->handoff = handoff_new(place->ev, fd, is_giver, peer->slot, place->events, channel);
    if (channel->handoff == NULL) {
        free(channel);
        return NULL;
    }
    return channel;
}

static bool can_take(const struct channel *channel, size_t server)
{
    return channel->is_giver && channel->servers[server].index != MESSAGE_NO_SERVER;
}

struct channel *channel_choose(struct channel *list, const struct channel_need *need, bool *exists)
{
    struct channel *lightest = NULL;
    uint64_t least = UINT64_MAX, least_of_all = UINT64_MAX;

    for (struct channel *channel = list; channel != NULL; channel = channel->next) {
        uint64_t load;

        if (!can_take(channel, need->server))
            continue;
        load = channel->servers[need->server].load;
        if (load < least_of_all)
            least_of_all = load;
        if (load > least || !handoff_has_room(channel->handoff, need->descriptors))
            continue;
        if (load == least && lightest != NULL && channel->rank > lightest->rank)
            continue;
        least = load;
        lightest = channel;
    }
    *exists = least_of_all != UINT64_MAX;
    return lightest != NULL && least > least_of_all && !need->hurries ? NULL : lightest;
}

bool channel_has_giver(const struct channel *list)
{
    while (list != NULL && !list->is_giver)
        list = list->next;
    return list != NULL;
}

size_t channel_pending(const struct channel *list)
{
    size_t pending = 0;

    for (; list != NULL; list = list->next)
        pending += list->is_giver ? handoff_pending(list->handoff) : 0;
    return pending;
}

void channel_flush(struct channel *list)
{
    for (; list != NULL; list = list->next) {
        if (list->is_giver)
            handoff_flush(list->handoff);
    }
}

void channel_remove(struct channel **list, struct channel *channel)
{
    while (*list != channel)
        list = &(*list)->next;
    *list = channel->next;
    handoff_free(channel->handoff);
    free(channel);
}

size_t channel_remove_all(struct channel **list, bool givers)
{
    size_t count = 0;

    while (*list != NULL) {
        if ((*list)->is_giver != givers) {
            list = &(*list)->next;
            continue;
        }
        channel_remove(list, *list);
        count++;
    }
    return count;
}
