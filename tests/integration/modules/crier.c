/* SPDX-License-Identifier: MIT
 *
 * A module that broadcasts: every line that a client sends is heard by all clients.  "!worker"
 * tells the number of the process; what the worker itself has heard is counted.
 */
#include <errno.h>
#include <prong/framing.h>
#include <prongd/handler.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#ifndef NAME
#define NAME "crier"
#endif

static const struct prong_framing_options lines = {PRONG_FRAMING_LINE, 300000};

enum { HEARD, LOST, REFUSED };

static const struct prongd_counter counters[] = {
    [HEARD] = {"heard", "Messages that a worker heard."},
    [LOST] = {"lost", "Messages that a worker lost."},
    [REFUSED] = {"refused", "Messages that could not be published."},
};

static void say(struct prong_socket *socket, const void *text, size_t size)
{
    if (prong_framing_write(socket, &lines, text, size) < 0)
        prong_socket_destroy(socket, 0);
}

static void hear_line(struct prong_socket *socket, const struct prong_bytes *line)
{
    char text[64];
    int error;

    if (line->size == 7 && memcmp(line->bytes, "!worker", 7) == 0) {
        say(socket, text, (size_t)snprintf(text, sizeof(text), "%d", (int)getpid()));
        return;
    }
    error = prongd_publish(prongd_service(socket), line->bytes, line->size);
    if (error < 0) {
        prongd_count(prongd_service(socket), REFUSED, 1);
        say(socket, text, (size_t)snprintf(text, sizeof(text), "error %d", error));
    }
}

static void on_connection(struct prong_socket *socket)
{
    if (prong_framing_init(prongd_state(socket), &lines) < 0)
        prong_socket_destroy(socket, 0);
}

static void on_data(struct prong_socket *socket, const void *bytes, size_t size)
{
    struct prong_bytes input = {bytes, size}, line;

    while (prong_framing_next(prongd_state(socket), &input, &line) == 1)
        hear_line(socket, &line);
}

static void on_close(struct prong_socket *socket, bool had_error)
{
    (void)had_error;
    prong_framing_clear(prongd_state(socket));
}

static long save(struct prong_socket *socket, void *bytes, size_t size)
{
    return (long)prong_framing_save(prongd_state(socket), bytes, size);
}

static int restore(struct prong_socket *socket, const void *bytes, size_t size, uint32_t version)
{
    int error = prong_framing_init(prongd_state(socket), &lines);

    (void)version;
    return error < 0 ? error : prong_framing_restore(prongd_state(socket), bytes, size);
}

static void on_leave(void *state)
{
    prong_framing_clear(state);
}

static void on_broadcast(struct prongd_service *service, const void *bytes, size_t size)
{
    (void)bytes;
    (void)size;
    prongd_count(service, HEARD, 1);
}

static void on_message(struct prong_socket *socket, const void *bytes, size_t size)
{
    say(socket, bytes, size);
}

static void on_lost(struct prongd_service *service, struct prong_socket *socket, uint64_t count)
{
    char text[64];

    if (socket == NULL)
        prongd_count(service, LOST, count);
    else
        say(socket, text,
            (size_t)snprintf(text, sizeof(text), "lost %llu", (unsigned long long)count));
}

const struct prongd_handler prongd_module = {
    PRONGD_HANDLER,
    .name = NAME,
    .help = "Tells everybody what anybody says.",
    .state_size = sizeof(struct prong_framing),
    .events = {.on_data = on_data, .on_close = on_close},
    .on_connection = on_connection,
    .state_version = 1,
    .save = save,
    .restore = restore,
    .on_leave = on_leave,
    .counters = counters,
    .counter_count = sizeof(counters) / sizeof(counters[0]),
    .on_broadcast = on_broadcast,
    .on_message = on_message,
    .on_lost = on_lost,
};
