/* SPDX-License-Identifier: MIT
 *
 * The last status, and a ring of seconds.
 */
#include "snapshot.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

static double clock_s(clockid_t clock)
{
    struct timespec now;

    clock_gettime(clock, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static json_int_t member(const json_t *object, const char *key)
{
    return json_integer_value(json_object_get(object, key));
}

static json_int_t count_ready(const json_t *status)
{
    const json_t *worker;
    json_int_t count = 0;
    size_t i;

    json_array_foreach(json_object_get(status, "workers"), i, worker)
    {
        const char *state = json_string_value(json_object_get(worker, "state"));

        count += state != NULL && strcmp(state, "ready") == 0;
    }
    return count;
}

static struct moment moment_of(const json_t *status)
{
    struct moment moment = {
        .time = clock_s(CLOCK_REALTIME),
        .generation = member(json_object_get(status, "master"), "generation"),
        .workers = count_ready(status),
    };
    const json_t *server;
    size_t i;

    json_array_foreach(json_object_get(status, "servers"), i, server)
    {
        moment.connections += member(server, "connections");
        moment.accepted += member(server, "accepted");
        moment.bytes_read += member(server, "bytes_read");
        moment.bytes_written += member(server, "bytes_written");
    }
    return moment;
}

/* A word out of turn takes the place of the one just before it: rates need time between. */
static void note(struct snapshot *snapshot, const struct moment *moment)
{
    const struct moment *last =
        &snapshot->history[(snapshot->moments + SNAPSHOT_HISTORY - 1) % SNAPSHOT_HISTORY];

    if (snapshot->moments == 0 || moment->time - last->time > 0.5 || moment->time < last->time)
        snapshot->moments++;
    snapshot->history[(snapshot->moments - 1) % SNAPSHOT_HISTORY] = *moment;
}

void snapshot_take(struct snapshot *snapshot, json_t *status)
{
    struct moment moment = moment_of(status);

    json_decref(snapshot->status);
    snapshot->status = status;
    snapshot->heard = clock_s(CLOCK_MONOTONIC);
    note(snapshot, &moment);
}

const char *snapshot_sickness(const struct snapshot *snapshot)
{
    if (snapshot->status == NULL)
        return "the master has said nothing yet";
    if (clock_s(CLOCK_MONOTONIC) - snapshot->heard > SNAPSHOT_STALE_S)
        return "the master says nothing any more";
    return NULL;
}

/* The first server that an operator has drained; NULL: none. */
static const char *drained_server(const struct snapshot *snapshot)
{
    const json_t *server;
    size_t i;

    json_array_foreach(json_object_get(snapshot->status, "servers"), i, server)
    {
        const char *state = json_string_value(json_object_get(server, "state"));

        if (state != NULL && strcmp(state, "serving") != 0)
            return json_string_value(json_object_get(server, "name"));
    }
    return NULL;
}

const char *snapshot_unreadiness(const struct snapshot *snapshot)
{
    static char reason[128];
    const char *sickness = snapshot_sickness(snapshot);
    const char *state, *server;

    if (sickness != NULL)
        return sickness;
    state =
        json_string_value(json_object_get(json_object_get(snapshot->status, "master"), "state"));
    if (state == NULL || strcmp(state, "running") != 0)
        return "the service starts or stops";
    if (count_ready(snapshot->status) == 0)
        return "no worker is ready";
    server = drained_server(snapshot);
    if (server == NULL)
        return NULL;
    (void)snprintf(reason, sizeof(reason), "the server %s is drained", server);
    return reason;
}

static json_t *moment_json(const struct moment *moment)
{
    return json_pack("[f, I, I, I, I, I, I]", moment->time, moment->connections, moment->accepted,
                     moment->bytes_read, moment->bytes_written, moment->generation,
                     moment->workers);
}

json_t *snapshot_json(const struct snapshot *snapshot)
{
    json_t *shown = snapshot->status != NULL ? json_copy(snapshot->status) : json_object();
    json_t *history = json_array();
    size_t kept =
        snapshot->moments < SNAPSHOT_HISTORY ? snapshot->moments : (size_t)SNAPSHOT_HISTORY;

    for (size_t i = snapshot->moments - kept; i < snapshot->moments; i++)
        json_array_append_new(history, moment_json(&snapshot->history[i % SNAPSHOT_HISTORY]));
    json_object_set_new(shown, "history", history);
    json_object_set_new(shown, "heaviest", heaviest_json(&snapshot->heaviest));
    return shown;
}

void snapshot_clear(struct snapshot *snapshot)
{
    json_decref(snapshot->status);
    *snapshot = (struct snapshot){0};
}
