/* SPDX-License-Identifier: MIT
 *
 * chargen: sends lines of characters without end (RFC 864), and forgets what arrives.
 *
 * All lines together are a text that repeats: a connection is a place in it.
 */
#include <errno.h>
#include <prongd/pace.h>
#include <string.h>

#include "table.h"

#define STATE_VERSION 1

#define ITEMS(array) (sizeof(array) / sizeof((array)[0]))

/* The printable characters; line N begins with the Nth of them. */
#define FIRST_CHARACTER ' '
#define CHARACTERS      95
#define LINE_LENGTH     72
#define LINE_SIZE       (LINE_LENGTH + 2)
#define TEXT_SIZE       (CHARACTERS * LINE_SIZE)

struct chargen_config {
    uint64_t rate_limit;
};

struct chargen {
    struct prongd_pace *pace; /* NULL: without a limit */
    uint32_t place;           /* in the text: the next byte to be sent */
};

static const struct prongd_option options[] = {
    {PRONGD_SIZE(struct chargen_config, rate_limit), .name = "rate_limit", .fallback = "0",
     .most = PRONGD_PACE_MOST,
     .help = "How many bytes a connection is sent in a second; 0 sets no limit."},
};

enum { PACED };

static const struct prongd_counter counters[] = {
    [PACED] = {"paced", "How often a connection had to wait because of rate_limit."},
};

/* Made by the first who asks. */
static const char *text(void)
{
    static char lines[TEXT_SIZE];

    if (lines[0] != '\0')
        return lines;
    for (unsigned line = 0; line < CHARACTERS; line++) {
        char *at = lines + (size_t)line * LINE_SIZE;

        for (unsigned i = 0; i < LINE_LENGTH; i++)
            at[i] = (char)(FIRST_CHARACTER + (line + i) % CHARACTERS);
        at[LINE_LENGTH] = '\r';
        at[LINE_LENGTH + 1] = '\n';
    }
    return lines;
}

/* Up to the end of the text, or as much as the pace allows; then on_drain goes on in another turn
 * of the loop.  Corked, and with a high-water mark of 0, every write owes one, also over a move. */
static void go_on(struct prong_socket *socket)
{
    struct chargen *chargen = prongd_state(socket);
    size_t size = TEXT_SIZE - chargen->place, room = prongd_pace_room(chargen->pace);

    if (room == 0) {
        prongd_count(prongd_service(socket), PACED, 1);
        prongd_pace_wait(chargen->pace);
        return;
    }
    if (size > room)
        size = room;
    prongd_pace_spend(chargen->pace, size);
    prong_socket_cork(socket);
    if (prong_socket_write(socket, text() + chargen->place, size) >= 0)
        chargen->place = (uint32_t)((chargen->place + size) % TEXT_SIZE);
    else
        prong_socket_destroy(socket, -ENOMEM);
    prong_socket_uncork(socket);
}

/* 0, or -ENOMEM. */
static int open_pace(struct prong_socket *socket, uint64_t rate)
{
    struct chargen *chargen = prongd_state(socket);

    chargen->pace = prongd_pace_new(socket, rate, go_on);
    return chargen->pace == NULL && rate > 0 ? -ENOMEM : 0;
}

static void on_connection(struct prong_socket *socket)
{
    const struct chargen_config *config = prongd_config(socket);
    int error = open_pace(socket, config->rate_limit);

    prong_socket_set_high_water_mark(socket, 0);
    if (error < 0)
        prong_socket_destroy(socket, error);
    else
        go_on(socket);
}

static void on_close(struct prong_socket *socket, bool had_error)
{
    const struct chargen *chargen = prongd_state(socket);

    (void)had_error;
    prongd_pace_free(chargen->pace);
}

/* --- Moving: the place, then what is left of the second --- */

static long save(struct prong_socket *socket, void *bytes, size_t size)
{
    const struct chargen *chargen = prongd_state(socket);
    size_t head = sizeof(chargen->place);

    if (size < head)
        return (long)head + prongd_pace_save(chargen->pace, NULL, 0);
    memcpy(bytes, &chargen->place, head);
    return (long)head + prongd_pace_save(chargen->pace, (char *)bytes + head, size - head);
}

/* Either on_drain is owed, or it waited for its pace, which has to wake it even where there is no
 * limit any more. */
static int restore(struct prong_socket *socket, const void *bytes, size_t size, uint32_t version)
{
    const struct chargen_config *config = prongd_config(socket);
    struct chargen *chargen = prongd_state(socket);
    bool waited = !prong_socket_needs_drain(socket);
    uint64_t rate = config->rate_limit == 0 && waited ? PRONGD_PACE_MOST : config->rate_limit;
    size_t head = sizeof(chargen->place);
    int error;

    if (version != STATE_VERSION || size < head)
        return -EPROTO;
    memcpy(&chargen->place, bytes, head);
    if (chargen->place >= TEXT_SIZE)
        return -EPROTO;
    error = open_pace(socket, rate);
    if (error == 0)
        error = prongd_pace_restore(chargen->pace, (const char *)bytes + head, size - head);
    if (error < 0)
        prongd_pace_free(chargen->pace);
    else if (waited)
        prongd_pace_wait(chargen->pace);
    return error;
}

static void on_leave(void *state)
{
    const struct chargen *chargen = state;

    prongd_pace_free(chargen->pace);
}

const struct prongd_handler chargen_handler = {
    .abi = PRONGD_HANDLER_ABI,
    .size = sizeof(struct prongd_handler),
    .name = "chargen",
    .help = "Sends lines of printable characters without end, and forgets what arrives.",
    .options = options,
    .option_count = ITEMS(options),
    .config_size = sizeof(struct chargen_config),
    .state_size = sizeof(struct chargen),
    .events = {.on_drain = go_on, .on_close = on_close},
    .on_connection = on_connection,
    .state_version = STATE_VERSION,
    .save = save,
    .restore = restore,
    .on_leave = on_leave,
    .counters = counters,
    .counter_count = ITEMS(counters),
};
