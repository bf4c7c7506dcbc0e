/* SPDX-License-Identifier: MIT
 *
 * Every message between master and its children, a row each.
 */
#ifndef PRONGD_MESSAGE_H
#define PRONGD_MESSAGE_H

#include <prong/address.h>
#include <stdint.h>

/* MESSAGE(name, direction and meaning).  Between two releases new rows only at the end: old
 * workers, and keepers above all, live on over an upgrade. */
#define MESSAGES(MESSAGE)                                                                         \
    MESSAGE(READY, "worker to master: everything is prepared")                                    \
    MESSAGE(DRAINING, "worker to master: a signal told it to drain")                              \
    MESSAGE(ACCEPT, "master to worker: accept connections from now on")                           \
    MESSAGE(DRAIN, "master to worker: stop accepting, end when the last connection is gone")      \
    MESSAGE(STOP, "master to worker: close every connection and end now")                         \
    MESSAGE(PEER_GIVE, "master to worker: a channel to give connections to; struct message_peer") \
    MESSAGE(PEER_TAKE, "master to worker: a channel to take some from; struct message_peer")      \
    MESSAGE(LEAVE, "master to worker: stop accepting, give all connections away, then drain")     \
    MESSAGE(GIVE, "master to worker: give some connections away; struct message_give")            \
    MESSAGE(GAVE, "worker to master: done; struct message_gave")                                  \
    MESSAGE(LOG_REOPEN, "master to worker: open the log file anew")                               \
    MESSAGE(LOG_LEVEL, "master to worker: the level as a uint32_t")                               \
    MESSAGE(LOG_FORMAT, "master to worker: how log lines are written, as a uint32_t")             \
    MESSAGE(LOG_TARGET, "master to worker: where the log goes; of a file with its descriptor")    \
    MESSAGE(CLOSE_HANDLE, "master to worker: close a retired listening handle; its inode number") \
    MESSAGE(ACCESS_REOPEN,                                                                        \
            "master to worker: an access log's file, opened anew; the server's index")            \
    MESSAGE(ROSTER, "master to worker, keeper: list your connections; struct message_ask")        \
    MESSAGE(CLOSE, "master to worker, keeper: close these connections; struct message_ask")       \
    MESSAGE(DRAIN_SERVER, "master to worker: no new clients, or so again; struct message_drain")  \
    MESSAGE(TOLD, "to master: what was asked; struct message_told, perhaps a descriptor")         \
    MESSAGE(STATUS, "master to observer: what status says, as JSON in a file")                    \
    MESSAGE(RUN, "worker to keeper: a connection, for a program; struct message_run")             \
    MESSAGE(RETIRE, "master to keeper: take no more, end with the last program")                  \
    MESSAGE(FINISH, "master to keeper: take what waits, then as RETIRE")                          \
    MESSAGE(TERMINATE, "master to keeper: end all programs in so many milliseconds; uint64_t")    \
    MESSAGE(PROGRAMS, "keeper to master: what it runs; struct message_programs")                  \
    MESSAGE(LOOK, "observer to master: somebody looks; rosters, please")                          \
    MESSAGE(CROWD, "master to observer: a worker's roster; struct message_crowd, its descriptor") \
    MESSAGE(TAP, "master to worker: copy a connection's bytes into a pipe; struct message_tap")   \
    MESSAGE(REPORT, "master to keeper: say that you live, with PROGRAMS")

enum message {
#define MESSAGE(name, meaning) MESSAGE_##name,
    MESSAGES(MESSAGE)
#undef MESSAGE
        MESSAGE_COUNT
};

/* No server of that kind there. */
#define MESSAGE_NO_SERVER UINT32_MAX

/* The worker at the other end of a channel. */
struct message_peer {
    uint64_t generation;
    uint32_t slot;
    uint32_t server_count; /* of the receiver of this message */
    uint32_t servers[];    /* for each of them: its index at the peer, or MESSAGE_NO_SERVER */
};

struct message_give {
    uint32_t count;
    uint32_t spares; /* 1: none that moved lately */
};

struct message_gave {
    uint32_t moved;
    uint32_t kept;
    uint32_t departed; /* of those that moved: to another generation */
};

/* A question to all workers, and perhaps keepers, at once. */
struct message_ask {
    uint64_t ticket; /* which question it is */
    uint64_t ids[];  /* of connections, where it is about some */
};

/* With the writing end of a pipe (tap_stream.h). */
struct message_tap {
    uint64_t ticket;
    uint64_t connection;   /* its number */
    uint64_t bytes;        /* both ways, at least 1 */
    uint64_t milliseconds; /* at least 1 */
};

/* A server, or an item of its handler. */
struct message_drain {
    uint64_t ticket;  /* 0: nothing is to be told */
    uint64_t drained; /* 0: it is so no more */
    char names[];     /* of the server and of the item ("": none), each ends with a NUL */
};

struct message_told {
    uint64_t ticket;
    int64_t error;  /* 0 or a negative code */
    uint64_t ids[]; /* of the connections that were found */
};

/* With the connection's descriptor. */
struct message_run {
    uint64_t connection; /* its number */
    struct prong_address local, remote;
};

struct message_programs {
    uint64_t running; /* a gauge; the rest are sums of this keeper */
    uint64_t started;
    uint64_t failed;  /* ended with another status than 0, or could not be started */
    uint64_t refused; /* connections that were over a limit */
};

struct message_crowd {
    uint64_t more; /* rosters of the same moment that follow */
};

/* "READY"; "?" for a number that is none. */
const char *message_name(unsigned message);

#endif
