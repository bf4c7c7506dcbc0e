/* SPDX-License-Identifier: MIT
 *
 * Trying, failing, waiting.
 */
#include "searches.h"

#include <errno.h>
#include <prong/address.h>
#include <prong/congestion.h>
#include <prong/connect.h>
#include <prong/error.h>
#include <prong/proxy_header.h>
#include <prong/socket.h>
#include <prong/timer.h>
#include <prongd/service.h>
#include <stdlib.h>
#include <time.h>

#include "pair.h"
#include "proxy_counters.h"
#include "proxy_options.h"
#include "upstreams.h"

struct search {
    struct search *next, *previous; /* of those that wait, when there is no socket */
    struct searches *owner;
    struct prong_socket *client;
    struct prong_socket *socket; /* NULL: it waits until there is an upstream to try */
    struct upstream *place;      /* with the socket */
    uint64_t started_us;         /* as the socket began to connect */
    int error;                   /* of the socket */
    struct upstream_tries tries;
    uint64_t deadline_ms;
};

struct searches {
    struct prongd_service *service;
    struct upstreams *upstreams;
    const struct proxy_config *config;
    struct prong_address local;     /* connect_from; family 0: any */
    const char *congestion_control; /* to upstreams; NULL: the system's */
    struct search *first, *last;    /* that wait, the oldest first */
    struct prong_timer *look;       /* after them; runs while there is any */
};

static uint64_t now_us(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

static uint64_t now_ms(void)
{
    return now_us() / 1000;
}

static uint64_t left_ms(const struct search *search)
{
    uint64_t now = now_ms();

    return now < search->deadline_ms ? search->deadline_ms - now : 0;
}

/* --- Those that wait --- */

static void wait_for_change(struct search *search)
{
    struct searches *owner = search->owner;

    search->next = NULL;
    search->previous = owner->last;
    if (owner->last != NULL)
        owner->last->next = search;
    else
        owner->first = search;
    owner->last = search;
    if (!prong_timer_is_active(owner->look))
        prong_timer_start(owner->look, left_ms(owner->first), 0);
}

static void stop_waiting(struct search *search)
{
    struct searches *owner = search->owner;

    if (search->previous != NULL)
        search->previous->next = search->next;
    else
        owner->first = search->next;
    if (search->next != NULL)
        search->next->previous = search->previous;
    else
        owner->last = search->previous;
    if (owner->first == NULL)
        prong_timer_stop(owner->look);
}

/* --- One search --- */

/* No upstream can be had. */
static void give_up(struct search *search, int error)
{
    struct prong_socket *client = search->client;

    prongd_count(prongd_service(client), PROXY_COUNT_UNSERVED, 1);
    prongd_log(client, PRONGD_LOG_WARNING, "client refused reason=\"no upstream\" error=\"%s\"",
               prong_error_text(error));
    pair_of(client)->search = NULL;
    free(search);
    prong_socket_destroy(client, 0);
}

static void try_next(struct search *search);

/* Before its first byte.  Where it connected to is what it knows: our own address. */
static void introduce(struct prong_socket *client, struct prong_socket *socket, int send_proxy)
{
    enum prong_proxy_version version =
        send_proxy == PROXY_SEND_V1 ? PRONG_PROXY_V1 : PRONG_PROXY_V2;
    struct prong_address source = {0}, destination = {0};
    uint8_t header[PRONG_PROXY_HEADER_SIZE];
    size_t size;

    (void)prong_socket_remote(client, &source);
    (void)prong_socket_local(client, &destination);
    size = prong_proxy_header_write(header, version, &source, &destination);
    (void)prong_socket_write(socket, header, size); /* what fails is told by on_error */
}

/* A unix socket has none. */
static void set_congestion_control(const struct search *search, const struct prong_socket *socket)
{
    const char *name = search->owner->congestion_control;

    if (name != NULL)
        (void)prong_congestion_set(prong_socket_fd(socket), name);
}

static void on_connect(struct prong_socket *socket)
{
    struct search *search = prong_socket_user(socket);
    struct prong_socket *client = search->client;
    struct pair *pair = pair_of(client);

    prong_socket_forget_connect(socket);
    set_congestion_control(search, socket);
    upstream_connected(search->place, now_us() - search->started_us);
    pair->place = search->place;
    pair->upstream_number = upstream_number(search->place);
    pair->connect_ms = (uint32_t)(search->owner->config->connect_timeout_ms - left_ms(search));
    pair->search = NULL;
    if (search->owner->config->send_proxy != PROXY_SEND_NONE)
        introduce(client, socket, search->owner->config->send_proxy);
    free(search);
    pair_join(client, socket);
    pair_enter(pair, PAIR_OPEN);
    prong_socket_resume(client);
}

static void on_error(struct prong_socket *socket, const struct prong_error_info *error)
{
    struct search *search = prong_socket_user(socket);

    search->error = error->code;
}

static void on_close(struct prong_socket *socket, bool had_error)
{
    struct search *search = prong_socket_user(socket);
    struct upstream *place = search->place;
    char text[PRONG_ADDRESS_TEXT_SIZE];

    (void)had_error;
    prongd_log(search->client, PRONGD_LOG_INFO, "upstream failed upstream=%s error=\"%s\"",
               prong_address_format(upstream_address(place), text, sizeof(text)),
               prong_error_text(search->error));
    search->socket = NULL;
    search->place = NULL;
    upstream_failed(place, search->error);
    try_next(search);
}

static const struct prong_socket_events search_events = {
    .on_connect = on_connect, .on_error = on_error, .on_close = on_close};

/* NULL with errno: there is too little memory. */
static struct prong_socket *new_socket(struct search *search)
{
    const struct searches *owner = search->owner;
    uint64_t most = owner->config->try_timeout_ms, left = left_ms(search);
    struct prong_socket_options options;

    prong_socket_options_init(&options);
    options.allow_half_open = true;
    options.no_delay = true;
    options.high_water_mark = prong_socket_high_water_mark(search->client);
    options.connect_timeout_ms = (uint32_t)(left < most ? left : most);
    if (options.connect_timeout_ms == 0)
        options.connect_timeout_ms = 1; /* its last millisecond has just passed; 0 is no limit */
    if (owner->local.family == upstream_address(search->place)->family)
        options.connect.local = owner->local;
    return prong_socket_new(prongd_loop(owner->service), &options, &search_events, search);
}

/* What the kernel refuses at once comes as an error of the socket, too. */
static int connect_to(struct search *search, struct upstream *place)
{
    int error;

    search->place = place;
    search->socket = new_socket(search);
    if (search->socket == NULL)
        return -ENOMEM;
    search->started_us = now_us();
    error = prong_socket_connect_address(search->socket, upstream_address(place));
    if (error < 0)
        prong_socket_destroy(search->socket, error);
    return 0;
}

static void try_next(struct search *search)
{
    struct upstream *place;

    if (left_ms(search) == 0) {
        give_up(search, -ETIMEDOUT);
        return;
    }
    place = upstreams_choose(search->owner->upstreams, search->client, &search->tries);
    if (place == NULL && errno == EAGAIN) {
        wait_for_change(search);
    } else if (place == NULL) {
        give_up(search, search->error < 0 ? search->error : -errno);
    } else if (connect_to(search, place) < 0) {
        upstream_canceled(place);
        give_up(search, -ENOMEM);
    }
}

void searches_begin(struct prong_socket *client)
{
    struct searches *owner = proxy_of(client)->searches;
    struct search *search = calloc(1, sizeof(*search));

    if (search == NULL) {
        prong_socket_destroy(client, -ENOMEM);
        return;
    }
    search->owner = owner;
    search->client = client;
    search->deadline_ms = now_ms() + owner->config->connect_timeout_ms;
    pair_of(client)->search = search;
    pair_enter(pair_of(client), PAIR_CONNECTING);
    prong_socket_pause(client);
    try_next(search);
}

void search_cancel(struct search *search)
{
    if (search->socket == NULL) {
        stop_waiting(search);
    } else {
        prong_socket_set_events(search->socket, NULL, NULL);
        prong_socket_destroy(search->socket, 0);
        upstream_canceled(search->place);
    }
    free(search);
}

/* --- All of them --- */

/* Each once: who has to wait on is in a new list. */
static void on_look(struct prong_timer *timer, void *user)
{
    struct searches *searches = user;
    struct search *next;

    (void)timer;
    next = searches->first;
    searches->first = searches->last = NULL;
    while (next != NULL) {
        struct search *search = next;

        next = search->next;
        try_next(search);
    }
}

/* Not from inside whatever has changed. */
static void on_change(void *user)
{
    struct searches *searches = user;

    if (searches->first != NULL)
        prong_timer_start(searches->look, 0, 0);
}

/* This process may have fewer rights than who checked the configuration.  NULL: the system's. */
static const char *find_congestion_control(struct prongd_service *service, const char *name)
{
    int error = name != NULL ? prong_congestion_check(name) : 0;

    if (error == 0)
        return name;
    prongd_service_log(service, PRONGD_LOG_WARNING,
                       "the congestion control is refused upstream_congestion_control=%s "
                       "error=\"%s\"",
                       name, prong_error_text(error));
    return NULL;
}

struct searches *searches_new(struct prongd_service *service, struct upstreams *upstreams)
{
    const struct proxy_config *config = prongd_service_config(service);
    struct searches *searches = calloc(1, sizeof(*searches));

    if (searches == NULL)
        return NULL;
    searches->service = service;
    searches->upstreams = upstreams;
    searches->config = config;
    if (config->connect_from != NULL &&
        prong_address_from_ip(&searches->local, config->connect_from, 0) < 0)
        searches->local.family = 0; /* the name of its zone is no interface any more */
    searches->congestion_control =
        find_congestion_control(service, config->upstream_congestion_control);
    searches->look = prong_timer_new(prongd_loop(service), on_look, searches);
    if (searches->look == NULL) {
        free(searches);
        return NULL;
    }
    upstreams_watch(upstreams, on_change, searches);
    return searches;
}

void searches_free(struct searches *searches)
{
    if (searches == NULL)
        return;
    prong_timer_free(searches->look);
    free(searches);
}
