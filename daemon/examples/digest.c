/* SPDX-License-Identifier: MIT
 *
 * digest: a binary protocol; every message has its length in front, in four bytes, the high one
 * first.
 *
 * A request is one byte that says what is wanted, and the bytes that it is about; the answer has
 * the same byte and the result: 1, the FNV-1a digest of the bytes, eight bytes, the high one first;
 * 2, the bytes from the last to the first.  To anything else the answer is one byte, 0.
 */
#include <errno.h>
#include <prong/framing.h>
#include <prongd/handler.h>
#include <stdlib.h>
#include <string.h>

#define LIMIT (512 * 1024)

enum { UNKNOWN, DIGEST, REVERSE };

enum { REQUESTS, TOO_LONG };

static const struct prongd_counter counters[] = {
    [REQUESTS] = {"requests", "Requests that were answered."},
    [TOO_LONG] = {"too_long", "Connections that ended because a request was longer than 512k."},
};

static const struct prong_framing_options frames = {PRONG_FRAMING_U32_BE, LIMIT};

/* An answer that the client does not take at once stops the next request. */
static void answer(struct prong_socket *socket, const void *bytes, size_t size)
{
    int result = prong_framing_write(socket, &frames, bytes, size);

    if (result < 0)
        prong_socket_destroy(socket, 0);
    else if (result == 1)
        prong_socket_pause(socket);
}

static void answer_digest(struct prong_socket *socket, const uint8_t *bytes, size_t size)
{
    uint64_t digest = UINT64_C(0xcbf29ce484222325);
    uint8_t result[9] = {DIGEST};

    for (size_t i = 0; i < size; i++)
        digest = (digest ^ bytes[i]) * UINT64_C(0x100000001b3);
    for (size_t i = 0; i < 8; i++)
        result[1 + i] = (uint8_t)(digest >> (56 - 8 * i));
    answer(socket, result, sizeof(result));
}

static void answer_reverse(struct prong_socket *socket, const uint8_t *bytes, size_t size)
{
    uint8_t *result = malloc(size + 1);

    if (result == NULL) {
        prong_socket_destroy(socket, 0);
        return;
    }
    result[0] = REVERSE;
    for (size_t i = 0; i < size; i++)
        result[1 + i] = bytes[size - 1 - i];
    answer(socket, result, size + 1);
    free(result);
}

static void serve(struct prong_socket *socket, const struct prong_bytes *request)
{
    static const uint8_t unknown = UNKNOWN;
    const uint8_t *bytes = request->bytes;

    prongd_count(prongd_service(socket), REQUESTS, 1);
    if (request->size > 0 && bytes[0] == DIGEST)
        answer_digest(socket, bytes + 1, request->size - 1);
    else if (request->size > 0 && bytes[0] == REVERSE)
        answer_reverse(socket, bytes + 1, request->size - 1);
    else
        answer(socket, &unknown, 1);
}

static void on_connection(struct prong_socket *socket)
{
    if (prong_framing_init(prongd_state(socket), &frames) < 0)
        prong_socket_destroy(socket, 0);
}

static void on_data(struct prong_socket *socket, const void *bytes, size_t size)
{
    struct prong_framing *framing = prongd_state(socket);
    struct prong_bytes input = {bytes, size}, request;
    int result;

    while ((result = prong_framing_next(framing, &input, &request)) == 1) {
        serve(socket, &request);
        if (!prong_socket_is_writable(socket))
            return;
    }
    if (result < 0) {
        prongd_count(prongd_service(socket), TOO_LONG, 1);
        prongd_log(socket, PRONGD_LOG_INFO, "a request is longer than 512k");
        prong_socket_destroy(socket, 0);
    }
}

static void on_drain(struct prong_socket *socket)
{
    prong_socket_resume(socket);
}

static void on_close(struct prong_socket *socket, bool had_error)
{
    (void)had_error;
    prong_framing_clear(prongd_state(socket));
}

/* A request that is half here does not hold a reload up: that half goes to the new worker. */
static long save(struct prong_socket *socket, void *bytes, size_t size)
{
    return (long)prong_framing_save(prongd_state(socket), bytes, size);
}

static int restore(struct prong_socket *socket, const void *bytes, size_t size, uint32_t version)
{
    struct prong_framing *framing = prongd_state(socket);
    int error = version == 1 ? prong_framing_init(framing, &frames) : -EPROTO;

    return error < 0 ? error : prong_framing_restore(framing, bytes, size);
}

static void on_leave(void *state)
{
    prong_framing_clear(state);
}

const struct prongd_handler prongd_module = {
    PRONGD_HANDLER,
    .name = "digest",
    .help = "Digests and reverses what stands in messages with their length in front.",
    .state_size = sizeof(struct prong_framing),
    .events = {.on_data = on_data, .on_drain = on_drain, .on_close = on_close},
    .on_connection = on_connection,
    .state_version = 1,
    .save = save,
    .restore = restore,
    .on_leave = on_leave,
    .counters = counters,
    .counter_count = sizeof(counters) / sizeof(counters[0]),
};
