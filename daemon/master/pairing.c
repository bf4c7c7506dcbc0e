/* SPDX-License-Identifier: MIT
 *
 * Socket pairs between workers.
 */
#include "pairing.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "config.h"
#include "generation.h"
#include "ipc.h"
#include "log.h"
#include "message.h"
#include "slot.h"

/* Where a server is in the other configuration: same name, same handler. */
static uint32_t find_server(const struct config *config, const struct config_server *wanted)
{
    for (size_t i = 0; i < config->server_count; i++) {
        const struct config_server *server = config->servers[i];

        if (strcmp(server->name, wanted->name) == 0 &&
            strcmp(server->handler->name, wanted->handler->name) == 0)
            return (uint32_t)i;
    }
    return MESSAGE_NO_SERVER;
}

/* What one worker is told of another: who it is, and where its own servers are there. */
static struct message_peer *describe(const struct slot *self, const struct slot *peer, size_t *size)
{
    const struct config *own = self->generation->config, *other = peer->generation->config;
    struct message_peer *message;

    *size = sizeof(*message) + own->server_count * sizeof(message->servers[0]);
    message = malloc(*size);
    if (message == NULL)
        return NULL;
    message->generation = peer->generation->number;
    message->slot = peer->index;
    message->server_count = (uint32_t)own->server_count;
    for (size_t i = 0; i < own->server_count; i++)
        message->servers[i] = find_server(other, own->servers[i]);
    return message;
}

static int tell(struct slot *self, enum message type, const struct slot *peer, int fd)
{
    size_t size;
    struct message_peer *message = describe(self, peer, &size);
    int error = -ENOMEM;

    if (message != NULL)
        error = ipc_send(self->ipc, type, message, size, &fd, 1);
    free(message);
    return error < 0 ? error : 0;
}

int pairing_connect(struct slot *giver, struct slot *taker)
{
    int fds[2], error;

    if (giver->ipc == NULL || taker->ipc == NULL)
        return -EPIPE;
    error = ipc_pair(fds);
    if (error < 0)
        return error;
    error = tell(taker, MESSAGE_PEER_TAKE, giver, fds[1]);
    if (error == 0)
        error = tell(giver, MESSAGE_PEER_GIVE, taker, fds[0]);
    close(fds[0]);
    close(fds[1]);
    return error;
}

unsigned pairing_connect_all(struct generation *givers, struct generation *takers)
{
    unsigned pairs = 0;

    for (unsigned i = 0; i < givers->slot_count; i++) {
        for (unsigned j = 0; j < takers->slot_count; j++) {
            struct slot *giver = &givers->slots[i], *taker = &takers->slots[j];
            int error;

            if (!slot_is_occupied(giver) || taker->state != SLOT_READY || giver == taker)
                continue;
            error = pairing_connect(giver, taker);
            if (error < 0)
                log_code(LOG_LEVEL_WARNING, error, "workers not paired slot=%u slot=%u",
                         giver->index, taker->index);
            else
                pairs++;
        }
    }
    return pairs;
}

unsigned pairing_connect_leavers(const struct generation_list *generations, struct slot *taker)
{
    struct generation *generation;
    unsigned pairs = 0;

    for (generation = generations->first; generation != NULL; generation = generation->next) {
        for (unsigned i = 0; i < generation->slot_count; i++) {
            struct slot *giver = &generation->slots[i];

            if (giver->state == SLOT_DRAINING && giver != taker)
                pairs += pairing_connect(giver, taker) == 0;
        }
    }
    return pairs;
}
