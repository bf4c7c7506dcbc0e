/* SPDX-License-Identifier: MIT
 *
 * Two looks at the status, and what happened between them.
 */
#include "servers.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "amount.h"
#include "answer.h"
#include "call.h"
#include "items.h"
#include "table.h"

#define INTERVAL_MS     1000
#define INTERVAL_MAX_MS 3600000

/* What grows, and the name of how fast. */
static const struct {
    const char *sum, *rate;
} rates[] = {
    {"accepted", "accepted_per_s"},
    {"dropped", "dropped_per_s"},
    {"bytes_read", "bytes_read_per_s"},
    {"bytes_written", "bytes_written_per_s"},
};

static const struct table_column columns[] = {
    {"SERVER", "name", TABLE_TEXT},
    {"STATE", "state", TABLE_TEXT},
    {"HANDLER", "handler", TABLE_TEXT},
    {"ACCEPT", "accept", TABLE_TEXT},
    {"CONNECTIONS", "connections", TABLE_NUMBER},
    {"WAITING", "queue", TABLE_NUMBER},
    {"NEW/S", "accepted_per_s", TABLE_NUMBER},
    {"READ/S", "bytes_read_per_s", TABLE_BYTES},
    {"WRITTEN/S", "bytes_written_per_s", TABLE_BYTES},
    {"DROPPED", "dropped", TABLE_NUMBER},
    {"DROPPED/S", "dropped_per_s", TABLE_NUMBER},
    {"ADDRESSES", "addresses", TABLE_TEXT},
};

static const json_t *find_server(const json_t *status, const char *name)
{
    const json_t *servers = json_object_get(status, "servers");

    for (size_t i = 0; name != NULL && i < json_array_size(servers); i++) {
        const json_t *server = json_array_get(servers, i);
        const char *other = json_string_value(json_object_get(server, "name"));

        if (other != NULL && strcmp(other, name) == 0)
            return server;
    }
    return NULL;
}

static json_int_t queue_of(const json_t *status, const char *name)
{
    const json_t *listeners = json_object_get(status, "listeners");
    json_int_t queue = 0;

    for (size_t i = 0; name != NULL && i < json_array_size(listeners); i++) {
        const json_t *listener = json_array_get(listeners, i);
        const char *server = json_string_value(json_object_get(listener, "server"));

        if (server != NULL && strcmp(server, name) == 0)
            queue += json_integer_value(json_object_get(listener, "queue"));
    }
    return queue;
}

void servers_add_rates(json_t *object, const json_t *before, double seconds)
{
    for (size_t i = 0; i < sizeof(rates) / sizeof(rates[0]); i++) {
        json_int_t now = json_integer_value(json_object_get(object, rates[i].sum));
        json_int_t then = json_integer_value(json_object_get(before, rates[i].sum));

        double rate = now > then ? (double)(now - then) / seconds : 0;

        json_object_set_new(object, rates[i].rate, json_integer((json_int_t)(rate + 0.5)));
    }
}

json_t *servers_describe(const json_t *status, const json_t *before, double seconds)
{
    const json_t *servers = json_object_get(status, "servers");
    json_t *list = json_array();

    for (size_t i = 0; i < json_array_size(servers); i++) {
        json_t *server = json_copy(json_array_get(servers, i));
        const char *name = json_string_value(json_object_get(server, "name"));
        const json_t *earlier = find_server(before, name);

        json_object_set_new(server, "queue", json_integer(queue_of(status, name)));
        if (earlier != NULL && seconds > 0)
            servers_add_rates(server, earlier, seconds);
        json_array_append_new(list, server);
    }
    return list;
}

static double now_s(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void wait_ms(uint64_t ms)
{
    struct timespec left = {.tv_sec = (time_t)(ms / 1000), .tv_nsec = (long)(ms % 1000) * 1000000};

    (void)fflush(stdout);
    (void)nanosleep(&left, NULL);
}

static bool is_ok(const json_t *answer)
{
    return json_is_true(json_object_get(answer, "ok"));
}

static void print(const json_t *shown)
{
    table_print(stdout, columns, sizeof(columns) / sizeof(columns[0]),
                json_object_get(shown, "servers"));
    items_print(stdout, json_object_get(shown, "items"));
}

static int show(const struct call *call, json_t *answer, const json_t *before, double seconds)
{
    json_t *shown;

    if (!is_ok(answer))
        return answer_show(answer, COMMAND_STATUS, call->json);
    shown =
        json_pack("{s:b, s:o, s:o}", "ok", 1, "servers", servers_describe(answer, before, seconds),
                  "items", items_describe(answer, before, seconds));
    if (call->json)
        answer_dump(shown);
    else
        print(shown);
    json_decref(shown);
    return 0;
}

int servers_run(struct call *call)
{
    const char *interval = call_option(call, "interval");
    uint64_t interval_ms = INTERVAL_MS;
    json_t *before = NULL, *answer;
    double started = now_s();
    int status = CALL_SYSTEM;

    if (interval != NULL &&
        (!amount_read_ms(interval, &interval_ms) || interval_ms > INTERVAL_MAX_MS))
        return call_fail_usage("--interval takes a time of at most an hour, as 500ms or 10s");
    if (interval_ms > 0) {
        before = call_ask_for(call, COMMAND_STATUS);
        if (before == NULL)
            return CALL_SYSTEM;
        if (is_ok(before))
            wait_ms(interval_ms);
    }
    answer = call_ask_for(call, COMMAND_STATUS);
    if (answer != NULL)
        status = show(call, answer, before, interval_ms > 0 ? now_s() - started : 0);
    json_decref(answer);
    json_decref(before);
    return status;
}
