/* SPDX-License-Identifier: MIT
 *
 * One flow at a time: its source, its target, and whether there is a pipe between them.
 */
#include "relay.h"

#include <errno.h>
#include <prong/loop.h>
#include <prong/socket.h>
#include <prong/splice.h>

#include "pipes.h"

/* Reads of so much, in a row, after which a pipe is worth its price.  Less than the buffer: what is
 * read is often a whole number of segments, the greatest of which has not quite 64 KiB. */
#define LARGE_SIZE  (PRONG_READ_SIZE / 2)
#define LARGE_READS 3

/* As many small ones give it back. */
#define SMALL_READS 16
#define SMALL_SIZE  16384

/* Calls that fill a pipe before it is emptied. */
#define FILLS 8

/* A flow with both of its ends; `source` is NULL when that is closed. */
struct passage {
    struct prong_socket *client;
    struct prong_socket *source, *target;
    struct flow *flow;
};

static struct passage passage_of(struct prong_socket *client, enum pair_way way)
{
    struct pair *pair = pair_of(client);

    return (struct passage){
        .client = client,
        .source = way == PAIR_FROM_CLIENT ? client : pair->upstream,
        .target = way == PAIR_FROM_CLIENT ? pair->upstream : client,
        .flow = &pair->flows[way],
    };
}

/* --- Through the buffer --- */

/* A bigger buffer is what helps most where there is no pipe; not while the target is slow, whose
 * queue would only be longer.  Never more than may wait for the target: a client would be closed
 * for max_write_queue. */
static size_t read_size(const struct passage *passage)
{
    bool is_small =
        passage->flow->streak <= LARGE_READS || prong_socket_queue_bytes(passage->target) > 0;
    size_t size = is_small ? PRONG_READ_SIZE : RELAY_BUFFER_SIZE;
    size_t room = prong_socket_queue_room(passage->target);

    return room > 0 && room < size ? room : size;
}

void *relay_buffer(struct prong_socket *client, enum pair_way way, size_t *size)
{
    struct passage passage = passage_of(client, way);

    *size = read_size(&passage);
    return proxy_of(client)->buffer;
}

static void begin_splicing(const struct passage *passage)
{
    passage->flow->pipe = pipes_lend(proxy_of(passage->client)->pipes, passage->client);
    if (passage->flow->pipe == NULL)
        return;
    passage->flow->streak = 0;
    prong_socket_set_manual_reading(passage->source, true);
}

/* Where there is no pipe it is tried again after some more. */
static void count_large(const struct passage *passage, size_t size)
{
    if (size < LARGE_SIZE)
        passage->flow->streak = 0;
    else if (++passage->flow->streak == LARGE_READS)
        begin_splicing(passage);
}

bool relay_read(struct prong_socket *client, enum pair_way way, const void *bytes, size_t size)
{
    struct passage passage = passage_of(client, way);
    int result = prong_socket_write(passage.target, bytes, size);

    /* A target that failed has closed itself; after one without memory the stream has a hole. */
    if (result < 0) {
        prong_socket_destroy(passage.target, result);
        return false;
    }
    count_large(&passage, size);
    return result == 0;
}

/* --- Through a pipe --- */

static void end_splicing(const struct passage *passage)
{
    pipe_give_back(passage->flow->pipe);
    passage->flow->pipe = NULL;
    passage->flow->streak = 0;
    if (passage->source != NULL)
        prong_socket_set_manual_reading(passage->source, false);
}

/* Everything that came is sent, or queued in front of what may come. */
static void go_on(const struct passage *passage)
{
    struct flow *flow = passage->flow;

    if (flow->pipe != NULL && (flow->has_ended || flow->streak >= SMALL_READS))
        end_splicing(passage);
    if (flow->has_ended)
        prong_socket_end(passage->target);
    else if (prong_socket_is_paused(passage->source))
        prong_socket_resume(passage->source);
}

/* As much as the target takes; on_writable comes when there is room for the rest. */
static void drain(const struct passage *passage)
{
    struct pipe *pipe = passage->flow->pipe;

    if (pipe_pour(pipe, passage->target) > 0 && pipe->filled == 0)
        go_on(passage);
}

/* All that is there, in a few calls: each write to the target wakes somebody up, so what is written
 * at once should be much.  The bytes, or what the first call said when there were none. */
static ssize_t fill(const struct passage *passage)
{
    struct pipe *pipe = passage->flow->pipe;
    ssize_t received = pipe_fill(pipe, passage->source), more = received;

    for (int calls = 1; calls < FILLS && more > 0 && !pipe_is_full(pipe); calls++) {
        more = pipe_fill(pipe, passage->source);
        received += more > 0 ? more : 0;
    }
    return received;
}

/* Its source is paused as long as there is anything in the pipe.  So what does not come is not
 * there; of small pieces a pipe takes few, and one that is full could not be told from an idle
 * source. */
void relay_splice(struct prong_socket *client, enum pair_way way)
{
    struct passage passage = passage_of(client, way);
    struct flow *flow = passage.flow;
    ssize_t received = fill(&passage);

    if (received <= 0)
        return;
    flow->streak = received < SMALL_SIZE ? flow->streak + 1 : 0;
    drain(&passage);
    if (flow->pipe != NULL && flow->pipe->filled > 0)
        prong_socket_pause(passage.source);
}

void relay_recall(struct pipe *pipe)
{
    enum pair_way way = pair_of(pipe->client)->flows[PAIR_FROM_CLIENT].pipe == pipe
                            ? PAIR_FROM_CLIENT
                            : PAIR_FROM_UPSTREAM;
    struct passage passage = passage_of(pipe->client, way);

    end_splicing(&passage);
}

void relay_adopt(struct prong_socket *client, enum pair_way way, struct pipe *pipe)
{
    struct passage passage = passage_of(client, way);

    passage.flow->pipe = pipe;
    if (passage.source != NULL) {
        prong_socket_set_manual_reading(passage.source, true);
        prong_socket_pause(passage.source);
    }
    drain(&passage);
}

/* --- Both --- */

void relay_go_on(struct prong_socket *client, enum pair_way way)
{
    struct passage passage = passage_of(client, way);

    if (passage.flow->pipe != NULL && passage.flow->pipe->filled > 0)
        drain(&passage);
    else if (!passage.flow->has_ended)
        go_on(&passage);
}

void relay_end(struct prong_socket *client, enum pair_way way)
{
    struct passage passage = passage_of(client, way);

    passage.flow->has_ended = true;
    prong_socket_pause(passage.source); /* so it learns of a reset (R67), which is passed on, too */
    if (passage.flow->pipe == NULL || passage.flow->pipe->filled == 0)
        go_on(&passage);
}

uint32_t relay_held(const struct flow *flow)
{
    return flow->pipe != NULL ? flow->pipe->filled : 0;
}

void relay_clear(struct pair *pair)
{
    for (int way = 0; way < PAIR_WAYS; way++) {
        struct flow *flow = &pair->flows[way];

        if (flow->pipe != NULL)
            pipe_give_back(flow->pipe);
        flow->pipe = NULL;
    }
}
