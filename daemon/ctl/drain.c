/* SPDX-License-Identifier: MIT
 *
 * Asking once, then looking at the status until the server is empty.
 */
#include "drain.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "amount.h"
#include "answer.h"
#include "call.h"
#include "units.h"

#define LOOK_MS 500

struct wait {
    struct call *call;
    const char *server;
    uint64_t left_ms;
    json_int_t shown; /* connections that were told last; -1: none */
};

static int ask(struct call *call)
{
    json_t *words = json_array(), *answer;
    int status = CALL_SYSTEM;

    for (size_t i = 0; i < call->word_count; i++)
        json_array_append_new(words, json_string(call->words[i]));
    if (call_option(call, "announce") != NULL)
        json_array_append_new(words, json_string("--announce"));
    answer = call_ask_with(call, COMMAND_DRAIN, words);
    if (answer != NULL && json_is_true(json_object_get(answer, "ok")))
        status = 0;
    else if (answer != NULL)
        status = answer_show(answer, COMMAND_DRAIN, call->json);
    json_decref(answer);
    return status;
}

/* How many connections the server has; 0 also when it is no more; -1: it was said what failed. */
static json_int_t count_connections(struct wait *wait)
{
    json_t *status = call_ask_for(wait->call, COMMAND_STATUS);
    json_t *server;
    json_int_t count = status != NULL ? 0 : -1;
    size_t i;

    json_array_foreach(json_object_get(status, "servers"), i, server)
    {
        const char *name = json_string_value(json_object_get(server, "name"));

        if (name != NULL && strcmp(name, wait->server) == 0)
            count = json_integer_value(json_object_get(server, "connections"));
    }
    json_decref(status);
    return count;
}

static void show_progress(struct wait *wait, json_int_t count)
{
    char text[UNITS_SIZE];

    if (wait->call->json || count == wait->shown)
        return;
    wait->shown = count;
    (void)fprintf(stderr, "%s connections are left\n", units_count((uint64_t)count, text));
}

static void sleep_ms(uint64_t ms)
{
    struct timespec left = {.tv_sec = (time_t)(ms / 1000), .tv_nsec = (long)(ms % 1000) * 1000000};

    (void)nanosleep(&left, NULL);
}

/* The connections that are left in the end; -1. */
static json_int_t wait_until_empty(struct wait *wait)
{
    json_int_t count = count_connections(wait);

    while (count > 0 && wait->left_ms > 0) {
        uint64_t ms = wait->left_ms < LOOK_MS ? wait->left_ms : LOOK_MS;

        show_progress(wait, count);
        sleep_ms(ms);
        wait->left_ms -= ms;
        count = count_connections(wait);
    }
    return count;
}

static int show(const struct call *call, json_int_t count)
{
    json_t *shown = json_pack("{s:b, s:I}", "ok", count == 0, "connections", count);

    if (call->json)
        answer_dump(shown);
    else if (count == 0)
        (void)printf("%s has no connection any more.\n", call->words[0]);
    else
        (void)fprintf(stderr, "prongctl: %s still has %lld connections\n", call->words[0],
                      (long long)count);
    json_decref(shown);
    return count == 0 ? 0 : CALL_SYSTEM;
}

int drain_run(struct call *call)
{
    const char *timeout = call_option(call, "timeout");
    struct wait wait = {.call = call, .server = call->words[0], .left_ms = UINT64_MAX, .shown = -1};
    json_int_t count;
    int status;

    if (timeout != NULL && !amount_read_ms(timeout, &wait.left_ms))
        return call_fail_usage("--timeout takes a time, as 30s or 10m");
    if (call->word_count > 1 && (timeout != NULL || call_option(call, "wait") != NULL))
        return call_fail_usage("only for a server can be waited, not for an item of it");
    status = ask(call);
    if (status != 0 || (timeout == NULL && call_option(call, "wait") == NULL)) {
        if (status == 0 && call->json)
            (void)puts("{\"ok\": true}");
        return status;
    }
    count = wait_until_empty(&wait);
    return count < 0 ? CALL_SYSTEM : show(call, count);
}
