/* SPDX-License-Identifier: MIT
 *
 * The value of each field.
 */
#include "access_field.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "access_format.h"
#include "decimal.h"
#include "log_text.h"

static void put(struct log_text *line, const char *text)
{
    log_text_add(line, text, strlen(text));
}

static void put_number(struct log_text *line, uint64_t number)
{
    char digits[DECIMAL_SIZE];

    log_text_add(line, digits, decimal_put(digits, number));
}

/* "12.345" */
static void put_seconds(struct log_text *line, uint64_t ms)
{
    char text[DECIMAL_SIZE + sizeof(".000")];
    size_t length = decimal_put(text, ms / 1000);

    text[length] = '.';
    decimal_put_digits(text + length + 1, 3, (unsigned)(ms % 1000));
    log_text_add(line, text, length + 4);
}

/* "3.0": generation and slot, as the log shows a worker. */
static void put_worker(struct log_text *line, uint64_t generation, unsigned slot)
{
    put_number(line, generation);
    log_text_add(line, ".", 1);
    put_number(line, slot);
}

/* --- Time --- */

static void know_second(struct access_scratch *scratch, time_t second)
{
    struct tm local;
    long offset;

    if (scratch->second == second)
        return;
    scratch->second = second;
    if (localtime_r(&second, &local) == NULL)
        memset(&local, 0, sizeof(local));
    offset = local.tm_gmtoff / 60;
    (void)strftime(scratch->date, sizeof(scratch->date), "%Y-%m-%dT%H:%M:%S", &local);
    (void)snprintf(scratch->zone, sizeof(scratch->zone), "%c%02d:%02d", offset < 0 ? '-' : '+',
                   (int)(labs(offset) / 60 % 24), (int)(labs(offset) % 60));
}

static void put_time(struct access_scratch *scratch, const struct access_event *event,
                     struct log_text *line)
{
    struct timespec now;
    char fraction[4] = ".";

    (void)event;
    (void)clock_gettime(CLOCK_REALTIME, &now);
    know_second(scratch, now.tv_sec);
    decimal_put_digits(fraction + 1, 3, (unsigned)(now.tv_nsec / 1000000));
    put(line, scratch->date);
    log_text_add(line, fraction, sizeof(fraction));
    put(line, scratch->zone);
}

static void put_time_unix(struct access_scratch *scratch, const struct access_event *event,
                          struct log_text *line)
{
    struct timespec now;

    (void)scratch;
    (void)event;
    (void)clock_gettime(CLOCK_REALTIME, &now);
    put_seconds(line, (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000);
}

/* --- Who --- */

static void put_server(struct access_scratch *scratch, const struct access_event *event,
                       struct log_text *line)
{
    (void)scratch;
    put(line, event->server);
}

static void put_handler(struct access_scratch *scratch, const struct access_event *event,
                        struct log_text *line)
{
    (void)scratch;
    put(line, event->handler);
}

static void put_connection(struct access_scratch *scratch, const struct access_event *event,
                           struct log_text *line)
{
    (void)scratch;
    put_number(line, event->id);
}

static void put_own_worker(struct access_scratch *scratch, const struct access_event *event,
                           struct log_text *line)
{
    (void)scratch;
    put_worker(line, event->generation, event->slot);
}

/* --- Addresses --- */

/* The common case without snprintf(3): "192.0.2.1:80". */
static size_t format_v4(const struct prong_address *address, char *text)
{
    size_t length = 0;

    for (size_t i = 0; i < 4; i++) {
        length += decimal_put(text + length, address->ip[i]);
        text[length++] = i < 3 ? '.' : ':';
    }
    return length + decimal_put(text + length, address->port);
}

/* The name of a unix socket may hold anything. */
static void put_address(struct log_text *line, const struct prong_address *address)
{
    char text[PRONG_ADDRESS_TEXT_SIZE];

    if (address->family == AF_INET)
        log_text_add(line, text, format_v4(address, text));
    else
        log_text_add_line(line, prong_address_format(address, text, sizeof(text)));
}

static void put_ip(struct log_text *line, const struct prong_address *address)
{
    char text[PRONG_ADDRESS_TEXT_SIZE];

    put(line, prong_address_format_ip(address, text, sizeof(text)));
}

static void put_client(struct access_scratch *scratch, const struct access_event *event,
                       struct log_text *line)
{
    (void)scratch;
    put_address(line, event->client);
}

static void put_client_address(struct access_scratch *scratch, const struct access_event *event,
                               struct log_text *line)
{
    (void)scratch;
    put_ip(line, event->client);
}

static void put_client_port(struct access_scratch *scratch, const struct access_event *event,
                            struct log_text *line)
{
    (void)scratch;
    put_number(line, event->client->port);
}

/* Most clients of a server come to the same address. */
static void put_local(struct access_scratch *scratch, const struct access_event *event,
                      struct log_text *line)
{
    if (scratch->local_text[0] == '\0' || !prong_address_equal(&scratch->local, event->local)) {
        scratch->local = *event->local;
        (void)prong_address_format(event->local, scratch->local_text, sizeof(scratch->local_text));
    }
    log_text_add_line(line, scratch->local_text);
}

static void put_local_address(struct access_scratch *scratch, const struct access_event *event,
                              struct log_text *line)
{
    (void)scratch;
    put_ip(line, event->local);
}

static void put_local_port(struct access_scratch *scratch, const struct access_event *event,
                           struct log_text *line)
{
    (void)scratch;
    put_number(line, event->local->port);
}

/* --- What happened --- */

static void put_bytes_in(struct access_scratch *scratch, const struct access_event *event,
                         struct log_text *line)
{
    (void)scratch;
    put_number(line, event->bytes_in);
}

static void put_bytes_out(struct access_scratch *scratch, const struct access_event *event,
                          struct log_text *line)
{
    (void)scratch;
    put_number(line, event->bytes_out);
}

static void put_duration(struct access_scratch *scratch, const struct access_event *event,
                         struct log_text *line)
{
    (void)scratch;
    put_seconds(line, event->duration_ms);
}

static void put_ended_by(struct access_scratch *scratch, const struct access_event *event,
                         struct log_text *line)
{
    (void)scratch;
    put(line, access_end_by(event->end));
}

static void put_reason(struct access_scratch *scratch, const struct access_event *event,
                       struct log_text *line)
{
    (void)scratch;
    put(line, event->reason != NULL ? event->reason : access_end_reason(event->end));
}

static void put_moves(struct access_scratch *scratch, const struct access_event *event,
                      struct log_text *line)
{
    (void)scratch;
    put_number(line, event->moves);
}

/* "3.0@12.345,4.1@60.000"; older ones than are known are dots. */
static void put_history(struct access_scratch *scratch, const struct access_event *event,
                        struct log_text *line)
{
    (void)scratch;
    if (event->moves > event->step_count)
        put(line, event->step_count > 0 ? "...," : "...");
    for (size_t i = 0; i < event->step_count; i++) {
        if (i > 0)
            put(line, ",");
        put_worker(line, event->steps[i].generation, event->steps[i].slot);
        put(line, "@");
        put_seconds(line, event->steps[i].age_ms);
    }
    if (event->moves == 0)
        put(line, "-");
}

static void put_fields(struct access_scratch *scratch, const struct access_event *event,
                       struct log_text *line)
{
    (void)scratch;
    log_text_add_line(line, event->fields);
}

const struct access_field access_fields[] = {
    {"time", put_time, .help = "when it ended, in local time: 2026-03-01T12:00:00.123+01:00"},
    {"time_unix", put_time_unix, .is_number = true, .help = "the same in seconds since 1970"},
    {"server", put_server, .help = "the section's name"},
    {"handler", put_handler, .help = "the server's handler"},
    {"connection", put_connection, .is_number = true,
     .help = "its number, as in the log; 0 for a client that was refused"},
    {"client", put_client, .help = "the client's address and port"},
    {"client_address", put_client_address, .help = "the address alone"},
    {"client_port", put_client_port, .is_number = true, .help = "the port alone"},
    {"local", put_local, .help = "the address and port that it connected to"},
    {"local_address", put_local_address, .help = "the address alone"},
    {"local_port", put_local_port, .is_number = true, .help = "the port alone"},
    {"bytes_in", put_bytes_in, .is_number = true, .help = "bytes that came from the client"},
    {"bytes_out", put_bytes_out, .is_number = true,
     .help = "bytes that the kernel took for the client"},
    {"duration", put_duration, .is_number = true, .help = "seconds since it was accepted"},
    {"ended_by", put_ended_by,
     .help = "who ended it: client, handler, reset, error, timeout, limit, expelled, worker, "
             "shutdown, operator; refused for one that was not let in"},
    {"reason", put_reason,
     .help = "why: an option's name, as write_timeout, or an error's, as ECONNRESET"},
    {"worker", put_own_worker, .help = "the worker that it ended in: generation.slot"},
    {"moves", put_moves, .is_number = true, .help = "how often it changed its worker"},
    {"history", put_history,
     .help = "the workers that it left and how old it was then, in seconds: 1.0@12.345,2.3@60.000; "
             "older ones than the last four are dots"},
    {"fields", put_fields, .is_handlers = true,
     .help = "what the handler adds, as upstream=192.0.2.1:80"},
};

const size_t access_field_count = sizeof(access_fields) / sizeof(access_fields[0]);

const struct access_field *access_field_find(const char *name, size_t size)
{
    for (size_t i = 0; i < access_field_count; i++) {
        if (strlen(access_fields[i].name) == size && memcmp(access_fields[i].name, name, size) == 0)
            return &access_fields[i];
    }
    return NULL;
}
