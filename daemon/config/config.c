/* SPDX-License-Identifier: MIT
 *
 * A configuration from its file to its end.
 */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cpus.h"
#include "fill.h"
#include "include.h"
#include "load.h"
#include "module.h"
#include "origin.h"
#include "parse.h"

/* Reads and loads into a new configuration; NULL when memory is short. */
static struct config *load(FILE *stream, struct document *document, const char *name,
                           const struct prongd_handler *const *handlers, struct problems *problems)
{
    struct config *config = calloc(1, sizeof(*config));

    if (config != NULL)
        config->file = strdup(name);
    if (config == NULL || config->file == NULL) {
        problems_add_system(problems, name, ENOMEM, "cannot be loaded");
        return config;
    }
    include_read(document, stream, name, problems);
    load_document(config, document, handlers, problems);
    return config;
}

struct config *config_load_stream(FILE *stream, const char *name,
                                  const struct prongd_handler *const *handlers,
                                  struct config_problems *result)
{
    struct document document = {0};
    struct problems problems = {0};
    struct config *config = load(stream, &document, name, handlers, &problems);

    problems_give(&problems, result);
    document_clear(&document);
    if (result->count == 0)
        return config;
    config_free(config);
    return NULL;
}

struct config *config_load(const char *file, const struct prongd_handler *const *handlers,
                           struct config_problems *result)
{
    FILE *stream = fopen(file, "re");
    struct problems problems = {0};
    struct config *config;

    if (stream == NULL) {
        problems_add_system(&problems, file, errno, "cannot be opened");
        problems_give(&problems, result);
        return NULL;
    }
    config = config_load_stream(stream, file, handlers, result);
    fclose(stream);
    return config;
}

static void free_server(struct config_server *server)
{
    if (server->handler_config != NULL) {
        const struct option_table table = handler_options(server->handler);

        fill_clear(&table, server->handler_config);
    }
    fill_clear(&server_options, server);
    free(server->handler_config);
    free(server->addresses);
    free(server->name);
    free(server);
}

/* Of its members it has only a name and addresses of its own. */
static void free_metrics(struct config_server *metrics)
{
    free(metrics->addresses);
    free(metrics->name);
    free(metrics);
}

void config_free(struct config *config)
{
    if (config == NULL)
        return;
    for (size_t i = 0; i < config->server_count; i++)
        free_server(config->servers[i]);
    free(config->servers);
    for (size_t i = 0; i < config->module_count; i++)
        module_free(config->modules[i]);
    free(config->modules);
    if (config->metrics != NULL)
        free_metrics(config->metrics);
    fill_clear(&daemon_options, &config->daemon);
    origin_clear(config);
    free(config->file);
    free(config);
}

unsigned config_workers(const struct config *config)
{
    const char *workers = config->daemon.workers;

    return strcmp(workers, "auto") == 0 ? cpus_usable() : (unsigned)strtoul(workers, NULL, 10);
}

bool config_core_size(const struct config *config, uint64_t *bytes)
{
    struct {
        uint64_t bytes;
    } parsed = {.bytes = UINT64_MAX};
    const struct prongd_option row = {.type = PRONGD_TYPE_SIZE};
    char problem[PARSE_PROBLEM_SIZE];

    if (config->daemon.rlimit_core == NULL || strcmp(config->daemon.rlimit_core, "auto") == 0)
        return false;
    if (strcmp(config->daemon.rlimit_core, "unlimited") != 0)
        (void)parse_value(&row, config->daemon.rlimit_core, &parsed, problem, sizeof(problem));
    *bytes = parsed.bytes;
    return true;
}

const char *config_access_path(const struct config_server *server)
{
    return server->access_log != NULL && server->access_log[0] == '/' ? server->access_log : NULL;
}

bool config_has_access_log(const struct config_server *server)
{
    return server->access_log != NULL && strcmp(server->access_log, "none") != 0;
}

uint64_t config_descriptors(const struct config *config)
{
    const char *count = config->daemon.rlimit_nofile;

    return count == NULL || strcmp(count, "auto") == 0 ? 0 : strtoull(count, NULL, 10);
}
