/* SPDX-License-Identifier: MIT
 *
 * fickle: an echo whose connections do not always move: a save or a restore fails, a handler is
 * in the middle of a message, a record arrives spoiled.  Each so often as the configuration says.
 *
 * Its state is a count of the bytes that came, so that a restore can tell whether it is its own.
 */
#include "table.h"

#include <errno.h>
#include <prongd/handler.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "spoil.h"

#define STATE_VERSION 3

struct fickle {
    uint64_t bytes;
    uint64_t check; /* of `bytes` */
    pid_t saved_by; /* what returns to its own worker is always restored there */
};

/* Each in percent. */
struct fickle_config {
    uint64_t save_fails;
    uint64_t restore_fails;
    uint64_t record_spoiled;
    uint64_t waits;
    bool hangs; /* when it is told to */
};

static const struct prongd_option options[] = {
    {PRONGD_COUNT(struct fickle_config, save_fails), .name = "save_fails", .fallback = "0",
     .most = 100, .help = "How many connections in a hundred cannot be saved."},
    {PRONGD_COUNT(struct fickle_config, restore_fails), .name = "restore_fails", .fallback = "0",
     .most = 100, .help = "How many connections in a hundred cannot be restored."},
    {PRONGD_COUNT(struct fickle_config, record_spoiled), .name = "record_spoiled", .fallback = "0",
     .most = 100, .help = "How many records in a hundred arrive spoiled."},
    {PRONGD_COUNT(struct fickle_config, waits), .name = "waits", .fallback = "0", .most = 100,
     .help = "How often in a hundred a connection asks to wait before it moves."},
    {PRONGD_BOOLEAN(struct fickle_config, hangs), .name = "hangs", .fallback = "no",
     .help = "Whether a worker that reads \"hang\" never does anything else."},
};

static bool happens(uint64_t percent)
{
    return (uint64_t)rand() % 100 < percent;
}

static uint64_t check_of(uint64_t bytes)
{
    return bytes * 0x9e3779b97f4a7c15U + 1;
}

static void on_data(struct prong_socket *socket, const void *bytes, size_t size)
{
    const struct fickle_config *config = prongd_config(socket);
    struct fickle *state = prongd_state(socket);

    while (config->hangs && size == 4 && memcmp(bytes, "hang", 4) == 0)
        pause();
    state->bytes += size;
    state->check = check_of(state->bytes);
    if (prong_socket_write(socket, bytes, size) == 1)
        prong_socket_pause(socket);
}

static void on_drain(struct prong_socket *socket)
{
    prong_socket_resume(socket);
}

static long save(struct prong_socket *socket, void *bytes, size_t size)
{
    const struct fickle_config *config = prongd_config(socket);
    struct fickle *state = prongd_state(socket);

    state->saved_by = getpid();
    if (happens(config->save_fails))
        return -EIO;
    if (size >= sizeof(*state))
        memcpy(bytes, state, sizeof(*state));
    if (happens(config->record_spoiled))
        spoil_next_record();
    return sizeof(*state);
}

static int restore(struct prong_socket *socket, const void *bytes, size_t size, uint32_t version)
{
    const struct fickle_config *config = prongd_config(socket);
    struct fickle *state = prongd_state(socket);

    if (version != STATE_VERSION || size != sizeof(*state))
        return -EPROTO;
    memcpy(state, bytes, sizeof(*state));
    if (state->bytes > 0 && state->check != check_of(state->bytes))
        abort(); /* a foreign state: the run must see it */
    return state->saved_by != getpid() && happens(config->restore_fails) ? -EIO : 0;
}

static bool can_move(struct prong_socket *socket)
{
    const struct fickle_config *config = prongd_config(socket);

    return !happens(config->waits);
}

const struct prongd_handler fickle_handler = {
    .abi = PRONGD_HANDLER_ABI,
    .size = sizeof(struct prongd_handler),
    .name = "fickle",
    .help = "Sends back what arrives; its connections do not always move.",
    .options = options,
    .option_count = sizeof(options) / sizeof(options[0]),
    .config_size = sizeof(struct fickle_config),
    .state_size = sizeof(struct fickle),
    .events = {.on_data = on_data, .on_drain = on_drain},
    .state_version = STATE_VERSION,
    .save = save,
    .restore = restore,
    .can_move = can_move,
};

/* Instead of the table of handlers/. */
const struct prongd_handler *const handler_table[] = {&echo_handler, &exec_handler, &fickle_handler,
                                                      NULL};
