/* SPDX-License-Identifier: MIT
 *
 * c-ares on libev.
 */
#include "resolver.h"

#include "lookup.h"
#include "loop_internal.h"

#include <prong/error.h>

#include <ares.h>
#include <ares_nameser.h>
#include <assert.h>
#include <errno.h>
#include <limits.h>
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
    ares_destroy(resolver->channel);
    while (resolver->watches != NULL)
        watch_free(resolver, &resolver->watches);
    ev_timer_stop(resolver->loop->ev, &resolver->timer);
    ares_library_cleanup();
    free(resolver);
}

static int code_of(int status)
{
    switch (status) {
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

static size_t count_nodes(const struct ares_addrinfo *info)
{
    size_t count = 0;

    for (const struct ares_addrinfo_node *node = info->nodes; node != NULL; node = node->ai_next)
        count++;
    return count;
}

/* The shortest of all that make up the answer. */
static uint32_t ttl_of(const struct ares_addrinfo *info)
{
    int shortest = INT_MAX;

    for (const struct ares_addrinfo_node *node = info->nodes; node != NULL; node = node->ai_next)
        shortest = node->ai_ttl < shortest ? node->ai_ttl : shortest;
    for (const struct ares_addrinfo_cname *name = info->cnames; name != NULL; name = name->next)
        shortest = name->ttl < shortest ? name->ttl : shortest;
    return shortest > 0 && shortest < INT_MAX ? (uint32_t)shortest : 0;
}

static void answer(struct prong_lookup *lookup, const struct ares_addrinfo *info)
{
    struct prong_address *addresses = calloc(count_nodes(info) + 1, sizeof(*addresses));
    size_t count = 0;

    if (addresses == NULL) {
        prong_lookup_answer(lookup, -ENOMEM, NULL, 0);
        return;
    }
    for (const struct ares_addrinfo_node *node = info->nodes; node != NULL; node = node->ai_next)
        prong_address_from_sockaddr(&addresses[count++], node->ai_addr, node->ai_addrlen);
    lookup->ttl_s = ttl_of(info);
    prong_lookup_answer(lookup, 0, addresses, count);
    free(addresses);
}

/* c-ares calls this at once for what stands in /etc/hosts: the answer goes through the loop. */
static void on_ares(void *data, int status, int timeouts, struct ares_addrinfo *info)
{
    (void)timeouts;
    if (status == ARES_SUCCESS)
        answer(data, info);
    else
        prong_lookup_answer(data, code_of(status), NULL, 0);
    ares_freeaddrinfo(info);
}

static struct resolver *resolver_of(struct prong_loop *loop)
{
    if (loop->resolver == NULL)
        loop->resolver = resolver_new(loop);
    return loop->resolver;
}

void resolver_ask(struct prong_lookup *lookup)
{
    struct ares_addrinfo_hints hints = {.ai_family = lookup->family, .ai_socktype = SOCK_STREAM};
    struct resolver *resolver = resolver_of(lookup->loop);

    if (resolver == NULL) {
        prong_lookup_answer(lookup, -ENOMEM, NULL, 0);
        return;
    }
    lookup->resolver = resolver;
    resolver->waiting++;
    ares_getaddrinfo(resolver->channel, lookup->host, NULL, &hints, on_ares, lookup);
    rearm(resolver);
}

void resolver_leave(struct resolver *resolver)
{
    if (--resolver->waiting > 0)
        return;
    ares_cancel(resolver->channel);
    rearm(resolver);
}

int prong_loop_set_name_servers(struct prong_loop *loop, const char *servers)
{
    struct resolver *resolver = resolver_of(loop);

    if (resolver == NULL)
        return -ENOMEM;
    if (resolver->waiting > 0)
        return -EBUSY;
    if (*servers == '\0')
        return -EINVAL;
    switch (ares_set_servers_ports_csv(resolver->channel, servers)) {
    case ARES_SUCCESS:
        return 0;
    case ARES_ENOMEM:
        return -ENOMEM;
    default:
        return -EINVAL;
    }
}
