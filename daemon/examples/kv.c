/* SPDX-License-Identifier: MIT
 *
 * kv: keys and values in memory, in the style of memcached's text protocol.
 *
 *     [server kv]
 *     listen        = 127.0.0.1:11211
 *     handler       = kv
 *     shared_memory = 64m
 *     rate_limit    = 10000
 *
 * get KEY…, set KEY FLAGS EXPIRY BYTES [noreply] and a block of so many bytes, delete KEY
 * [noreply], incr KEY NUMBER [noreply], stats, version, quit.  A line ends with CR LF, or with LF
 * alone.  All workers serve the same keys (store.h), which outlive workers, reloads and upgrades;
 * where memory is short the oldest are forgotten.  A client that asks more than rate_limit allows
 * is made to wait.
 */
#include <errno.h>
#include <prong/framing.h>
#include <prongd/handler.h>
#include <prongd/pace.h>
#include <string.h>

#include "requests.h"
#include "store.h"

#define LINE_MOST   2048
#define SHARED_SIZE ((size_t)16 << 20)

struct config {
    uint64_t rate_limit;
};

static const struct prongd_option options[] = {
    {PRONGD_COUNT(struct config, rate_limit), .name = "rate_limit", .fallback = "0",
     .most = 1000000000,
     .help = "How many requests a connection may make in a second; 0 sets no limit."},
};

static const struct prongd_counter counters[] = {
    [REQUESTS] = {"requests", "Lines that were served."},
    [PACED] = {"paced", "How often a connection had to wait because of rate_limit."},
    [ERRORS] = {"errors", "Requests that were answered with an error."},
};

static const struct prong_framing_options lines = {PRONG_FRAMING_LINE, LINE_MOST};

struct client {
    struct block block;
    struct prong_framing framing;
    struct prong_framing_options frame; /* of the block */
    struct prongd_pace *pace;
};

/* --- Going on, or waiting --- */

static void on_ready(struct prong_socket *socket)
{
    if (!prong_socket_needs_drain(socket))
        prong_socket_resume(socket);
}

static void on_drain(struct prong_socket *socket)
{
    const struct client *client = prongd_state(socket);

    if (!prongd_pace_waits(client->pace))
        prong_socket_resume(socket);
}

/* A client that does not read its answers, or asks too much, is not read. */
static bool may_go_on(struct prong_socket *socket)
{
    const struct client *client = prongd_state(socket);

    if (prong_socket_needs_drain(socket))
        return false;
    if (client->block.is_expected || prongd_pace_room(client->pace) > 0)
        return true;
    prongd_count(prongd_service(socket), PACED, 1);
    prongd_pace_wait(client->pace);
    return false;
}

static void stop_reading(struct prong_socket *socket, const struct prong_bytes *rest)
{
    prong_socket_pause(socket);
    if (prong_socket_unread(socket, rest->bytes, rest->size) < 0)
        prong_socket_destroy(socket, 0);
}

/* --- Lines and blocks --- */

/* The framing changes with what is expected; between two frames it holds nothing. */
static int frame_next(struct client *client)
{
    prong_framing_clear(&client->framing);
    client->frame =
        (struct prong_framing_options){PRONG_FRAMING_FIXED, (uint32_t)client->block.size + 2};
    return prong_framing_init(&client->framing,
                              client->block.is_expected ? &client->frame : &lines);
}

static void skip(struct client *client, struct prong_bytes *input)
{
    size_t size = input->size < client->block.skipped ? input->size : (size_t)client->block.skipped;

    input->bytes = (const char *)input->bytes + size;
    input->size -= size;
    client->block.skipped -= size;
}

static int serve_line(struct prong_socket *socket, const struct prong_bytes *line)
{
    struct client *client = prongd_state(socket);

    prongd_pace_spend(client->pace, 1);
    requests_serve_line(socket, line);
    return client->block.is_expected ? frame_next(client) : 0;
}

static int serve_block(struct prong_socket *socket, const struct prong_bytes *data)
{
    struct client *client = prongd_state(socket);

    requests_finish_set(socket, data);
    client->block.is_expected = 0;
    return frame_next(client);
}

/* One frame, or a part of what is dropped.  0: the input is used up; 1: go on; or a negative
 * code. */
static int serve_next(struct prong_socket *socket, struct prong_bytes *input)
{
    struct client *client = prongd_state(socket);
    struct prong_bytes frame;
    int result;

    if (client->block.skipped > 0) {
        skip(client, input);
        return input->size > 0;
    }
    result = prong_framing_next(&client->framing, input, &frame);
    if (result == 1)
        result =
            client->block.is_expected ? serve_block(socket, &frame) : serve_line(socket, &frame);
    else if (result == 0)
        return 0;
    return result < 0 ? result : 1;
}

static void on_data(struct prong_socket *socket, const void *bytes, size_t size)
{
    struct prong_bytes input = {bytes, size};
    int result = 1;

    while (result == 1 && input.size > 0) {
        if (!may_go_on(socket)) {
            stop_reading(socket, &input);
            return;
        }
        result = serve_next(socket, &input);
        if (!prong_socket_is_writable(socket))
            return;
    }
    if (result == -EMSGSIZE) {
        requests_refuse(socket, "CLIENT_ERROR line too long\r\n");
        prong_socket_end(socket);
    } else if (result < 0) {
        prong_socket_destroy(socket, 0);
    }
}

/* --- The life of a connection --- */

static int open_client(struct prong_socket *socket, uint64_t rate)
{
    struct client *client = prongd_state(socket);

    client->pace = prongd_pace_new(socket, rate, on_ready);
    if (client->pace == NULL && rate > 0)
        return -ENOMEM;
    return frame_next(client);
}

static void on_connection(struct prong_socket *socket)
{
    const struct config *config = prongd_config(socket);

    if (open_client(socket, config->rate_limit) < 0)
        prong_socket_destroy(socket, 0);
}

static void on_leave(void *state)
{
    struct client *client = state;

    prong_framing_clear(&client->framing);
    prongd_pace_free(client->pace);
}

static void on_close(struct prong_socket *socket, bool had_error)
{
    (void)had_error;
    on_leave(prongd_state(socket));
}

/* --- Moving: the block that is expected, then the beginning of a frame --- */

static long save(struct prong_socket *socket, void *bytes, size_t size)
{
    const struct client *client = prongd_state(socket);
    size_t head = sizeof(client->block), kept = prong_framing_save(&client->framing, NULL, 0);

    if (size >= head + kept) {
        memcpy(bytes, &client->block, head);
        prong_framing_save(&client->framing, (char *)bytes + head, kept);
    }
    return (long)(head + kept);
}

/* Who waited for its pace waits again, even where there is no limit any more. */
static int restore(struct prong_socket *socket, const void *bytes, size_t size, uint32_t version)
{
    const struct config *config = prongd_config(socket);
    struct client *client = prongd_state(socket);
    bool waited = prong_socket_is_paused(socket) && !prong_socket_needs_drain(socket);
    uint64_t rate = config->rate_limit == 0 && waited ? PRONGD_PACE_MOST : config->rate_limit;
    size_t head = sizeof(client->block);
    int error;

    if (version != 1 || size < head)
        return -EPROTO;
    memcpy(&client->block, bytes, head);
    error = open_client(socket, rate);
    if (error == 0)
        error = prong_framing_restore(&client->framing, (const char *)bytes + head, size - head);
    if (error < 0)
        on_leave(client);
    else if (waited)
        prongd_pace_wait(client->pace);
    return error;
}

/* --- The life of a worker --- */

static int start(struct prongd_service *service)
{
    struct store *store = NULL;
    size_t size;
    void *memory = prongd_shared(service, &size);
    int locked = prongd_shared_lock(service);

    if (locked < 0)
        return locked;
    store = store_open(memory, size);
    prongd_shared_unlock(service);
    prongd_service_set_user(service, store);
    if (store == NULL)
        prongd_service_log(service, PRONGD_LOG_ERROR,
                           "the store is smaller than 1m, or of another version");
    return store != NULL ? 0 : -EINVAL;
}

const struct prongd_handler prongd_module = {
    PRONGD_HANDLER,
    .name = "kv",
    .help = "Keys and values in memory, in the style of memcached's text protocol.",
    .options = options,
    .option_count = sizeof(options) / sizeof(options[0]),
    .config_size = sizeof(struct config),
    .state_size = sizeof(struct client),
    .events = {.on_data = on_data, .on_drain = on_drain, .on_close = on_close},
    .on_connection = on_connection,
    .state_version = 1,
    .save = save,
    .restore = restore,
    .on_leave = on_leave,
    .start = start,
    .counters = counters,
    .counter_count = sizeof(counters) / sizeof(counters[0]),
    .shared_size = SHARED_SIZE,
};
