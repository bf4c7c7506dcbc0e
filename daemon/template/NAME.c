/* @NAME@: answers every line with its number.
 *
 * The interface is described in <prongd/handler.h>, what a connection can do in <prong/socket.h>,
 * what the worker does for you in <prongd/service.h>.
 */
#include <errno.h>
#include <prong/framing.h>
#include <prongd/handler.h>
#include <stdio.h>
#include <string.h>

/* --- Options: rows that fill this struct, one for each [server NAME] with this handler. --- */

struct config {
    char *prefix;
};

static const struct prongd_option options[] = {
    {PRONGD_TEXT(struct config, prefix), .name = "prefix", .fallback = "line",
     .help = "The word before the number of each answer."},
};

/* --- A connection --- */

static const struct prong_framing_options lines = {PRONG_FRAMING_LINE, 4096};

/* Zeroed for each connection. */
struct state {
    struct prong_framing framing;
    uint32_t count;
};

static void on_connection(struct prong_socket *socket)
{
    struct state *state = prongd_state(socket);

    if (prong_framing_init(&state->framing, &lines) < 0)
        prong_socket_destroy(socket, 0);
}

static void answer(struct prong_socket *socket, struct state *state)
{
    const struct config *config = prongd_config(socket);
    char text[256];

    snprintf(text, sizeof(text), "%.200s %u", config->prefix != NULL ? config->prefix : "",
             ++state->count);
    /* 1: more waits than the client reads.  Read no more until it does. */
    if (prong_framing_write(socket, &lines, text, strlen(text)) == 1)
        prong_socket_pause(socket);
}

static void on_data(struct prong_socket *socket, const void *bytes, size_t size)
{
    struct state *state = prongd_state(socket);
    struct prong_bytes input = {bytes, size}, line;
    int result;

    while ((result = prong_framing_next(&state->framing, &input, &line)) == 1)
        answer(socket, state);
    if (result < 0) {
        prongd_log(socket, PRONGD_LOG_INFO, "the line is too long");
        prong_socket_destroy(socket, 0);
    }
}

static void on_drain(struct prong_socket *socket)
{
    prong_socket_resume(socket);
}

static void on_close(struct prong_socket *socket, bool had_error)
{
    struct state *state = prongd_state(socket);

    (void)had_error;
    prong_framing_clear(&state->framing);
}

/* --- A reload: the connection moves to a new worker, which runs the new code. --- */

static long save(struct prong_socket *socket, void *bytes, size_t size)
{
    struct state *state = prongd_state(socket);
    size_t kept = prong_framing_save(&state->framing, NULL, 0);

    if (size >= sizeof(state->count) + kept) {
        memcpy(bytes, &state->count, sizeof(state->count));
        prong_framing_save(&state->framing, (char *)bytes + sizeof(state->count), kept);
    }
    return (long)(sizeof(state->count) + kept);
}

static int restore(struct prong_socket *socket, const void *bytes, size_t size, uint32_t version)
{
    struct state *state = prongd_state(socket);

    if (version != 1 || size < sizeof(state->count))
        return -EPROTO;
    if (prong_framing_init(&state->framing, &lines) < 0)
        return -EINVAL;
    memcpy(&state->count, bytes, sizeof(state->count));
    return prong_framing_restore(&state->framing, (const char *)bytes + sizeof(state->count),
                                 size - sizeof(state->count));
}

static void on_leave(void *bytes)
{
    struct state *state = bytes;

    prong_framing_clear(&state->framing);
}

/* --- All of it --- */

const struct prongd_handler prongd_module = {
    PRONGD_HANDLER,
    .name = "@NAME@",
    .version = "0.1",
    .help = "Answers every line with its number.",
    .options = options,
    .option_count = sizeof(options) / sizeof(options[0]),
    .config_size = sizeof(struct config),
    .state_size = sizeof(struct state),
    .events = {.on_data = on_data, .on_drain = on_drain, .on_close = on_close},
    .on_connection = on_connection,
    .state_version = 1, /* raise it when save writes something else */
    .save = save,
    .restore = restore,
    .on_leave = on_leave,
};
