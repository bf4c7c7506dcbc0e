/* SPDX-License-Identifier: MIT
 *
 * The scoreboard and the master's own knowledge, as JSON.
 */
#include "status.h"

#include <linux/sock_diag.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <prong/address.h>
#include <prongd/handler.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "access_end.h"
#include "clock.h"
#include "config.h"
#include "counters.h"
#include "drains.h"
#include "generation.h"
#include "history.h"
#include "inventory.h"
#include "keepers.h"
#include "listeners.h"
#include "options.h"
#include "rebalance.h"
#include "routing.h"
#include "scoreboard.h"
#include "slot.h"
#include "supervisor.h"
#include "tally.h"
#include "timeline.h"
#include "totals.h"

static json_t *number(uint64_t value)
{
    return json_integer((json_int_t)value);
}

/* Where its files are, for prongctl doctor. */
static void add_files(json_t *master, const struct config *config)
{
    json_object_set_new(master, "config", json_string(config->file));
    json_object_set_new(master, "log_target", json_string(config->daemon.log_target));
    json_object_set_new(master, "module_directory",
                        json_string(config->daemon.module_directory != NULL
                                        ? config->daemon.module_directory
                                        : PRONGD_MODULE_DIRECTORY));
}

static json_t *describe_master(const struct status *status)
{
    const struct generation *current = generation_list_current(status->generations);
    char started[sizeof("2000-01-01T00:00:00Z")] = "";
    struct tm utc;
    json_t *master;

    if (gmtime_r(&status->started, &utc) != NULL)
        (void)strftime(started, sizeof(started), "%Y-%m-%dT%H:%M:%SZ", &utc);
    master = json_pack("{s:I, s:s, s:s, s:o, s:s, s:o}", "pid", (json_int_t)getpid(), "version",
                       PRONG_VERSION, "state", status->state, "generation",
                       number(current != NULL ? current->number : 0), "started", started,
                       "uptime_s", number(status->uptime_s));
    if (current != NULL)
        add_files(master, current->config);
    return master;
}

/* --- Workers --- */

static void describe_rest(json_t *worker, const struct slot *slot)
{
    double left_s = slot->until - clock_s();

    json_object_set_new(worker, "early_deaths", number(slot->early_deaths));
    json_object_set_new(worker, "rests_s", json_real(left_s > 0 ? left_s : 0));
}

/* Of its servers' gates, which of them is closed is of no interest. */
static const char *describe_gate(const struct status *status, const struct generation *generation,
                                 unsigned slot)
{
    const char *text = "open";

    for (unsigned server = 0; server < generation->config->server_count; server++) {
        const struct scoreboard_server *cell =
            scoreboard_server(status->scoreboard, generation->number, slot, server);

        if (cell != NULL && atomic_load_explicit(&cell->is_full, memory_order_relaxed) != 0)
            return "full";
        if (cell != NULL && atomic_load_explicit(&cell->is_closed, memory_order_relaxed) != 0)
            text = "closed";
    }
    return text;
}

static json_t *describe_worker(const struct status *status, const struct generation *generation,
                               const struct slot *slot)
{
    struct totals totals = {0};
    json_t *worker;

    for (unsigned server = 0; server < generation->config->server_count; server++)
        totals_add_cell(&totals, scoreboard_server(status->scoreboard, generation->number,
                                                   slot->index, server));
    worker = json_pack("{s:o, s:I, s:o, s:s, s:s}", "slot", number(slot->index), "pid",
                       (json_int_t)slot->pid, "generation", number(generation->number), "state",
                       slot_state_name(slot->state), "gate",
                       describe_gate(status, generation, slot->index));
    json_object_update_new(worker, totals_json(&totals));
    json_object_set_new(worker, "lag_us", number(atomic_load(&slot->cell->lag_us)));
    json_object_set_new(worker, "cpu_us", number(atomic_load(&slot->cell->cpu_us)));
    if (slot->state == SLOT_RESTING)
        describe_rest(worker, slot);
    return worker;
}

static json_t *describe_workers(const struct status *status)
{
    json_t *workers = json_array();
    const struct generation *generation;

    for (generation = status->generations->first; generation != NULL;
         generation = generation->next) {
        for (unsigned i = 0; i < generation->slot_count; i++)
            json_array_append_new(workers,
                                  describe_worker(status, generation, &generation->slots[i]));
    }
    return workers;
}

/* --- Servers --- */

static json_t *describe_addresses(const struct generation *generation, unsigned server)
{
    json_t *addresses = json_array();
    char text[PRONG_ADDRESS_TEXT_SIZE];

    for (size_t i = 0; i < generation->listener_count; i++) {
        const struct generation_listener *entry = &generation->listeners[i];

        if (entry->server != server || entry->listener->nth > 0)
            continue;
        prong_address_format(&entry->listener->address, text, sizeof(text));
        json_array_append_new(addresses, json_string(text));
    }
    return addresses;
}

/* Adds what the generation's workers count for the server of that name. */
static void add_server(struct totals *totals, json_t *tally, const struct status *status,
                       const struct generation *generation, const char *name)
{
    for (unsigned server = 0; server < generation->config->server_count; server++) {
        const struct config_server *config = generation->config->servers[server];

        if (strcmp(config->name, name) != 0)
            continue;
        for (unsigned slot = 0; slot < generation->slot_count; slot++) {
            const struct scoreboard_server *cell =
                scoreboard_server(status->scoreboard, generation->number, slot, server);

            totals_add_cell(totals, cell);
            tally_add_cell(tally, config->handler, cell);
        }
    }
}

/* The counters of the handler that serves now, in the order of its rows. */
static json_t *describe_counters(const json_t *tally, const struct prongd_handler *handler)
{
    json_t *counters = json_array();

    for (size_t i = 0; i < handler->counter_count; i++)
        json_array_append_new(
            counters, json_pack("{s:s, s:s, s:I}", "counter", handler->counters[i].name, "help",
                                handler->counters[i].help, "count", tally_find(tally, handler, i)));
    return counters;
}

/* Of exec: as members of the server, for the metrics. */
static void describe_programs(const struct status *status, json_t *server, const char *name)
{
    static const char *const names[] = {"running", "started", "failed", "refused"};
    json_t *programs = keepers_programs(status->keepers, name);
    char member[32];

    if (programs == NULL)
        return;
    json_object_set_new(server, "keepers_hanging", number(keepers_silent(status->keepers, name)));
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        (void)snprintf(member, sizeof(member), "programs_%s", names[i]);
        json_object_set(server, member, json_object_get(programs, names[i]));
    }
    json_decref(programs);
}

/* Sums are those of all generations, gone ones included; the spread is that of the current one. */
static json_t *describe_server(const struct status *status, const struct generation *current,
                               unsigned server)
{
    const struct config_server *config = current->config->servers[server];
    struct totals totals = history_find(status->history, config->name);
    struct spread spread = rebalance_server_spread(current, status->scoreboard, server);
    json_t *described, *tally = json_object();

    tally_add(tally, history_tally(status->history, config->name));
    for (const struct generation *generation = status->generations->first; generation != NULL;
         generation = generation->next)
        add_server(&totals, tally, status, generation, config->name);
    described = json_pack("{s:s, s:s, s:o, s:f, s:f}", "name", config->name, "handler",
                          config->handler->name, "addresses", describe_addresses(current, server),
                          "max_to_mean", spread.max_to_mean, "jain", spread.jain);
    json_object_set_new(
        described, "handler_version",
        json_string(config->handler->version != NULL ? config->handler->version : PRONG_VERSION));
    json_object_set_new(
        described, "accept",
        json_string(option_find(&server_options, "accept")->choices[config->accept]));
    json_object_set_new(described, "max_connections", number(config->max_connections));
    json_object_set_new(described, "backlog", number(config->backlog));
    json_object_set_new(described, "counters", describe_counters(tally, config->handler));
    json_decref(tally);
    json_object_update_new(described, totals_json(&totals));
    drains_describe(status->drains, described);
    describe_programs(status, described, config->name);
    return described;
}

/* Of each server and counter: a sample for the metrics. */
static json_t *describe_all_counters(const json_t *servers)
{
    json_t *all = json_array();
    const json_t *server, *counter;
    size_t i, k;

    json_array_foreach(servers, i, server)
    {
        json_array_foreach(json_object_get(server, "counters"), k, counter)
        {
            json_t *sample = json_pack("{s:O, s:O}", "server", json_object_get(server, "name"),
                                       "handler", json_object_get(server, "handler"));

            json_object_update(sample, (json_t *)(uintptr_t)counter);
            json_array_append_new(all, sample);
        }
    }
    return all;
}

/* A family of sums in the totals: "dropped_" and the reason. */
struct reasons {
    const char *prefix;
    unsigned count;
    const char *(*name)(unsigned reason);
};

static const char *drop_name(unsigned reason)
{
    return drop_reason_name((enum drop_reason)reason);
}

static const char *cut_name(unsigned reason)
{
    return access_end_reason((enum access_end)(ACCESS_FIRST_CUT + reason));
}

static const struct reasons drops = {"dropped_", DROP_REASONS, drop_name};
static const struct reasons cuts = {"cut_", ACCESS_CUTS, cut_name};

/* Of each server and reason: a sample for the metrics. */
static void describe_reasons(json_t *list, const struct reasons *reasons, const json_t *server)
{
    char member[64];

    for (unsigned reason = 0; reason < reasons->count; reason++) {
        const char *name = reasons->name(reason);

        (void)snprintf(member, sizeof(member), "%s%s", reasons->prefix, name);
        json_array_append_new(list, json_pack("{s:O, s:s, s:O}", "server",
                                              json_object_get(server, "name"), "reason", name,
                                              "count", json_object_get(server, member)));
    }
}

static json_t *describe_all_reasons(const struct reasons *reasons, const json_t *servers)
{
    json_t *list = json_array();
    const json_t *server;
    size_t i;

    json_array_foreach(servers, i, server)
    {
        describe_reasons(list, reasons, server);
    }
    return list;
}

/* The one that serves; while it starts or stops the first one; NULL: none. */
static const struct generation *shown_generation(const struct status *status)
{
    const struct generation *current = generation_list_current(status->generations);

    return current != NULL ? current : status->generations->first;
}

/* What the handlers of all servers deal with by name, in one list; adds to the samples. */
static json_t *describe_items(const struct status *status, json_t *samples)
{
    const struct generation *current = shown_generation(status);
    json_t *items = json_array();

    for (unsigned i = 0; current != NULL && i < current->config->server_count; i++) {
        json_t *own = inventory_describe(status->scoreboard, current->config->servers[i]);

        inventory_add_samples(samples, own, current->config->servers[i]);
        (void)json_array_extend(items, own);
        json_decref(own);
    }
    return items;
}

static json_t *describe_servers(const struct status *status)
{
    const struct generation *current = shown_generation(status);
    json_t *servers = json_array();

    if (current == NULL)
        return servers;
    for (unsigned server = 0; server < current->config->server_count; server++)
        json_array_append_new(servers, describe_server(status, current, server));
    return servers;
}

/* --- Listening handles --- */

/* Of all handles of one address. */
struct queue {
    unsigned handles;
    bool is_known;
    uint64_t length, limit, overflows;
};

/* Of TCP the kernel tells how many wait, and how many it turned away (tcp(7), SO_MEMINFO). */
static void add_queue(struct queue *queue, int fd)
{
    struct tcp_info info;
    uint32_t memory[SK_MEMINFO_VARS] = {0};
    socklen_t size = sizeof(info);

    queue->handles++;
    if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &size) < 0)
        return;
    queue->is_known = true;
    queue->length += info.tcpi_unacked;
    queue->limit += info.tcpi_sacked;
    size = sizeof(memory);
    if (getsockopt(fd, SOL_SOCKET, SO_MEMINFO, memory, &size) == 0)
        queue->overflows += memory[SK_MEMINFO_DROPS];
}

/* With all that have the address of this one, which is their first. */
static json_t *describe_listener(const struct generation *current, size_t first)
{
    const struct generation_listener *entry = &current->listeners[first];
    char text[PRONG_ADDRESS_TEXT_SIZE];
    struct queue queue = {0};
    json_t *listener;

    for (size_t i = first; i < routing_group_end(current, first); i++)
        add_queue(&queue, current->listeners[i].listener->fd);
    listener =
        json_pack("{s:s, s:s, s:o}", "server", current->config->servers[entry->server]->name,
                  "address", prong_address_format(&entry->listener->address, text, sizeof(text)),
                  "handles", number(queue.handles));
    if (listener != NULL && queue.is_known)
        json_object_update_new(listener, json_pack("{s:o, s:o, s:o}", "queue", number(queue.length),
                                                   "backlog", number(queue.limit), "overflows",
                                                   number(queue.overflows)));
    return listener;
}

static json_t *describe_listeners(const struct status *status)
{
    const struct generation *current = generation_list_current(status->generations);
    json_t *listeners = json_array();

    for (size_t i = 0; current != NULL && i < current->listener_count;
         i = routing_group_end(current, i))
        if (current->listeners[i].server < current->config->server_count)
            json_array_append_new(listeners, describe_listener(current, i));
    return listeners;
}

json_t *status_json(const struct status *status)
{
    json_t *servers = describe_servers(status), *figures = json_array();
    json_t *items = describe_items(status, figures);

    return json_pack("{s:b, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "ok", 1,
                     "master", describe_master(status), "counters", counters_json(status->counters),
                     "timeline", timeline_json(status->timeline), "workers",
                     describe_workers(status), "drops", describe_all_reasons(&drops, servers),
                     "cuts", describe_all_reasons(&cuts, servers), "handler_counters",
                     describe_all_counters(servers), "items", items, "item_figures", figures,
                     "servers", servers, "listeners", describe_listeners(status), "keepers",
                     keepers_status(status->keepers));
}
