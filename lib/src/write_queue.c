/* SPDX-License-Identifier: MIT
 *
 * A list of chunks.
 */
#include "write_queue.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Small writes share a chunk of this size; a larger one gets its own. */
#define CHUNK_SIZE 4000

struct chunk {
    struct chunk *next;
    const uint8_t *bytes;    /* its own room below, or borrowed */
    size_t start, end, size; /* bytes[start..end) wait; room[end..size) is free */
    uint8_t room[];
};

struct write_queue {
    struct chunk *first, *last;
    size_t bytes;
};

static size_t total_of(const struct iovec *pieces, int count)
{
    size_t total = 0;

    for (int i = 0; i < count; i++)
        total += pieces[i].iov_len;
    return total;
}

/* Makes sure that `size` bytes fit into the last chunk and at most one new one: after this,
 * copying cannot fail. */
static struct chunk *chunk_for(const struct write_queue *queue, size_t size)
{
    size_t room = queue->last != NULL ? queue->last->size - queue->last->end : 0;
    size_t needed = size > room ? size - room : 0;
    struct chunk *chunk;

    if (needed == 0)
        return queue->last;
    if (needed < CHUNK_SIZE)
        needed = CHUNK_SIZE;
    chunk = malloc(sizeof(*chunk) + needed);
    if (chunk != NULL)
        *chunk = (struct chunk){.bytes = chunk->room, .size = needed};
    return chunk;
}

static size_t fill(struct chunk *chunk, const uint8_t *bytes, size_t size)
{
    size_t room = chunk->size - chunk->end;
    size_t taken = size < room ? size : room;

    if (taken > 0)
        memcpy(chunk->room + chunk->end, bytes, taken);
    chunk->end += taken;
    return taken;
}

static void link_chunk(struct write_queue *queue, struct chunk *chunk)
{
    if (queue->last == NULL)
        queue->first = chunk;
    else
        queue->last->next = chunk;
    queue->last = chunk;
}

static void append(struct write_queue *queue, struct chunk *spare, const uint8_t *bytes,
                   size_t size)
{
    size_t taken = queue->last != NULL ? fill(queue->last, bytes, size) : 0;

    queue->bytes += size;
    if (taken == size)
        return;
    link_chunk(queue, spare);
    fill(spare, bytes + taken, size - taken);
}

int write_queue_add(struct write_queue **queue, const struct iovec *pieces, int count, size_t skip)
{
    struct write_queue *target = *queue;
    struct chunk *chunk;

    if (target == NULL)
        target = calloc(1, sizeof(*target));
    if (target == NULL)
        return -ENOMEM;
    chunk = chunk_for(target, total_of(pieces, count) - skip);
    if (chunk == NULL) {
        if (*queue == NULL)
            free(target);
        return -ENOMEM;
    }
    *queue = target;
    for (int i = 0; i < count; i++) {
        size_t skipped = skip < pieces[i].iov_len ? skip : pieces[i].iov_len;

        skip -= skipped;
        if (pieces[i].iov_len > skipped)
            append(target, chunk, (const uint8_t *)pieces[i].iov_base + skipped,
                   pieces[i].iov_len - skipped);
    }
    return 0;
}

int write_queue_borrow(struct write_queue **queue, const uint8_t *bytes, size_t size)
{
    struct write_queue *target = *queue;
    struct chunk *chunk = malloc(sizeof(*chunk));

    if (target == NULL)
        target = calloc(1, sizeof(*target));
    if (chunk == NULL || target == NULL) {
        free(chunk);
        if (*queue == NULL)
            free(target);
        return -ENOMEM;
    }
    *chunk = (struct chunk){.bytes = bytes, .end = size, .size = size};
    *queue = target;
    target->bytes += size;
    link_chunk(target, chunk);
    return 0;
}

size_t write_queue_bytes(const struct write_queue *queue)
{
    return queue != NULL ? queue->bytes : 0;
}

int write_queue_pieces(const struct write_queue *queue, struct iovec pieces[WRITE_QUEUE_PIECES])
{
    int count = 0;

    for (struct chunk *chunk = queue->first; chunk != NULL && count < WRITE_QUEUE_PIECES;
         chunk = chunk->next) {
        pieces[count].iov_base = (void *)(uintptr_t)(chunk->bytes + chunk->start);
        pieces[count].iov_len = chunk->end - chunk->start;
        count++;
    }
    return count;
}

static void consume(struct write_queue *queue, size_t size)
{
    queue->bytes -= size;
    while (queue->first != NULL && size >= queue->first->end - queue->first->start) {
        struct chunk *chunk = queue->first;

        size -= chunk->end - chunk->start;
        queue->first = chunk->next;
        free(chunk);
    }
    if (queue->first != NULL)
        queue->first->start += size;
    else
        queue->last = NULL;
}

void write_queue_drop(struct write_queue **queue, size_t size)
{
    consume(*queue, size);
    if ((*queue)->bytes == 0)
        write_queue_free(queue);
}

uint8_t *write_queue_copy(const struct write_queue *queue)
{
    uint8_t *copy = malloc(queue->bytes);
    size_t used = 0;

    if (copy == NULL)
        return NULL;
    for (struct chunk *chunk = queue->first; chunk != NULL; chunk = chunk->next) {
        memcpy(copy + used, chunk->bytes + chunk->start, chunk->end - chunk->start);
        used += chunk->end - chunk->start;
    }
    return copy;
}

void write_queue_free(struct write_queue **queue)
{
    if (*queue == NULL)
        return;
    while ((*queue)->first != NULL) {
        struct chunk *chunk = (*queue)->first;

        (*queue)->first = chunk->next;
        free(chunk);
    }
    free(*queue);
    *queue = NULL;
}
