/* SPDX-License-Identifier: MIT
 *
 * Every metric in one row.
 *
 * Names follow the conventions of Prometheus: base units, _total for what only grows.
 */
#include "metrics.h"

#include <string.h>

enum metric_type { GAUGE, COUNTER };

static const char *const type_names[] = {[GAUGE] = "gauge", [COUNTER] = "counter"};

struct label {
    const char *name;
    const char *member; /* of the object */
};

/* A member of the status whose objects each have a sample, and what tells them apart. */
struct scope {
    const char *member; /* an object, or a list of objects */
    struct label labels[5];
    const char *described;
    const char *kind; /* those alone whose "kind" it is; NULL: all */
};

static const struct scope master = {.member = "master", .described = ""};
static const struct scope counters = {.member = "counters", .described = ""};
static const struct scope workers = {.member = "workers",
                                     .labels = {{"generation", "generation"}, {"slot", "slot"}},
                                     .described = "generation, slot"};
static const struct scope servers = {
    .member = "servers", .labels = {{"server", "name"}}, .described = "server"};
static const struct scope drops = {.member = "drops",
                                   .labels = {{"server", "server"}, {"reason", "reason"}},
                                   .described = "server, reason"};
static const struct scope handlers = {
    .member = "handler_counters",
    .labels = {{"server", "server"}, {"handler", "handler"}, {"counter", "counter"}},
    .described = "server, handler, counter"};
static const struct scope upstreams = {.member = "items",
                                       .labels = {{"server", "server"}, {"upstream", "name"}},
                                       .described = "server, upstream",
                                       .kind = "upstream"};
static const struct scope item_sums = {
    .member = "item_figures",
    .labels = {{"server", "server"}, {"kind", "item_kind"}, {"item", "item"}, {"figure", "figure"}},
    .described = "server, kind, item, figure",
    .kind = "sum"};
static const struct scope item_levels = {
    .member = "item_figures",
    .labels = {{"server", "server"}, {"kind", "item_kind"}, {"item", "item"}, {"figure", "figure"}},
    .described = "server, kind, item, figure",
    .kind = "level"};
static const struct scope cuts = {.member = "cuts",
                                  .labels = {{"server", "server"}, {"reason", "reason"}},
                                  .described = "server, reason"};
static const struct scope listeners = {.member = "listeners",
                                       .labels = {{"server", "server"}, {"address", "address"}},
                                       .described = "server, address"};

struct row {
    const struct scope *scope;
    const char *member; /* of the object: a number, or a text and its `wanted` value */
    const char *name;
    enum metric_type type;
    double unit;        /* the member counts so many of the metric's unit; 0: 1 */
    const char *wanted; /* 1 where the member has this text, else 0 */
    const char *help;
};

static const struct row rows[] = {
    {&master, "state", "prong_up", GAUGE, .wanted = "running",
     .help = "1 while the service runs, 0 while it starts or stops."},
    {&master, "uptime_s", "prong_uptime_seconds", GAUGE,
     .help = "How long the service has run, upgrades included."},
    {&master, "generation", "prong_generation", GAUGE,
     .help = "The number of the generation that accepts."},
    {&counters, "reloads", "prong_reloads_total", COUNTER, .help = "Reloads that succeeded."},
    {&counters, "reloads_refused", "prong_reloads_refused_total", COUNTER,
     .help = "Reloads that were refused; the service went on as before."},
    {&counters, "upgrades", "prong_upgrades_total", COUNTER,
     .help = "Programs that took the service over from the one before."},
    {&counters, "worker_starts", "prong_worker_starts_total", COUNTER,
     .help = "Workers that were started."},
    {&counters, "worker_deaths", "prong_worker_deaths_total", COUNTER,
     .help = "Workers that ended although nobody had told them to."},
    {&counters, "moved", "prong_handoffs_total", COUNTER,
     .help = "Connections that moved to another worker when theirs left."},
    {&counters, "drained", "prong_handoffs_refused_total", COUNTER,
     .help = "Connections that could not move when their worker left."},
    {&workers, "state", "prong_worker_ready", GAUGE, .wanted = "ready",
     .help = "1 for a worker that serves."},
    {&workers, "connections", "prong_worker_connections", GAUGE,
     .help = "Connections that the worker has."},
    {&workers, "accepted", "prong_worker_accepted_total", COUNTER,
     .help = "Connections that were accepted in the slot."},
    {&workers, "gate", "prong_worker_gate_closed", GAUGE, .wanted = "closed",
     .help = "1 while the worker lets others accept, for it has more than its share."},
    {&workers, "gate_closed", "prong_worker_gate_closed_total", COUNTER,
     .help = "How often the gate of the worker closed."},
    {&workers, "gate_forced", "prong_worker_gate_forced_total", COUNTER,
     .help = "Connections accepted above the share, because nobody else came."},
    {&workers, "gate_nudges", "prong_worker_gate_nudges_total", COUNTER,
     .help = "How often the worker woke another one to accept."},
    {&workers, "was_full", "prong_worker_full_total", COUNTER,
     .help = "excess = wait: how often the worker left clients to wait, because there were "
             "max_connections."},
    {&workers, "queues_relieved", "prong_worker_queues_relieved_total", COUNTER,
     .help = "accept = reuseport: how often the worker began to serve the queue of another one, "
             "which did not come."},
    {&workers, "lag_us", "prong_worker_loop_lag_seconds", GAUGE, .unit = 1e-6,
     .help = "How late the worker's loop came to its last housekeeping."},
    {&workers, "cpu_us", "prong_worker_cpu_seconds_total", COUNTER, .unit = 1e-6,
     .help = "CPU time that the worker has used."},
    {&servers, "connections", "prong_server_connections", GAUGE,
     .help = "Connections that the server has."},
    {&servers, "accepted", "prong_server_accepted_total", COUNTER,
     .help = "Connections that were accepted."},
    {&servers, "closed", "prong_server_closed_total", COUNTER,
     .help = "Connections that have ended."},
    {&servers, "failed", "prong_server_failed_total", COUNTER,
     .help = "Connections that have ended with an error."},
    {&servers, "dropped", "prong_server_dropped_total", COUNTER,
     .help = "Connections that were refused by a limit."},
    {&drops, "count", "prong_server_drops_total", COUNTER,
     .help = "The same by reason: the limit or list that refused the client."},
    {&cuts, "count", "prong_server_cuts_total", COUNTER,
     .help = "Connections that prongd ended by itself, by reason: the timeout or limit."},
    {&servers, "shadowed", "prong_server_shadowed_total", COUNTER,
     .help = "Connections that would have been refused, but for shadow = yes."},
    {&servers, "expelled", "prong_server_expelled_total", COUNTER,
     .help = "Established connections that were ended by enforce = established."},
    {&servers, "access_lost", "prong_server_access_lines_lost_total", COUNTER,
     .help = "Lines of the access log that could not be written."},
    {&servers, "programs_running", "prong_server_programs", GAUGE,
     .help = "Programs of the handler exec that run."},
    {&servers, "programs_started", "prong_server_programs_started_total", COUNTER,
     .help = "Programs that were started."},
    {&servers, "programs_failed", "prong_server_programs_failed_total", COUNTER,
     .help = "Programs that could not be started, or ended otherwise than with status 0."},
    {&servers, "programs_refused", "prong_server_programs_refused_total", COUNTER,
     .help = "Clients that were sent away because as many programs ran as may."},
    {&servers, "keepers_hanging", "prong_server_keepers_hanging", GAUGE,
     .help =
         "Keepers, which run the programs of exec, that do not answer; another one takes clients."},
    {&servers, "bytes_read", "prong_server_read_bytes_total", COUNTER,
     .help = "Bytes that came from clients."},
    {&servers, "bytes_written", "prong_server_written_bytes_total", COUNTER,
     .help = "Bytes that went to clients."},
    {&servers, "max_to_mean", "prong_server_max_to_mean", GAUGE,
     .help = "Connections of the busiest worker, relative to the mean of all."},
    {&servers, "jain", "prong_server_jain_index", GAUGE,
     .help = "Jain's index of fairness over the workers: 1 when all are equal."},
    {&handlers, "count", "prong_handler_events_total", COUNTER,
     .help = "What the handler of a server counts, by the name of its counter."},
    {&upstreams, "is_well", "prong_upstream_up", GAUGE,
     .help = "1 while clients are sent to the upstream, as far as its health goes."},
    {&upstreams, "drained", "prong_upstream_drained", GAUGE,
     .help = "1 while an operator has drained the upstream."},
    {&upstreams, "weight", "prong_upstream_weight", GAUGE,
     .help = "The weight of the upstream among those of its server."},
    {&upstreams, "connections", "prong_upstream_connections", GAUGE,
     .help = "Connections that the upstream has, and attempts that are under way."},
    {&upstreams, "connects", "prong_upstream_connects_total", COUNTER,
     .help = "Connections that were made to the upstream."},
    {&upstreams, "connect_us", "prong_upstream_connect_seconds_total", COUNTER, .unit = 1e-6,
     .help = "How long making them took, all together."},
    {&upstreams, "failures", "prong_upstream_failures_total", COUNTER,
     .help = "Attempts to connect to the upstream that failed."},
    {&upstreams, "retries", "prong_upstream_retries_total", COUNTER,
     .help = "Attempts for clients for whom another upstream had failed."},
    {&upstreams, "downs", "prong_upstream_downs_total", COUNTER,
     .help = "How often the upstream was found to be down, by clients or checks."},
    {&upstreams, "checks", "prong_upstream_checks_total", COUNTER,
     .help = "Checks of the upstream (check_interval), over all workers."},
    {&upstreams, "check_failures", "prong_upstream_check_failures_total", COUNTER,
     .help = "Checks of the upstream that failed."},
    {&item_sums, "value", "prong_item_events_total", COUNTER,
     .help = "What a module counts of each of its items, by the name of the figure."},
    {&item_levels, "value", "prong_item_level", GAUGE,
     .help = "How much a module has of something with each of its items."},
    {&listeners, "queue", "prong_listener_queue_length", GAUGE,
     .help = "Connections that wait to be accepted."},
    {&listeners, "backlog", "prong_listener_queue_limit", GAUGE, .help = "How many may wait."},
    {&listeners, "overflows", "prong_listener_overflows_total", COUNTER,
     .help = "Connections that the kernel turned away because the queue was full."},
};

#define ROW_COUNT (sizeof(rows) / sizeof(rows[0]))

/* --- Samples --- */

/* What to do with each sample of a metric. */
typedef void visitor(const struct row *row, const json_t *object, double value, void *user);

static double value_of(const struct row *row, const json_t *member)
{
    const char *text = json_string_value(member);

    if (row->wanted != NULL)
        return text != NULL && strcmp(text, row->wanted) == 0;
    if (json_is_boolean(member))
        return json_is_true(member);
    return json_number_value(member) * (row->unit != 0 ? row->unit : 1);
}

static bool is_in_scope(const struct scope *scope, const json_t *object)
{
    const char *kind = json_string_value(json_object_get(object, "kind"));

    return scope->kind == NULL || (kind != NULL && strcmp(kind, scope->kind) == 0);
}

static void visit_object(const struct row *row, const json_t *object, visitor *visit, void *user)
{
    const json_t *member = json_object_get(object, row->member);

    if (member != NULL && is_in_scope(row->scope, object))
        visit(row, object, value_of(row, member), user);
}

static void visit_row(const struct row *row, const json_t *status, visitor *visit, void *user)
{
    const json_t *member = json_object_get(status, row->scope->member);
    const json_t *object;
    size_t i;

    if (json_is_object(member))
        visit_object(row, member, visit, user);
    json_array_foreach(member, i, object)
    {
        visit_object(row, object, visit, user);
    }
}

/* --- Text --- */

/* As a text in quotes: \, " and the end of a line are escaped. */
static void print_escaped(FILE *stream, const char *text)
{
    for (; *text != '\0'; text++) {
        if (*text == '\n')
            fputs("\\n", stream);
        else if (*text == '\\' || *text == '"')
            fprintf(stream, "\\%c", *text);
        else
            fputc(*text, stream);
    }
}

static void print_label(FILE *stream, const char *name, const json_t *value)
{
    fprintf(stream, "%s=\"", name);
    if (json_is_string(value))
        print_escaped(stream, json_string_value(value));
    else
        fprintf(stream, "%lld", (long long)json_integer_value(value));
    fputc('"', stream);
}

static void print_sample(const struct row *row, const json_t *object, double value, void *user)
{
    const struct label *labels = row->scope->labels;
    FILE *stream = user;

    fputs(row->name, stream);
    for (size_t i = 0; labels[i].name != NULL; i++) {
        fputc(i == 0 ? '{' : ',', stream);
        print_label(stream, labels[i].name, json_object_get(object, labels[i].member));
    }
    fprintf(stream, "%s %.17g\n", labels[0].name != NULL ? "}" : "", value);
}

static void print_build(FILE *stream, const json_t *status)
{
    const json_t *version = json_object_get(json_object_get(status, "master"), "version");

    fputs("# HELP prong_build_info Always 1; the label tells the version that runs.\n"
          "# TYPE prong_build_info gauge\nprong_build_info{",
          stream);
    print_label(stream, "version", version);
    fputs("} 1\n", stream);
}

void metrics_print(FILE *stream, const json_t *status)
{
    print_build(stream, status);
    for (size_t i = 0; i < ROW_COUNT; i++) {
        fprintf(stream, "# HELP %s %s\n# TYPE %s %s\n", rows[i].name, rows[i].help, rows[i].name,
                type_names[rows[i].type]);
        visit_row(&rows[i], status, print_sample, stream);
    }
}

/* --- JSON --- */

static void add_sample(const struct row *row, const json_t *object, double value, void *user)
{
    const struct label *labels = row->scope->labels;
    json_t *named = json_object();

    for (size_t i = 0; labels[i].name != NULL; i++)
        json_object_set(named, labels[i].name, json_object_get(object, labels[i].member));
    json_array_append_new(user, json_pack("{s:s, s:s, s:o, s:f}", "name", row->name, "type",
                                          type_names[row->type], "labels", named, "value", value));
}

json_t *metrics_json(const json_t *status)
{
    json_t *list = json_array();

    for (size_t i = 0; list != NULL && i < ROW_COUNT; i++)
        visit_row(&rows[i], status, add_sample, list);
    return list;
}

/* --- Descriptions --- */

bool metrics_describe(size_t index, struct metric_description *description)
{
    const struct row *row = &rows[index];

    if (index >= ROW_COUNT)
        return false;
    *description = (struct metric_description){.name = row->name,
                                               .type = type_names[row->type],
                                               .labels = row->scope->described,
                                               .help = row->help};
    return true;
}
