/* SPDX-License-Identifier: MIT
 *
 * Channels: the other workers that connections can go to or come from.
 */
#ifndef PRONGD_CHANNEL_H
#define PRONGD_CHANNEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "handoff.h"
#include "message.h"

struct ev_loop;
struct scoreboard;

/* One way to one worker. */
struct channel {
    struct channel *next;
    void *owner;
    struct handoff *handoff;
    bool is_giver;
    uint64_t generation;
    uint32_t slot;
    uint32_t rank; /* among equals, the lowest is first */
    struct {
        uint32_t index; /* where our service is at the peer, or MESSAGE_NO_SERVER */
        uint64_t load;  /* channel_new() says of what */
    } servers[];
};

/* Whose channels they are.  Borrowed. */
struct channel_place {
    struct ev_loop *ev;
    const struct scoreboard *scoreboard;
    const struct handoff_events *events; /* get the channel as their user */
    void *owner;
    uint64_t generation; /* of this worker */
    uint32_t slot;
};

/* Is it whole, and about as many servers as we have? */
bool channel_is_sound(const struct message_peer *peer, size_t size, size_t server_count);

/* Peers of our own generation have what the scoreboard says.  Those of a newer one begin together:
 * what they have at some moment is what other givers have sent until then, and says nothing.  So
 * each giver spreads its own evenly, and begins with another peer.  Takes `fd` in every case;
 * `peer` was checked.  NULL with errno. */
struct channel *channel_new(const struct channel_place *place, int fd, bool is_giver,
                            const struct message_peer *peer);

/* What is looked for. */
struct channel_need {
    size_t server;
    size_t descriptors; /* of one connection */
    bool hurries;
};

/* The lightest worker that has the server and room.  `*exists`: whether any has the server.  One
 * that would get ahead of a lighter one which is full at the moment is only chosen when `hurries`.
 * Several givers do not see each other's: when each spreads its own evenly, all of it is even. */
struct channel *channel_choose(struct channel *list, const struct channel_need *need, bool *exists);

/* Is there anybody to give to? */
bool channel_has_giver(const struct channel *list);

/* Records that givers have not had an answer for. */
size_t channel_pending(const struct channel *list);

/* Sends what givers have collected. */
void channel_flush(struct channel *list);

/* Takes one out of the list, and frees it. */
void channel_remove(struct channel **list, struct channel *channel);

/* The same for all givers, or all takers.  How many. */
size_t channel_remove_all(struct channel **list, bool givers);

#endif
