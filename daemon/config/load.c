/* SPDX-License-Identifier: MIT
 *
 * From a document to a configuration: [prongd], then each server with its handler.
 */
#include "load.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "array.h"
#include "conflict.h"
#include "fill.h"
#include "listen_item.h"
#include "module.h"
#include "origin.h"
#include "parse.h"
#include "privileges.h"

struct loading {
    struct config *config;
    const struct document *document;
    const struct prongd_handler *const *handlers;
    struct problems *problems;
    bool names_module; /* the handler of the section is no built-in one */
};

static void no_memory(struct loading *loading)
{
    problems_add_system(loading->problems, loading->config->file, ENOMEM, "cannot be loaded");
}

static struct fill begin_fill(const struct loading *loading, const struct document_section *section)
{
    return (struct fill){
        .config = loading->config,
        .problems = loading->problems,
        .handlers = loading->handlers,
        .kind = section->kind,
        .title = section->title,
        .place = section->place,
    };
}

/* --- [prongd] --- */

/* prongctl looks for it in the first file alone. */
static void require_own_file(struct loading *loading, const char *option)
{
    const struct prongd_option *row = option_find(&daemon_options, option);
    const struct problem_site site = {
        origin_place(loading->config, &loading->config->daemon, row, 0), "prongd", option};

    if (strcmp(site.place.file, loading->config->file) != 0)
        problems_add(loading->problems, &site, "the option must stand in %s itself",
                     loading->config->file);
}

/* What the rows cannot say: "none" is no socket, and a user without an account needs a group. */
static void settle_daemon(struct loading *loading)
{
    struct config_daemon *daemon = &loading->config->daemon;
    const struct prongd_option *row = option_find(&daemon_options, "user");
    const struct problem_site site = {origin_place(loading->config, daemon, row, 0), "prongd",
                                      row->name};
    struct privileges privileges;
    char problem[PARSE_PROBLEM_SIZE];

    require_own_file(loading, "control_socket");
    if (daemon->control_socket != NULL && strcmp(daemon->control_socket, "none") == 0) {
        free(daemon->control_socket);
        daemon->control_socket = NULL;
    }
    if (daemon->user != NULL && daemon->group == NULL &&
        privileges_find(&privileges, daemon->user, NULL, problem, sizeof(problem)) < 0)
        problems_add(loading->problems, &site, "%s", problem);
}

/* The section may stand in several places, or nowhere. */
static void load_daemon(struct loading *loading)
{
    const struct document *document = loading->document;
    const struct document_section nowhere = {.place.file = loading->config->file};
    const struct fill_target target = {daemon_options, &loading->config->daemon};
    struct fill fill;

    for (size_t i = 0; i < document->section_count; i++) {
        if (document->sections[i].kind != DOCUMENT_DAEMON)
            continue;
        fill = begin_fill(loading, &document->sections[i]);
        fill.targets[fill.target_count++] = target;
        fill_entries(&fill, &document->sections[i]);
    }
    fill = begin_fill(loading, &nowhere);
    fill.targets[fill.target_count++] = target;
    fill_defaults(&fill);
    settle_daemon(loading);
}

/* --- [server NAME] --- */

static void complain_handler(struct loading *loading, const struct problem_site *site,
                             const char *wrong)
{
    char known[PARSE_PROBLEM_SIZE] = "";
    size_t used = 0;

    for (size_t i = 0; loading->handlers[i] != NULL && used < sizeof(known); i++)
        used += (size_t)snprintf(known + used, sizeof(known) - used, "%s%s", i == 0 ? "" : ", ",
                                 loading->handlers[i]->name);
    problems_add(loading->problems, site, "%s: write one of %s, or the path of a module", wrong,
                 known);
}

static bool is_module_name(const char *name)
{
    return *name != '\0' && strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_-") == strlen(name);
}

/* The file that `handler` names: a path, or a name in the directory.  False: none. */
static bool find_module_file(const struct loading *loading, const char *handler, char *path,
                             size_t size)
{
    const char *directory = loading->config->daemon.module_directory;

    if (*handler == '/')
        return snprintf(path, size, "%s", handler) < (int)size;
    if (directory == NULL)
        directory = PRONGD_MODULE_DIRECTORY;
    return is_module_name(handler) &&
           snprintf(path, size, "%s/%s.so", directory, handler) < (int)size &&
           access(path, F_OK) == 0;
}

/* Each file is opened once, also where several servers name it.  NULL after a problem. */
static struct module *take_module(struct loading *loading, const char *path,
                                  const struct problem_site *site)
{
    struct config *config = loading->config;
    struct privileges room;
    char problem[PARSE_PROBLEM_SIZE * 2];
    struct module **place, *module;

    for (size_t i = 0; i < config->module_count; i++) {
        if (strcmp(config->modules[i]->path, path) == 0)
            return config->modules[i];
    }
    module = module_open(path, module_identity(config, &room), problem, sizeof(problem));
    if (module == NULL) {
        problems_add(loading->problems, site, "%s", problem);
        return NULL;
    }
    place = array_add(&config->modules, &config->module_count, sizeof(struct module *));
    if (place == NULL) {
        no_memory(loading);
        module_free(module);
        return NULL;
    }
    *place = module;
    return module;
}

/* NULL after a problem was added. */
static const struct prongd_handler *find_handler(struct loading *loading,
                                                 const struct document_section *section,
                                                 struct config_server *server)
{
    const struct document_entry *entry = document_find(section, "handler");
    struct problem_site site = {section->place, section->title, "handler"};
    char wrong[PARSE_PROBLEM_SIZE], path[PATH_MAX];

    loading->names_module = false;
    if (entry == NULL) {
        complain_handler(loading, &site, "a handler is missing");
        return NULL;
    }
    for (size_t i = 0; loading->handlers[i] != NULL; i++) {
        if (strcmp(loading->handlers[i]->name, entry->text) == 0)
            return loading->handlers[i];
    }
    site.place = entry->place;
    loading->names_module = find_module_file(loading, entry->text, path, sizeof(path));
    if (loading->names_module) {
        server->module = take_module(loading, path, &site);
        return server->module != NULL ? &server->module->handler : NULL;
    }
    snprintf(wrong, sizeof(wrong), "there is no handler \"%s\"", entry->text);
    complain_handler(loading, &site, wrong);
    return NULL;
}

static void resolve_item(struct loading *loading, struct config_server *server,
                         const struct document_section *section, size_t item)
{
    const struct prongd_option *row = option_find(&server_options, "listen");
    const struct problem_site site = {origin_place(loading->config, server, row, item),
                                      section->title, row->name};
    char problem[PARSE_PROBLEM_SIZE];

    /* A refused item keeps its place, so that an address and its item have the same index. */
    if (listen_item_resolve(&server->addresses[server->address_count++], server->listen.items[item],
                            problem, sizeof(problem)) < 0)
        problems_add(loading->problems, &site, "%s", problem);
}

static void resolve_listen(struct loading *loading, struct config_server *server,
                           const struct document_section *section)
{
    const struct prongd_option *row = option_find(&server_options, "listen");
    const struct problem_site site = {section->place, section->title, row->name};
    struct config_listen *addresses;

    if (origin_find(loading->config, server, row, 0) == NULL)
        problems_add(loading->problems, &site,
                     "an address is missing: write at least one, as listen = 127.0.0.1:7000");
    if (server->listen.count == 0)
        return;
    addresses = calloc(server->listen.count, sizeof(*addresses));
    if (addresses == NULL) {
        no_memory(loading);
        return;
    }
    server->addresses = addresses;
    for (size_t i = 0; i < server->listen.count; i++)
        resolve_item(loading, server, section, i);
}

/* Appends a server with its name; NULL when memory is short. */
static struct config_server *append_server(struct config *config, const char *name)
{
    struct config_server *server = calloc(1, sizeof(*server));
    char *copy = strdup(name);
    struct config_server **slot = NULL;

    if (server != NULL && copy != NULL)
        slot = array_add(&config->servers, &config->server_count, sizeof(struct config_server *));
    if (slot == NULL) {
        free(server);
        free(copy);
        return NULL;
    }
    server->name = copy;
    *slot = server;
    return server;
}

static void attach_handler(struct loading *loading, struct config_server *server, struct fill *fill,
                           const struct prongd_handler *handler)
{
    void *options;

    server->handler = handler;
    fill->handler_missing = handler == NULL;
    fill->module_missing = handler == NULL && loading->names_module;
    if (handler == NULL || handler->config_size == 0)
        return;
    options = calloc(1, handler->config_size);
    if (options == NULL) {
        no_memory(loading);
        return;
    }
    server->handler_config = options;
    fill->targets[fill->target_count++] = (struct fill_target){handler_options(handler), options};
}

/* What the rows of a handler that is built in cannot say; modules say it in a process of their own.
 */
static void configure_handler(struct loading *loading, const struct config_server *server,
                              const struct document_section *section)
{
    const struct problem_site site = {section->place, section->title, "handler"};
    const struct prongd_handler *handler = server->handler;
    char problem[PARSE_PROBLEM_SIZE] = "";

    if (handler == NULL || server->module != NULL || handler->configure == NULL)
        return;
    if (handler->configure(server->handler_config, server->name, problem, sizeof(problem)) < 0)
        problems_add(loading->problems, &site, "%s", problem);
}

/* The handler comes first, wherever it stands: it says which other options are allowed. */
static void load_server(struct loading *loading, const struct document_section *section)
{
    struct config_server *server = append_server(loading->config, section->name);
    struct fill fill = begin_fill(loading, section);

    if (server == NULL) {
        no_memory(loading);
        return;
    }
    fill.targets[fill.target_count++] = (struct fill_target){server_options, server};
    attach_handler(loading, server, &fill, find_handler(loading, section, server));
    fill_entries(&fill, section);
    fill_defaults(&fill);
    configure_handler(loading, server, section);
    resolve_listen(loading, server, section);
}

/* --- metrics_listen --- */

#define METRICS_BACKLOG 64

static void resolve_metrics_item(struct loading *loading, struct config_server *metrics,
                                 size_t item)
{
    const struct prongd_option *row = option_find(&daemon_options, "metrics_listen");
    const struct config_daemon *daemon = &loading->config->daemon;
    const struct problem_site site = {origin_place(loading->config, daemon, row, item), "prongd",
                                      row->name};
    char problem[PARSE_PROBLEM_SIZE];

    if (listen_item_resolve(&metrics->addresses[metrics->address_count++],
                            daemon->metrics_listen.items[item], problem, sizeof(problem)) < 0)
        problems_add(loading->problems, &site, "%s", problem);
}

/* Handles like those of a server. */
static void load_metrics(struct loading *loading)
{
    const struct prongd_list *items = &loading->config->daemon.metrics_listen;
    struct config_server *metrics;

    if (items->count == 0)
        return;
    metrics = calloc(1, sizeof(*metrics));
    loading->config->metrics = metrics;
    if (metrics != NULL) {
        metrics->name = strdup("metrics_listen");
        metrics->addresses = calloc(items->count, sizeof(*metrics->addresses));
    }
    if (metrics == NULL || metrics->name == NULL || metrics->addresses == NULL) {
        no_memory(loading);
        return;
    }
    metrics->backlog = METRICS_BACKLOG;
    for (size_t i = 0; i < items->count; i++)
        resolve_metrics_item(loading, metrics, i);
}

void load_document(struct config *config, const struct document *document,
                   const struct prongd_handler *const *handlers, struct problems *problems)
{
    struct loading loading = {
        .config = config, .document = document, .handlers = handlers, .problems = problems};
    const struct problem_site site = {.place = {.file = config->file}};

    load_daemon(&loading);
    load_metrics(&loading);
    for (size_t i = 0; i < document->section_count; i++) {
        if (document->sections[i].kind == DOCUMENT_SERVER)
            load_server(&loading, &document->sections[i]);
    }
    if (config->server_count == 0 && problems->count == 0)
        problems_add(problems, &site,
                     "there is nothing to serve: write [server NAME] and below it, for example, "
                     "listen = 127.0.0.1:7000 and handler = echo");
    conflict_check(config, problems);
    if (problems->count == 0)
        module_rehearse(config, problems);
}
