/* SPDX-License-Identifier: MIT
 *
 * Who is on the stage, and what they are told.
 */
#include "stage.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

const char *const event_names[EVENT_COUNT] = {
    [SOCKET_LOOKUP] = "on_lookup",
    [SOCKET_ATTEMPT] = "on_attempt",
    [SOCKET_CONNECT] = "on_connect",
    [SOCKET_DATA] = "on_data",
    [SOCKET_BUFFER] = "on_buffer",
    [SOCKET_READ] = "on_read",
    [SOCKET_HANGUP] = "on_hangup",
    [SOCKET_DRAIN] = "on_drain",
    [SOCKET_END] = "on_end",
    [SOCKET_FINISH] = "on_finish",
    [SOCKET_TIMEOUT] = "on_timeout",
    [SOCKET_WRITTEN] = "on_written",
    [SOCKET_ERROR] = "on_error",
    [SOCKET_CLOSE] = "on_close",
    [SERVER_LISTENING] = "server.on_listening",
    [SERVER_CONNECTION] = "server.on_connection",
    [SERVER_CONNECTION_CLOSE] = "server.on_connection_close",
    [SERVER_DROP] = "server.on_drop",
    [SERVER_ERROR] = "server.on_error",
    [SERVER_CLOSE] = "server.on_close",
    [LOOP_RESOLVE] = "resolve",
    [LOOP_TIMER] = "on_timer",
};

void stage_expect(const struct stage *stage, bool holds, const char *promise)
{
    if (!holds)
        fail_msg("%s in %s%s: not so: %s", stage->call != NULL ? stage->call->name : "nothing",
                 stage->at < EVENT_COUNT ? event_names[stage->at] : "none",
                 stage->target == OTHER ? " of another" : "", promise);
}

/* --- Actors --- */

static bool is_on(const struct stage *stage, const struct prong_socket *socket)
{
    for (size_t i = 0; i < ACTORS; i++) {
        if (stage->actors[i] == socket)
            return true;
    }
    return false;
}

static void replace(struct stage *stage, const struct prong_socket *old, struct prong_socket *with)
{
    size_t i = 0;

    while (i < ACTORS && stage->actors[i] != old)
        i++;
    stage_expect(stage, i < ACTORS, "there are few actors");
    stage->actors[i] = with;
}

void stage_adopt(struct stage *stage, struct prong_socket *socket)
{
    stage_expect(stage, !is_on(stage, socket), "a new socket is new");
    replace(stage, NULL, socket);
}

void stage_lose(struct stage *stage, struct prong_socket *socket)
{
    if (is_on(stage, socket))
        replace(stage, socket, NULL);
    if (stage->client == socket)
        stage->client = NULL;
    if (stage->accepted == socket)
        stage->accepted = NULL;
}

void stage_revive(struct stage *stage, struct prong_socket *socket)
{
    if (!is_on(stage, socket))
        stage_adopt(stage, socket);
}

void stage_hold(struct stage *stage, struct prong_socket *socket)
{
    if (stage->held_count == ACTORS)
        return;
    prong_socket_hold(socket);
    stage->held[stage->held_count++] = socket;
}

struct prong_socket *stage_other(const struct stage *stage, const struct prong_socket *socket)
{
    if (stage->client != NULL && stage->client != socket)
        return stage->client;
    if (stage->accepted != NULL && stage->accepted != socket)
        return stage->accepted;
    for (size_t i = 0; i < ACTORS; i++) {
        if (stage->actors[i] != NULL && stage->actors[i] != socket)
            return stage->actors[i];
    }
    return NULL;
}

/* --- The call --- */

static void make_call(struct stage *stage, struct prong_socket *self)
{
    struct prong_socket *socket = self;

    if (stage->target == OTHER || socket == NULL)
        socket = stage_other(stage, self);
    stage->in_call = true;
    if (stage->call->on_server != NULL && stage->server != NULL)
        stage->call->on_server(stage, stage->server);
    if (stage->call->on_socket != NULL && socket != NULL)
        stage->call->on_socket(stage, socket);
    stage->in_call = false;
    stage->made++;
}

/* Every callback comes here. */
static void happen(struct stage *stage, enum event event, struct prong_socket *socket)
{
    stage_expect(stage, !stage->in_call, "no callback comes from inside a call");
    stage_expect(stage, socket == NULL || is_on(stage, socket),
                 "what has closed or left is silent");
    stage->seen[event] = true;
    if (stage->call != NULL && stage->at == event && stage->made < MAX_CALLS)
        make_call(stage, socket);
}

/* --- Callbacks of sockets --- */

static void on_lookup(struct prong_socket *socket, int error, const struct prong_address *address)
{
    (void)error;
    (void)address;
    happen(prong_socket_user(socket), SOCKET_LOOKUP, socket);
}

static void on_attempt(struct prong_socket *socket, enum prong_attempt_event event,
                       const struct prong_attempt *attempt)
{
    (void)event;
    (void)attempt;
    happen(prong_socket_user(socket), SOCKET_ATTEMPT, socket);
}

static void on_connect(struct prong_socket *socket)
{
    happen(prong_socket_user(socket), SOCKET_CONNECT, socket);
}

static void on_data(struct prong_socket *socket, const void *bytes, size_t size)
{
    (void)bytes;
    assert_true(size > 0);
    happen(prong_socket_user(socket), SOCKET_DATA, socket);
}

static void *on_buffer(struct prong_socket *socket, size_t *size)
{
    static char buffer[100];

    happen(prong_socket_user(socket), SOCKET_BUFFER, socket);
    *size = sizeof(buffer);
    return buffer;
}

static bool on_read(struct prong_socket *socket, void *bytes, size_t size)
{
    (void)bytes;
    assert_true(size > 0);
    happen(prong_socket_user(socket), SOCKET_READ, socket);
    return true;
}

static void on_hangup(struct prong_socket *socket)
{
    happen(prong_socket_user(socket), SOCKET_HANGUP, socket);
}

static void on_drain(struct prong_socket *socket)
{
    happen(prong_socket_user(socket), SOCKET_DRAIN, socket);
}

static void on_end(struct prong_socket *socket)
{
    happen(prong_socket_user(socket), SOCKET_END, socket);
}

static void on_finish(struct prong_socket *socket)
{
    happen(prong_socket_user(socket), SOCKET_FINISH, socket);
}

static void on_timeout(struct prong_socket *socket)
{
    happen(prong_socket_user(socket), SOCKET_TIMEOUT, socket);
}

void stage_on_written(struct prong_socket *socket, int error, void *user)
{
    struct stage *stage = user;

    /* Also of one that has moved away, or that nobody listens to any more. */
    happen(stage, SOCKET_WRITTEN, error == PRONG_EMOVED || !is_on(stage, socket) ? NULL : socket);
}

static void on_error(struct prong_socket *socket, const struct prong_error_info *error)
{
    assert_true(error->code < 0);
    assert_non_null(error->syscall);
    happen(prong_socket_user(socket), SOCKET_ERROR, socket);
}

static void on_close(struct prong_socket *socket, bool had_error)
{
    struct stage *stage = prong_socket_user(socket);

    (void)had_error;
    happen(stage, SOCKET_CLOSE, socket);
    if (prong_socket_state(socket) == PRONG_SOCKET_CLOSED)
        stage_lose(stage, socket);
}

#define COMMON_EVENTS                                                                       \
    .on_lookup = on_lookup, .on_attempt = on_attempt, .on_connect = on_connect,             \
    .on_hangup = on_hangup, .on_drain = on_drain, .on_end = on_end, .on_finish = on_finish, \
    .on_timeout = on_timeout, .on_error = on_error, .on_close = on_close

const struct prong_socket_events stage_events = {COMMON_EVENTS, .on_data = on_data};

const struct prong_socket_events stage_buffer_events = {COMMON_EVENTS, .on_buffer = on_buffer,
                                                        .on_read = on_read};

/* --- Callbacks of the server and of the loop --- */

static void on_listening(struct prong_server *server)
{
    happen(prong_server_user(server), SERVER_LISTENING, NULL);
}

static void on_connection(struct prong_server *server, struct prong_socket *socket)
{
    struct stage *stage = prong_server_user(server);

    stage_adopt(stage, socket);
    stage->accepted = socket;
    happen(stage, SERVER_CONNECTION, socket);
}

static void on_connection_close(struct prong_server *server, struct prong_socket *socket)
{
    (void)socket;
    happen(prong_server_user(server), SERVER_CONNECTION_CLOSE, NULL);
}

static void on_drop(struct prong_server *server, const struct prong_drop *drop)
{
    (void)drop;
    happen(prong_server_user(server), SERVER_DROP, NULL);
}

static void on_server_error(struct prong_server *server, const struct prong_error_info *error)
{
    assert_true(error->code < 0);
    happen(prong_server_user(server), SERVER_ERROR, NULL);
}

static void on_server_close(struct prong_server *server)
{
    happen(prong_server_user(server), SERVER_CLOSE, NULL);
}

const struct prong_server_events stage_server_events = {
    .on_listening = on_listening,
    .on_connection = on_connection,
    .on_connection_close = on_connection_close,
    .on_drop = on_drop,
    .on_error = on_server_error,
    .on_close = on_server_close,
};

void stage_resolve(struct prong_lookup *lookup, void *user)
{
    struct stage *stage = user;
    struct prong_address address;

    happen(stage, LOOP_RESOLVE, NULL);
    assert_int_equal(prong_address_from_ip(&address, "127.0.0.1", 0), 0);
    prong_lookup_answer(lookup, 0, &address, 1);
}

void stage_on_timer(struct prong_timer *timer, void *user)
{
    (void)timer;
    happen(user, LOOP_TIMER, NULL);
}
