/* SPDX-License-Identifier: MIT
 *
 * A queue behind a lock, and libev's wake-up from another thread.
 */
#include "post.h"

#include <errno.h>
#include <ev.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>

struct call {
    struct call *next;
    void (*function)(void *argument);
    void *argument;
};

struct post {
    struct ev_loop *ev;
    ev_async wake;
    pthread_mutex_t lock; /* of what follows */
    struct call *first;
    struct call **end;
    bool is_closed;
};

static struct call *take_all(struct post *post)
{
    struct call *calls;

    pthread_mutex_lock(&post->lock);
    calls = post->first;
    post->first = NULL;
    post->end = &post->first;
    pthread_mutex_unlock(&post->lock);
    return calls;
}

static void run(struct call *call)
{
    while (call != NULL) {
        struct call *next = call->next;

        call->function(call->argument);
        free(call);
        call = next;
    }
}

static void on_wake(struct ev_loop *loop, ev_async *wake, int revents)
{
    (void)loop;
    (void)revents;
    run(take_all(wake->data));
}

struct post *post_new(struct ev_loop *ev)
{
    struct post *post = calloc(1, sizeof(*post));

    if (post == NULL)
        return NULL;
    post->ev = ev;
    post->end = &post->first;
    pthread_mutex_init(&post->lock, NULL);
    ev_async_init(&post->wake, on_wake);
    post->wake.data = post;
    ev_async_start(ev, &post->wake);
    return post;
}

int post_call(struct post *post, void (*function)(void *argument), void *argument)
{
    struct call *call = malloc(sizeof(*call));
    bool is_closed;

    if (call == NULL)
        return -ENOMEM;
    *call = (struct call){.function = function, .argument = argument};
    pthread_mutex_lock(&post->lock);
    is_closed = post->is_closed;
    if (!is_closed) {
        *post->end = call;
        post->end = &call->next;
        ev_async_send(post->ev, &post->wake);
    }
    pthread_mutex_unlock(&post->lock);
    if (is_closed)
        free(call);
    return is_closed ? -ESHUTDOWN : 0;
}

void post_close(struct post *post)
{
    if (post == NULL)
        return;
    pthread_mutex_lock(&post->lock);
    post->is_closed = true;
    pthread_mutex_unlock(&post->lock);
    run(take_all(post));
    ev_async_stop(post->ev, &post->wake);
}

void post_free(struct post *post)
{
    if (post == NULL)
        return;
    pthread_mutex_destroy(&post->lock);
    free(post);
}
