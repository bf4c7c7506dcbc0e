/* SPDX-License-Identifier: MIT
 *
 * libmicrohttpd in our loop: it has an epoll descriptor of its own, which we watch.
 */
#include "http.h"

#include <errno.h>
#include <ev.h>
#include <microhttpd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "metrics.h"
#include "snapshot.h"
#include "status_page.h"

#define MAX_CLIENTS      64
#define MAX_OF_ADDRESS   16
#define TIMEOUT_S        10U
#define MEMORY_OF_CLIENT (16U * 1024)

struct http {
    struct ev_loop *loop;
    struct MHD_Daemon *daemon;
    const struct snapshot *snapshot;
    ev_io ready;
    ev_timer timer;
};

/* --- What there is --- */

struct body {
    char *bytes; /* malloc'ed */
    size_t size;
    unsigned status;
};

static struct body print_sentence(const char *wrong)
{
    struct body body = {.status = wrong == NULL ? MHD_HTTP_OK : MHD_HTTP_SERVICE_UNAVAILABLE};
    int size = asprintf(&body.bytes, "%s\n", wrong == NULL ? "ok" : wrong);

    if (size < 0)
        body.bytes = NULL;
    body.size = size < 0 ? 0 : (size_t)size;
    return body;
}

static struct body print_health(const struct snapshot *snapshot)
{
    return print_sentence(snapshot_sickness(snapshot));
}

static struct body print_readiness(const struct snapshot *snapshot)
{
    return print_sentence(snapshot_unreadiness(snapshot));
}

static struct body print_metrics(const struct snapshot *snapshot)
{
    struct body body = {.status = MHD_HTTP_OK};
    FILE *stream;

    if (snapshot_sickness(snapshot) != NULL)
        return print_health(snapshot);
    stream = open_memstream(&body.bytes, &body.size);
    if (stream == NULL)
        return (struct body){0};
    metrics_print(stream, snapshot->status);
    if (fclose(stream) == 0)
        return body;
    free(body.bytes);
    return (struct body){0};
}

static struct body print_status(const struct snapshot *snapshot)
{
    struct body body = {.status = MHD_HTTP_OK};
    json_t *status = snapshot_json(snapshot);

    if (snapshot->on_look != NULL)
        snapshot->on_look(snapshot->user);

    body.bytes = json_dumps(status, JSON_COMPACT);
    body.size = body.bytes != NULL ? strlen(body.bytes) : 0;
    json_decref(status);
    return body;
}

static struct body print_page(const struct snapshot *snapshot)
{
    struct body body = {
        .status = MHD_HTTP_OK, .bytes = malloc(status_page_size), .size = status_page_size};

    (void)snapshot;
    if (body.bytes != NULL)
        memcpy(body.bytes, status_page, status_page_size);
    return body;
}

static const struct {
    const char *path;
    const char *type;
    struct body (*print)(const struct snapshot *snapshot);
} places[] = {
    {"/", "text/html; charset=utf-8", print_page},
    {"/status.json", "application/json", print_status},
    {"/metrics", METRICS_CONTENT_TYPE, print_metrics},
    {"/healthz", "text/plain; charset=utf-8", print_health},
    {"/readyz", "text/plain; charset=utf-8", print_readiness},
};

#define PLACE_COUNT (sizeof(places) / sizeof(places[0]))

/* --- Answers --- */

static const struct {
    const char *name;
    const char *value;
} headers[] = {
    {"Cache-Control", "no-store"},
    {"X-Content-Type-Options", "nosniff"},
    {"Referrer-Policy", "no-referrer"},
    {"Content-Security-Policy", "default-src 'none'; connect-src 'self'; img-src data:; "
                                "style-src 'unsafe-inline'; script-src 'unsafe-inline'; "
                                "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"},
};

/* Takes the body. */
static enum MHD_Result send_body(struct MHD_Connection *client, struct body *body, const char *type)
{
    struct MHD_Response *response;
    enum MHD_Result result;

    if (body->bytes == NULL)
        return MHD_NO;
    response = MHD_create_response_from_buffer(body->size, body->bytes, MHD_RESPMEM_MUST_FREE);
    if (response == NULL) {
        free(body->bytes);
        return MHD_NO;
    }
    MHD_add_response_header(response, "Content-Type", type);
    for (size_t i = 0; i < sizeof(headers) / sizeof(headers[0]); i++)
        MHD_add_response_header(response, headers[i].name, headers[i].value);
    if (body->status == MHD_HTTP_METHOD_NOT_ALLOWED)
        MHD_add_response_header(response, "Allow", "GET, HEAD");
    result = MHD_queue_response(client, body->status, response);
    MHD_destroy_response(response);
    return result;
}

static enum MHD_Result refuse(struct MHD_Connection *client, unsigned status, const char *why)
{
    struct body body = print_sentence(why);

    body.status = status;
    return send_body(client, &body, "text/plain; charset=utf-8");
}

/* The library calls it once for the head of a request, and again for its body.
 * NOLINTNEXTLINE(readability-function-size): an MHD_AccessHandlerCallback has so many parameters */
static enum MHD_Result on_request(void *user, struct MHD_Connection *client, const char *path,
                                  const char *method, const char *version, const char *data,
                                  size_t *data_size, void **state)
{
    const struct http *http = user;

    (void)version;
    (void)data;
    (void)state;
    if (strcmp(method, MHD_HTTP_METHOD_GET) != 0 && strcmp(method, MHD_HTTP_METHOD_HEAD) != 0) {
        *data_size = 0;
        return refuse(client, MHD_HTTP_METHOD_NOT_ALLOWED, "only GET and HEAD are answered");
    }
    for (size_t i = 0; i < PLACE_COUNT; i++) {
        if (strcmp(places[i].path, path) == 0) {
            struct body body = places[i].print(http->snapshot);

            return send_body(client, &body, places[i].type);
        }
    }
    return refuse(client, MHD_HTTP_NOT_FOUND,
                  "there is /, /status.json, /metrics, /healthz and /readyz");
}

/* --- In the loop --- */

static void run(struct http *http)
{
    MHD_UNSIGNED_LONG_LONG timeout_ms;

    MHD_run(http->daemon);
    if (MHD_get_timeout(http->daemon, &timeout_ms) == MHD_YES) {
        http->timer.repeat = timeout_ms > 0 ? (double)timeout_ms / 1000 : 0.001;
        ev_timer_again(http->loop, &http->timer);
    } else {
        ev_timer_stop(http->loop, &http->timer);
    }
}

static void on_ready(struct ev_loop *loop, ev_io *io, int revents)
{
    (void)loop;
    (void)revents;
    run(io->data);
}

static void on_timer(struct ev_loop *loop, ev_timer *timer, int revents)
{
    (void)loop;
    (void)revents;
    run(timer->data);
}

static struct MHD_Daemon *start_daemon(int fd, struct http *http)
{
    return MHD_start_daemon(
        MHD_USE_EPOLL, 0, NULL, NULL, on_request, http, MHD_OPTION_LISTEN_SOCKET, fd,
        MHD_OPTION_CONNECTION_LIMIT, (unsigned)MAX_CLIENTS, MHD_OPTION_PER_IP_CONNECTION_LIMIT,
        (unsigned)MAX_OF_ADDRESS, MHD_OPTION_CONNECTION_TIMEOUT, TIMEOUT_S,
        MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)MEMORY_OF_CLIENT, MHD_OPTION_END);
}

struct http *http_new(struct ev_loop *loop, int fd, const struct snapshot *snapshot)
{
    struct http *http = calloc(1, sizeof(*http));
    const union MHD_DaemonInfo *info;

    if (http != NULL)
        http->daemon = start_daemon(fd, http);
    if (http == NULL || http->daemon == NULL) {
        close(fd);
        free(http);
        errno = ENOMEM;
        return NULL;
    }
    http->loop = loop;
    http->snapshot = snapshot;
    info = MHD_get_daemon_info(http->daemon, MHD_DAEMON_INFO_EPOLL_FD);
    ev_io_init(&http->ready, on_ready, info->epoll_fd, EV_READ);
    http->ready.data = http;
    ev_io_start(loop, &http->ready);
    ev_init(&http->timer, on_timer);
    http->timer.data = http;
    return http;
}

void http_free(struct http *http)
{
    if (http == NULL)
        return;
    ev_io_stop(http->loop, &http->ready);
    ev_timer_stop(http->loop, &http->timer);
    MHD_stop_daemon(http->daemon); /* closes the handle */
    free(http);
}
