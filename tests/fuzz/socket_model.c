/* SPDX-License-Identifier: MIT
 *
 * The rules, as assertions.
 */
#include "socket_model.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

static uint8_t pattern(size_t place)
{
    return (uint8_t)(place * 131 + (place >> 8));
}

const uint8_t *model_bytes(size_t place, size_t size)
{
    static uint8_t bytes[MODEL_MAX_BYTES];

    assert(size <= sizeof(bytes));
    for (size_t i = 0; i < size; i++)
        bytes[i] = pattern(place + i);
    return bytes;
}

/* --- Callbacks --- */

/* Nothing comes from inside a call, and only on_error and on_close from a closing socket. */
static struct model *happen(struct prong_socket *socket, enum prong_socket_state least,
                            enum prong_socket_state most)
{
    struct model *model = prong_socket_user(socket);

    assert(!model->in_call);
    assert(model->socket == socket);
    assert(!model->close_seen);
    assert(prong_socket_state(socket) >= least && prong_socket_state(socket) <= most);
    return model;
}

static struct model *happen_connected(struct prong_socket *socket)
{
    struct model *model = happen(socket, PRONG_SOCKET_OPEN, PRONG_SOCKET_ENDING);

    assert(!model->error_seen);
    return model;
}

static void on_data(struct prong_socket *socket, const void *bytes, size_t size)
{
    struct model *model = happen_connected(socket);
    size_t back = model->give_back < size ? model->give_back : size;

    assert(!model->end_seen);
    assert(!prong_socket_is_paused(socket));
    assert(size > 0 && model->delivered + size <= model->peer_sent);
    for (size_t done = 0; done < size;) {
        size_t some = size - done < MODEL_MAX_BYTES ? size - done : MODEL_MAX_BYTES;

        assert(memcmp((const uint8_t *)bytes + done, model_bytes(model->delivered, some), some) ==
               0);
        model->delivered += some;
        done += some;
    }
    /* What is given back after the end would come no more. */
    model->give_back = 0;
    if (back > 0 && !model->peer_ended && !model->peer_gone &&
        prong_socket_unread(socket, (const uint8_t *)bytes + size - back, back) == 0)
        model->delivered -= back;
    model->inside(model->script);
}

static void on_hangup(struct prong_socket *socket)
{
    struct model *model = happen_connected(socket);

    assert(model->peer_ended || model->peer_gone);
    assert(prong_socket_is_paused(socket) && !model->end_seen);
    model->inside(model->script);
}

static void on_drain(struct prong_socket *socket)
{
    struct model *model = happen_connected(socket);

    assert(model->must_drain && !model->ended);
    assert(prong_socket_queue_bytes(socket) == 0);
    model->must_drain = false;
    model->inside(model->script);
}

static void on_end(struct prong_socket *socket)
{
    struct model *model = happen_connected(socket);

    assert(!model->end_seen);
    assert(model->peer_ended || model->peer_gone);
    assert(model->delivered == model->peer_sent);
    model->end_seen = true;
    model->inside(model->script);
    if (!prong_socket_allow_half_open(model->socket))
        model->ended = true;
}

static void on_finish(struct prong_socket *socket)
{
    struct model *model = happen_connected(socket);

    assert(model->ended && !model->finish_seen);
    assert(model->waiting == 0);
    assert(prong_socket_queue_bytes(socket) == 0);
    assert(prong_socket_bytes_written(socket) == model->written);
    model->finish_seen = true;
    model->inside(model->script);
}

static void on_timeout(struct prong_socket *socket)
{
    assert(happen_connected(socket)->has_timeout);
}

static void on_error(struct prong_socket *socket, const struct prong_error_info *error)
{
    struct model *model = happen(socket, PRONG_SOCKET_CLOSING, PRONG_SOCKET_CLOSING);

    assert(error->code < 0 && !model->error_seen);
    assert(model->waiting == 0);
    model->error_seen = true;
    model->is_cut = true;
    model->inside(model->script);
}

static void on_close(struct prong_socket *socket, bool had_error)
{
    struct model *model = happen(socket, PRONG_SOCKET_CLOSED, PRONG_SOCKET_CLOSED);

    assert(had_error == model->error_seen);
    assert(model->waiting == 0);
    assert(model->is_cut || (model->end_seen && model->finish_seen));
    model->close_seen = true;
    model->socket = NULL;
}

const struct prong_socket_events model_events = {
    .on_data = on_data,
    .on_hangup = on_hangup,
    .on_drain = on_drain,
    .on_end = on_end,
    .on_finish = on_finish,
    .on_timeout = on_timeout,
    .on_error = on_error,
    .on_close = on_close,
};

/* --- Writing --- */

void model_wrote(struct model *model, size_t size, int code)
{
    assert(code <= 1);
    if (code < 0) {
        assert(prong_socket_state(model->socket) >= PRONG_SOCKET_CLOSING);
        model->is_cut = true;
        return;
    }
    model->written += size;
    model->must_drain = model->must_drain || code == 1;
}

/* One write that will be told of. */
struct note {
    struct model *model;
    size_t place; /* behind its last byte */
    uint8_t bytes[];
};

/* In the order of the writes.  Those of a socket that has moved come when it is gone. */
static void on_written(struct prong_socket *socket, int error, void *user)
{
    struct note *note = user;
    struct model *model = note->model;

    assert(!model->in_call);
    if (socket == model->socket) {
        assert(!model->error_seen && model->waiting > 0);
        assert(note->place >= model->told);
        assert(error != 0 || note->place <= prong_socket_bytes_written(socket));
        model->told = note->place;
        model->waiting--;
    } else {
        assert(error == 0 || error == PRONG_EMOVED);
    }
    free(note);
}

void model_write_then(struct model *model, size_t size, bool borrowed)
{
    struct note *note = malloc(sizeof(*note) + size);
    int code;

    assert(note != NULL);
    note->model = model;
    note->place = model->written + size;
    memcpy(note->bytes, model_bytes(model->written, size), size);
    code = borrowed
               ? prong_socket_write_borrowed(model->socket, note->bytes, size, on_written, note)
               : prong_socket_write_then(model->socket, note->bytes, size, on_written, note);
    if (code >= 0)
        model->waiting++;
    else
        free(note);
    model_wrote(model, size, code);
}

/* --- The peer --- */

void model_peer_got(struct model *model, const uint8_t *bytes, size_t size)
{
    assert(model->peer_got + size <= model->written);
    assert(memcmp(bytes, model_bytes(model->peer_got, size), size) == 0);
    model->peer_got += size;
}

void model_peer_saw_end(const struct model *model)
{
    assert(model->ended || model->is_cut);
    assert(model->peer_got == model->written || model->is_cut);
}
