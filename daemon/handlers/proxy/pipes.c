/* SPDX-License-Identifier: MIT
 *
 * The pool, and the account of every pipe.
 */
#include "pipes.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include <prong/splice.h>
#include <prong/timer.h>

#define PIPE_SIZE (1024 * 1024)

/* Lent at once by one server of one worker: each may hold its size of the kernel's memory. */
#define LENT_MOST 64

/* Kept a while for the next who moves much: they count against the user's limit, too. */
#define SPARE_MOST 2

/* One that was not used between two looks is called back, and when none is lent the spare ones are
 * closed. */
#define LOOK_MS 1000

struct pipes {
    pipes_recall *recall;
    struct pipe *lent, *spare;
    unsigned lent_count, spare_count;
    struct prong_timer *look; /* runs while there is any */
};

/* --- Lists --- */

static void insert(struct pipe **list, struct pipe *pipe)
{
    pipe->previous = NULL;
    pipe->next = *list;
    if (*list != NULL)
        (*list)->previous = pipe;
    *list = pipe;
}

static void take_out(struct pipe **list, struct pipe *pipe)
{
    if (pipe->previous != NULL)
        pipe->previous->next = pipe->next;
    else
        *list = pipe->next;
    if (pipe->next != NULL)
        pipe->next->previous = pipe->previous;
}

static struct pipe *lend(struct pipes *pool, struct pipe *pipe, struct prong_socket *client)
{
    pipe->client = client;
    pipe->is_used = true;
    insert(&pool->lent, pipe);
    pool->lent_count++;
    if (!prong_timer_is_active(pool->look))
        prong_timer_start(pool->look, LOOK_MS, LOOK_MS);
    return pipe;
}

static void end_loan(struct pipe *pipe)
{
    take_out(&pipe->pool->lent, pipe);
    pipe->pool->lent_count--;
}

/* --- The pool --- */

static void close_pipe(struct pipe *pipe)
{
    close(pipe->read_fd);
    close(pipe->write_fd);
    free(pipe);
}

static void close_spare(struct pipes *pool)
{
    struct pipe *next;

    for (struct pipe *pipe = pool->spare; pipe != NULL; pipe = next) {
        next = pipe->next;
        close_pipe(pipe);
    }
    pool->spare = NULL;
    pool->spare_count = 0;
}

static void on_look(struct prong_timer *timer, void *user)
{
    struct pipes *pool = user;
    struct pipe *next;

    if (pool->lent == NULL) {
        close_spare(pool);
        prong_timer_stop(timer);
    }
    for (struct pipe *pipe = pool->lent; pipe != NULL; pipe = next) {
        bool was_used = pipe->is_used;

        next = pipe->next;
        pipe->is_used = false;
        if (!was_used && pipe->filled == 0)
            pool->recall(pipe);
    }
}

struct pipes *pipes_new(struct prong_loop *loop, pipes_recall *recall)
{
    struct pipes *pool = calloc(1, sizeof(*pool));

    if (pool == NULL)
        return NULL;
    pool->recall = recall;
    pool->look = prong_timer_new(loop, on_look, pool);
    if (pool->look == NULL) {
        free(pool);
        return NULL;
    }
    return pool;
}

void pipes_free(struct pipes *pool)
{
    if (pool == NULL)
        return;
    assert(pool->lent == NULL);
    close_spare(pool);
    prong_timer_free(pool->look);
    free(pool);
}

/* Without a pipe of its own yet.  NULL with errno. */
static struct pipe *new_pipe(struct pipes *pool, int read_fd, int write_fd)
{
    struct pipe *pipe = calloc(1, sizeof(*pipe));
    int size = fcntl(read_fd, F_GETPIPE_SZ);

    if (pipe == NULL || size <= 0) {
        free(pipe);
        return NULL;
    }
    pipe->pool = pool;
    pipe->read_fd = read_fd;
    pipe->write_fd = write_fd;
    pipe->size = (uint32_t)size;
    return pipe;
}

/* NULL: there is none of a size that is worth it. */
static struct pipe *open_pipe(struct pipes *pool)
{
    struct pipe *pipe = NULL;
    int fds[2];

    if (pipe2(fds, O_NONBLOCK | O_CLOEXEC) < 0)
        return NULL;
    if (fcntl(fds[1], F_SETPIPE_SZ, PIPE_SIZE) >= PIPE_SIZE)
        pipe = new_pipe(pool, fds[0], fds[1]);
    if (pipe == NULL) {
        close(fds[0]);
        close(fds[1]);
    }
    return pipe;
}

struct pipe *pipes_lend(struct pipes *pool, struct prong_socket *client)
{
    struct pipe *pipe = pool->spare;

    if (pool->lent_count == LENT_MOST)
        return NULL;
    if (pipe != NULL) {
        take_out(&pool->spare, pipe);
        pool->spare_count--;
    } else {
        pipe = open_pipe(pool);
    }
    return pipe == NULL ? NULL : lend(pool, pipe, client);
}

struct pipe *pipes_adopt(struct pipes *pool, struct prong_socket *client, int read_fd, int write_fd,
                         uint32_t filled)
{
    struct pipe *pipe = new_pipe(pool, read_fd, write_fd);

    if (pipe == NULL)
        return NULL;
    pipe->filled = filled;
    return lend(pool, pipe, client);
}

uint64_t pipes_filled(const struct pipes *pool)
{
    uint64_t filled = 0;

    for (const struct pipe *pipe = pool->lent; pipe != NULL; pipe = pipe->next)
        filled += pipe->filled;
    return filled;
}

void pipe_give_back(struct pipe *pipe)
{
    struct pipes *pool = pipe->pool;

    end_loan(pipe);
    if (pipe->filled > 0 || pipe->size < PIPE_SIZE || pool->spare_count == SPARE_MOST) {
        close_pipe(pipe);
        return;
    }
    insert(&pool->spare, pipe);
    pool->spare_count++;
}

void pipe_forget(struct pipe *pipe)
{
    end_loan(pipe);
    free(pipe);
}

/* --- Bytes --- */

bool pipe_is_full(const struct pipe *pipe)
{
    return pipe->filled >= pipe->size;
}

ssize_t pipe_fill(struct pipe *pipe, struct prong_socket *source)
{
    ssize_t received = prong_socket_splice_in(source, pipe->write_fd, pipe->size - pipe->filled);

    if (received > 0) {
        pipe->filled += (uint32_t)received;
        pipe->is_used = true;
    }
    return received;
}

ssize_t pipe_pour(struct pipe *pipe, struct prong_socket *target)
{
    ssize_t sent = prong_socket_splice_out(target, pipe->read_fd, pipe->filled);

    if (sent > 0) {
        pipe->filled -= (uint32_t)sent;
        pipe->is_used = true;
    }
    return sent;
}
