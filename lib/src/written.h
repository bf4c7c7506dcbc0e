/* SPDX-License-Identifier: MIT
 *
 * Callbacks of writes: each waits until the stream has passed its position.
 */
#ifndef PRONG_WRITTEN_H
#define PRONG_WRITTEN_H

#include <prong/socket.h>

#include <stdbool.h>
#include <stdint.h>

struct written {
    struct written *next;
    uint64_t position; /* of the byte behind the last one of the write */
    prong_on_written *on_written;
    void *user;
};

struct written_list {
    struct written *first, *last;
};

void written_append(struct written_list *list, struct written *written);

/* Is the first one due, now that the kernel has taken `bytes_written`? */
bool written_is_due(const struct written_list *list, uint64_t bytes_written);

/* Calls and frees the first one. */
void written_call_first(struct written_list *list, struct prong_socket *socket, int error);

#endif
