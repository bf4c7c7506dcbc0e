/* SPDX-License-Identifier: MIT
 *
 * What fuzz_socket.c knows of one socket and its peer, to tell whether the rules are kept: the
 * order of events, and that bytes are neither lost, doubled nor reordered.
 *
 * Both sides send the bytes of one endless pattern, so that a place in a stream tells its bytes.
 */
#ifndef SOCKET_MODEL_H
#define SOCKET_MODEL_H

#include <prong/prong.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The most that is sent at once. */
#define MODEL_MAX_BYTES (1 << 18)

struct model {
    struct prong_socket *socket; /* NULL: closed */
    bool in_call;                /* of the user */

    /* Called inside callbacks, where a program may do anything. */
    void (*inside)(void *script);
    void *script;

    size_t peer_sent, delivered; /* places in the stream to us */
    size_t written, peer_got;    /* ... and from us */
    size_t told;                 /* the last one that an on_written was about */
    unsigned waiting;            /* on_writtens to come */
    size_t give_back;            /* so much of the next on_data */
    bool peer_ended, peer_gone;
    bool must_drain, ended, end_seen, finish_seen, error_seen, close_seen;
    bool has_timeout;
    bool is_cut; /* bytes may be lost rightly: somebody destroyed, reset, or failed */
};

extern const struct prong_socket_events model_events;

/* The bytes that stand at a place of the pattern; valid until the next call. */
const uint8_t *model_bytes(size_t place, size_t size);

/* The user has written; `code` is what the call said. */
void model_wrote(struct model *model, size_t size, int code);

/* A write with a callback.  `borrowed`: without a copy. */
void model_write_then(struct model *model, size_t size, bool borrowed);

/* The peer has read. */
void model_peer_got(struct model *model, const uint8_t *bytes, size_t size);
void model_peer_saw_end(const struct model *model);

#endif
