/* SPDX-License-Identifier: MIT
 *
 * c-ares on libev.
 */
#include "resolver.h"

#include "loop_internal.h"

#include <prong/error.h>

#include <ares.h>
#include <ares_nameser.h>
#include <assert.h>
#include <errno.h>
#include <netdb.h>
#include <stdlib.h>
#include <string.h>

/* One descriptor of c-ares under watch. */
struct ares_watch {
    struct ev_io io;
    struct resolver *resolver;
    struct ares_watch *next;
};

struct resolver {
    struct prong_loop *loop;
    ares_channel channel;
    struct ev_timer timer; /* c-ares' own deadlines */
    struct ares_watch *watches;
    size_t waiting; /* lookups that somebody still wants */
};

/* Lives until c-ares has called back *and* the answer was given, or was cancelled. */
struct lookup {
    struct resolver *resolver;
    struct ev_timer answer;  /* never started, only fed: the answer comes from the loop */
    on_lookup_done *on_done; /* NULL: cancelled */
    void *user;
    uint16_t port;
    bool running; /* c-ares will call back */
    int error;
    struct prong_address *addresses;
    size_t count;
};

/* ares_process_fd() and its timer.  Starts the timer only while there is something to wait for. */
static void rearm(struct resolver *resolver)
{
    struct timeval longest = {.tv_sec = 60}, wait;

    ev_timer_stop(resolver->loop->ev, &resolver->timer);
    if (resolver->watches == NULL)
        return;
    ares_timeout(resolver->channel, &longest, &wait);
    ev_now_update(resolver->loop->ev);
    ev_timer_set(&resolver->timer, (double)wait.tv_sec + (double)wait.tv_usec / 1e6, 0.);
    ev_timer_start(resolver->loop->ev, &resolver->timer);
}

static void on_ready(struct ev_loop *ev, struct ev_io *io, int revents)
{
    struct ares_watch *watch = io->data;
    struct resolver *resolver = watch->resolver;

    (void)ev;
    ares_process_fd(resolver->channel, revents & EV_READ ? io->fd : ARES_SOCKET_BAD,
                    revents & EV_WRITE ? io->fd : ARES_SOCKET_BAD);
    rearm(resolver);
}

static void on_deadline(struct ev_loop *ev, struct ev_timer *timer, int revents)
{
    struct resolver *resolver = timer->data;

    (void)ev;
    (void)revents;
    ares_process_fd(resolver->channel, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
    rearm(resolver);
}

static void watch_free(struct resolver *resolver, struct ares_watch **link)
{
    struct ares_watch *watch = *link;

    *link = watch->next;
    ev_io_stop(resolver->loop->ev, &watch->io);
    free(watch);
}

/* c-ares says which directions of a descriptor it waits for; neither: it closes it. */
static void on_socket_state(void *data, ares_socket_t fd, int readable, int writable)
{
    struct resolver *resolver = data;
    struct ares_watch **link = &resolver->watches;
    struct ares_watch *watch;

    while (*link != NULL && (*link)->io.fd != fd)
        link = &(*link)->next;
    if (!readable && !writable) {
        if (*link != NULL)
            watch_free(resolver, link);
        return;
    }
    watch = *link;
    if (watch == NULL) {
        watch = calloc(1, sizeof(*watch));
        if (watch == NULL)
            return; /* c-ares retries after its timeout */
        watch->resolver = resolver;
        *link = watch;
        ev_init(&watch->io, on_ready);
        watch->io.data = watch;
    }
    ev_io_stop(resolver->loop->ev, &watch->io);
    ev_io_set(&watch->io, fd, (readable ? EV_READ : 0) | (writable ? EV_WRITE : 0));
    ev_io_start(resolver->loop->ev, &watch->io);
}

static struct resolver *resolver_new(struct prong_loop *loop)
{
    struct resolver *resolver = calloc(1, sizeof(*resolver));
    struct ares_options options = {.sock_state_cb = on_socket_state, .timeout = 2000, .tries = 3};
    int mask = ARES_OPT_SOCK_STATE_CB | ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES;

    if (resolver == NULL)
        return NULL;
    resolver->loop = loop;
    options.sock_state_cb_data = resolver;
    ev_init(&resolver->timer, on_deadline);
    resolver->timer.data = resolver;
    if (ares_library_init(ARES_LIB_INIT_ALL) != ARES_SUCCESS ||
        ares_init_options(&resolver->channel, &options, mask) != ARES_SUCCESS) {
        free(resolver);
        errno = ENOMEM;
        return NULL;
    }
    return resolver;
}

void resolver_free(struct resolver *resolver)
{
    if (resolver == NULL)
        return;
    assert(resolver->waiting == 0);
    ares_destroy(resolver->channel); /* calls back for those that were cancelled */
    while (resolver->watches != NULL)
        watch_free(resolver, &resolver->watches);
    ev_timer_stop(resolver->loop->ev, &resolver->timer);
    ares_library_cleanup();
    free(resolver);
}

static int code_of(int status)
{
    switch (status) {
    case ARES_SUCCESS:
        return 0;
    case ARES_ENOTFOUND:
    case ARES_ENODATA:
    case ARES_EBADNAME:
        return PRONG_ENOTFOUND;
    case ARES_ENOMEM:
        return -ENOMEM;
    default:
        return PRONG_ERESOLVE;
    }
}

static int take_addresses(struct lookup *lookup, const struct ares_addrinfo *info)
{
    const struct ares_addrinfo_node *node;
    size_t count = 0;

    for (node = info->nodes; node != NULL; node = node->ai_next)
        count++;
    if (count == 0)
        return PRONG_ENOTFOUND;
    lookup->addresses = calloc(count, sizeof(struct prong_address));
    if (lookup->addresses == NULL)
        return -ENOMEM;
    for (node = info->nodes; node != NULL; node = node->ai_next) {
        struct prong_address *address = &lookup->addresses[lookup->count];

        prong_address_from_sockaddr(address, node->ai_addr, node->ai_addrlen);
        address->port = lookup->port;
        if (address->family != 0)
            lookup->count++;
    }
    return lookup->count > 0 ? 0 : PRONG_ENOTFOUND;
}

static void lookup_free(struct lookup *lookup)
{
    ev_clear_pending(lookup->resolver->loop->ev, &lookup->answer);
    free(lookup->addresses);
    free(lookup);
}

/* Nobody waits for it any more. */
static void lookup_forget(struct lookup *lookup)
{
    lookup->on_done = NULL;
    lookup->resolver->waiting--;
    lookup->resolver->loop->objects--;
}

/* c-ares calls this at once for what stands in /etc/hosts: the answer goes through the loop. */
static void on_ares(void *data, int status, int timeouts, struct ares_addrinfo *info)
{
    struct lookup *lookup = data;

    (void)timeouts;
    lookup->running = false;
    lookup->error = code_of(status);
    if (lookup->error == 0)
        lookup->error = take_addresses(lookup, info);
    ares_freeaddrinfo(info);
    if (lookup->on_done == NULL) {
        lookup_free(lookup);
        return;
    }
    ev_feed_event(lookup->resolver->loop->ev, &lookup->answer, EV_CUSTOM);
}

static void on_answer(struct ev_loop *ev, struct ev_timer *answer, int revents)
{
    struct lookup *lookup = answer->data;
    on_lookup_done *on_done = lookup->on_done;

    (void)ev;
    (void)revents;
    lookup_forget(lookup);
    on_done(lookup->user, lookup->error, lookup->error == 0 ? lookup->addresses : NULL,
            lookup->error == 0 ? lookup->count : 0);
    lookup_free(lookup);
}

struct lookup *lookup_start(struct prong_loop *loop, const char *host, uint16_t port, int family,
                            on_lookup_done *on_done, void *user)
{
    struct ares_addrinfo_hints hints = {.ai_family = family, .ai_socktype = SOCK_STREAM};
    struct lookup *lookup;

    if (loop->resolver == NULL)
        loop->resolver = resolver_new(loop);
    if (loop->resolver == NULL)
        return NULL;
    lookup = calloc(1, sizeof(*lookup));
    if (lookup == NULL)
        return NULL;
    lookup->resolver = loop->resolver;
    lookup->on_done = on_done;
    lookup->user = user;
    lookup->port = port;
    lookup->running = true;
    ev_init(&lookup->answer, on_answer);
    lookup->answer.data = lookup;
    loop->resolver->waiting++;
    loop->objects++;
    ares_getaddrinfo(loop->resolver->channel, host, NULL, &hints, on_ares, lookup);
    rearm(loop->resolver);
    return lookup;
}

void lookup_cancel(struct lookup *lookup)
{
    struct resolver *resolver;

    if (lookup == NULL)
        return;
    resolver = lookup->resolver;
    lookup_forget(lookup);
    if (!lookup->running)
        lookup_free(lookup);
    /* A question that nobody waits for must not keep the loop alive. */
    if (resolver->waiting == 0)
        ares_cancel(resolver->channel);
}
