/* SPDX-License-Identifier: MIT
 *
 * Sockets that write down what happens to them.
 */
#include "net_fixture.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

void note(struct record *record, const char *format, ...)
{
    size_t used = strlen(record->events);
    va_list arguments;
    char word[64];

    va_start(arguments, format);
    vsnprintf(word, sizeof(word), format, arguments);
    va_end(arguments);
    if (used + strlen(word) + 2 < sizeof(record->events)) {
        if (used > 0)
            record->events[used++] = ' ';
        strcpy(record->events + used, word);
    }
    if (record->then != NULL && record->when != NULL &&
        strncmp(word, record->when, strlen(record->when)) == 0)
        record->then(record);
}

void forget(struct record *record)
{
    record->events[0] = '\0';
    record->size = 0;
}

bool happened(const struct record *record, const char *text)
{
    return strstr(record->events, text) != NULL;
}

void assert_events(const struct record *record, const char *events)
{
    assert_string_equal(record->events, events);
}

static void on_lookup(struct prong_socket *socket, int error, const struct prong_address *address)
{
    struct record *record = prong_socket_user(socket);

    note(record, error < 0 ? "lookup:error" : "lookup:%d",
         address != NULL && address->family == AF_INET6 ? 6 : 4);
}

static void on_connect(struct prong_socket *socket)
{
    note(prong_socket_user(socket), "connect");
}

static void on_data(struct prong_socket *socket, const void *bytes, size_t size)
{
    struct record *record = prong_socket_user(socket);

    if (record->size + size <= sizeof(record->bytes))
        memcpy(record->bytes + record->size, bytes, size);
    record->size += size;
    note(record, "data:%zu", size);
}

static void on_drain(struct prong_socket *socket)
{
    note(prong_socket_user(socket), "drain");
}

static void on_end(struct prong_socket *socket)
{
    note(prong_socket_user(socket), "end");
}

static void on_finish(struct prong_socket *socket)
{
    note(prong_socket_user(socket), "finish");
}

static void on_timeout(struct prong_socket *socket)
{
    note(prong_socket_user(socket), "timeout");
}

static void on_error(struct prong_socket *socket, const struct prong_error_info *error)
{
    struct record *record = prong_socket_user(socket);

    record->error = *error;
    snprintf(record->host, sizeof(record->host), "%s", error->host != NULL ? error->host : "");
    note(record, "error");
}

static void on_close(struct prong_socket *socket, bool had_error)
{
    struct record *record = prong_socket_user(socket);

    record->had_error = had_error;
    note(record, "close");
    record->socket = NULL;
}

const struct prong_socket_events recording = {
    .on_lookup = on_lookup,
    .on_connect = on_connect,
    .on_data = on_data,
    .on_drain = on_drain,
    .on_end = on_end,
    .on_finish = on_finish,
    .on_timeout = on_timeout,
    .on_error = on_error,
    .on_close = on_close,
};

static void on_attempt(struct prong_socket *socket, enum prong_attempt_event event,
                       const struct prong_attempt *attempt)
{
    static const char *const names[] = {"started", "slow", "failed"};
    char text[PRONG_ADDRESS_TEXT_SIZE];

    note(prong_socket_user(socket), "attempt:%s:%s", names[event],
         prong_address_format_ip(&attempt->address, text, sizeof(text)));
}

static void on_hangup(struct prong_socket *socket)
{
    note(prong_socket_user(socket), "hangup");
}

const struct prong_socket_events recording_all = {
    .on_lookup = on_lookup,
    .on_attempt = on_attempt,
    .on_connect = on_connect,
    .on_data = on_data,
    .on_hangup = on_hangup,
    .on_drain = on_drain,
    .on_end = on_end,
    .on_finish = on_finish,
    .on_timeout = on_timeout,
    .on_error = on_error,
    .on_close = on_close,
};

void note_written(struct prong_socket *socket, int error, void *label)
{
    struct record *record = prong_socket_user(socket);

    if (error == 0)
        note(record, "written:%s", (const char *)label);
    else
        note(record, "written:%s:%s", (const char *)label, prong_error_name(error));
}

static void on_listening(struct prong_server *server)
{
    note(&((struct net *)prong_server_user(server))->listener, "listening");
}

static void on_connection(struct prong_server *server, struct prong_socket *socket)
{
    struct net *net = prong_server_user(server);

    net->accepted.socket = socket;
    note(&net->listener, "connection");
}

static void on_connection_close(struct prong_server *server, struct prong_socket *socket)
{
    (void)socket;
    note(&((struct net *)prong_server_user(server))->listener, "gone");
}

static void on_drop(struct prong_server *server, const struct prong_drop *drop)
{
    note(&((struct net *)prong_server_user(server))->listener, "drop:%d", (int)drop->reason);
}

static void on_server_error(struct prong_server *server, const struct prong_error_info *error)
{
    struct net *net = prong_server_user(server);

    net->listener.error = *error;
    note(&net->listener, "error");
}

static void on_server_close(struct prong_server *server)
{
    note(&((struct net *)prong_server_user(server))->listener, "close");
}

static const struct prong_server_events listening = {
    .on_listening = on_listening,
    .on_connection = on_connection,
    .on_connection_close = on_connection_close,
    .on_drop = on_drop,
    .on_error = on_server_error,
    .on_close = on_server_close,
};

int net_setup(void **state)
{
    struct net *net = calloc(1, sizeof(*net));

    assert_non_null(net);
    net->ev = ev_loop_new(EVBACKEND_EPOLL | EVFLAG_NOENV);
    assert_non_null(net->ev);
    net->loop = prong_loop_new(net->ev);
    assert_non_null(net->loop);
    prong_server_options_init(&net->options);
    net->options.socket_events = &recording;
    net->options.socket_user = &net->accepted;
    net->listener.net = net->accepted.net = net->client.net = net;
    net->server = prong_server_new(net->loop, &net->options, &listening, net);
    assert_non_null(net->server);
    *state = net;
    return 0;
}

static bool destroy(struct prong_socket *socket, void *user)
{
    (void)user;
    prong_socket_destroy(socket, 0);
    return true;
}

int net_teardown(void **state)
{
    struct net *net = *state;

    net->client.then = net->accepted.then = net->listener.then = NULL;
    if (net->server != NULL)
        prong_server_each_connection(net->server, destroy, NULL);
    if (net->client.socket != NULL)
        prong_socket_destroy(net->client.socket, 0);
    run_idle(net);
    prong_server_free(net->server);
    run_idle(net);
    assert_int_equal(prong_loop_free(net->loop), 0);
    ev_loop_destroy(net->ev);
    free(net);
    return 0;
}

void net_listen(struct net *net)
{
    struct prong_address address;

    /* A test may have changed the options: they are copied by prong_server_new(). */
    prong_server_free(net->server);
    net->server = prong_server_new(net->loop, &net->options, &listening, net);
    assert_int_equal(prong_server_listen(net->server, "127.0.0.1", 0, NULL), 0);
    assert_int_equal(prong_server_address(net->server, &address), 0);
    net->port = address.port;
}

void net_client(struct net *net, const struct prong_socket_options *options)
{
    net->client.socket = prong_socket_new(net->loop, options, &recording_all, &net->client);
    assert_non_null(net->client.socket);
}

struct prong_address net_address(const struct net *net)
{
    struct prong_address address;

    assert_int_equal(prong_server_address(net->server, &address), 0);
    return address;
}

void net_connect(struct net *net)
{
    net->client.socket = prong_socket_new(net->loop, NULL, &recording, &net->client);
    assert_non_null(net->client.socket);
    assert_int_equal(prong_socket_connect(net->client.socket, "127.0.0.1", net->port), 0);
}

void net_pair(struct net *net)
{
    net_listen(net);
    net_connect(net);
    run_until(net, &net->client, "connect");
    run_until(net, &net->listener, "connection");
}

int net_raw_pair(struct net *net)
{
    int fd;

    net_listen(net);
    fd = net_raw_client(net);
    run_until(net, &net->listener, "connection");
    return fd;
}

static void on_tick(struct ev_loop *ev, struct ev_timer *timer, int revents)
{
    (void)ev;
    (void)timer;
    (void)revents;
}

/* Turns the loop until `is_done`, with a timer beside it so that a quiet loop still turns. */
static bool turn_until(struct net *net, bool (*is_done)(const void *), const void *what)
{
    struct ev_timer tick;
    ev_tstamp end = ev_time() + 10.;

    ev_timer_init(&tick, on_tick, 0.01, 0.01);
    ev_timer_start(net->ev, &tick);
    while (!is_done(what) && ev_time() < end)
        ev_run(net->ev, EVRUN_ONCE);
    ev_timer_stop(net->ev, &tick);
    return is_done(what);
}

struct wish {
    const struct record *record;
    const char *text;
    size_t size;
};

static bool has_happened(const void *what)
{
    const struct wish *wish = what;

    return happened(wish->record, wish->text);
}

static bool has_arrived(const void *what)
{
    const struct wish *wish = what;

    return wish->record->size >= wish->size;
}

void run_until(struct net *net, const struct record *record, const char *text)
{
    struct wish wish = {.record = record, .text = text};

    if (!turn_until(net, has_happened, &wish))
        fail_msg("\"%s\" did not happen; what did: \"%s\"", text, record->events);
}

void run_until_bytes(struct net *net, const struct record *record, size_t size)
{
    struct wish wish = {.record = record, .size = size};

    if (!turn_until(net, has_arrived, &wish))
        fail_msg("%zu bytes did not arrive but %zu", size, record->size);
}

static bool is_over(const void *what)
{
    const ev_tstamp *end = what;

    return ev_time() >= *end;
}

void run_for(struct net *net, unsigned ms)
{
    ev_tstamp end = ev_time() + ms / 1e3;

    assert_true(turn_until(net, is_over, &end));
}

void run_idle(struct net *net)
{
    /* Loopback delivers in the sender's system call: a few turns see everything. */
    for (int i = 0; i < 8; i++)
        ev_run(net->ev, EVRUN_NOWAIT);
}

unsigned net_kernel_mask(const struct net *net, const struct prong_server *server)
{
    char path[64], line[256];
    unsigned mask, found = 0;
    int target;
    FILE *info;

    snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", prong_loop_epoll_fd(net->loop));
    info = fopen(path, "re");
    assert_non_null(info);
    while (fgets(line, sizeof(line), info) != NULL) {
        if (sscanf(line, "tfd: %d events: %x", &target, &mask) == 2 &&
            target == prong_server_fd(server))
            found = mask;
    }
    fclose(info);
    return found;
}
