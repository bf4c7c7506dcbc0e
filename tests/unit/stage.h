/* SPDX-License-Identifier: MIT
 *
 * A stage on which every callback happens, and a call that a test makes inside one of them.
 *
 * What holds for every call in every callback is checked here: no callback comes from inside a
 * call, none after on_close, on_close at most once, and nothing is left in the end.
 */
#ifndef STAGE_H
#define STAGE_H

#include <prong/prong.h>

#include <stdbool.h>
#include <stddef.h>

enum event {
    SOCKET_LOOKUP,
    SOCKET_ATTEMPT,
    SOCKET_CONNECT,
    SOCKET_DATA,
    SOCKET_BUFFER,
    SOCKET_READ,
    SOCKET_HANGUP,
    SOCKET_DRAIN,
    SOCKET_END,
    SOCKET_FINISH,
    SOCKET_TIMEOUT,
    SOCKET_WRITTEN,
    SOCKET_ERROR,
    SOCKET_CLOSE,
    SERVER_LISTENING,
    SERVER_CONNECTION,
    SERVER_CONNECTION_CLOSE,
    SERVER_DROP,
    SERVER_ERROR,
    SERVER_CLOSE,
    LOOP_RESOLVE,
    LOOP_TIMER,
    EVENT_COUNT
};

extern const char *const event_names[EVENT_COUNT];

struct stage;

/* A call, or a few that belong together. */
struct call {
    const char *name;

    /* One of these.  The socket may be in any state, also closing. */
    void (*on_socket)(struct stage *stage, struct prong_socket *socket);
    void (*on_server)(struct stage *stage, struct prong_server *server);
};

extern const struct call socket_calls[], moving_calls[], server_calls[];
extern const size_t socket_call_count, moving_call_count, server_call_count;

/* Whom a call is made on: the object of the callback, or somebody else. */
enum target { SELF, OTHER, TARGET_COUNT };

#define ACTORS 32

/* A few are enough: some make their own callback come again. */
#define MAX_CALLS 3

struct stage {
    struct ev_loop *ev;
    struct prong_loop *loop;
    struct prong_server *server;
    struct prong_timer *timer;
    struct prong_address address; /* of the server */
    struct prong_block_list *list;

    struct prong_socket *actors[ACTORS]; /* who may still call back */
    struct prong_socket *client;         /* the one that the script leads; NULL: gone */
    struct prong_socket *accepted;       /* its other end */
    struct prong_socket *held[ACTORS];
    size_t held_count;

    enum event at;
    enum target target;
    const struct call *call; /* NULL: nothing is called */
    bool in_call;
    unsigned made; /* calls */
    bool seen[EVENT_COUNT];
};

/* Plays everything, with one call inside every callback of one kind. */
void play(struct stage *stage, enum event at, enum target target, const struct call *call);

/* --- For the play --- */

/* Fails the test, and says which call in which callback broke a promise. */
void stage_expect(const struct stage *stage, bool holds, const char *promise);

extern const struct prong_socket_events stage_events;
extern const struct prong_socket_events stage_buffer_events; /* with buffers of its own */
extern const struct prong_server_events stage_server_events;
void stage_on_written(struct prong_socket *socket, int error, void *user);
void stage_on_timer(struct prong_timer *timer, void *user);
void stage_resolve(struct prong_lookup *lookup, void *user);

/* A socket comes, goes without a callback, or begins anew. */
void stage_adopt(struct stage *stage, struct prong_socket *socket);
void stage_lose(struct stage *stage, struct prong_socket *socket);
void stage_revive(struct stage *stage, struct prong_socket *socket);

/* Until the end of the play. */
void stage_hold(struct stage *stage, struct prong_socket *socket);

/* Somebody who is not `socket`; NULL when there is nobody. */
struct prong_socket *stage_other(const struct stage *stage, const struct prong_socket *socket);

#endif
