/* SPDX-License-Identifier: MIT
 *
 * Describing and rehearsing modules, each in a child.
 */
#include "module.h"

#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "config.h"
#include "errand.h"
#include "module_code.h"
#include "module_image.h"
#include "module_rows.h"
#include "module_settle.h"
#include "options.h"
#include "origin.h"
#include "privileges.h"

/* The parent waits for so long, and no longer, whatever a module does. */
#define TIMEOUT_MS 5000

const struct privileges *module_identity(const struct config *config, struct privileges *room)
{
    const char *user = config->daemon.user != NULL ? config->daemon.user : CONFIG_DEFAULT_USER;
    char problem[256];

    if (geteuid() != 0)
        return NULL;
    return privileges_find(room, user, config->daemon.group, problem, sizeof(problem)) == 0 ? room
                                                                                            : NULL;
}

/* --- Describing --- */

/* In the child. */
static void describe(FILE *report, void *user)
{
    const struct module *module = user;
    struct module_code code;
    char problem[512];
    json_t *value;

    if (module_code_load(&code, module->image, problem, sizeof(problem)) < 0)
        value = json_pack("{s:s}", "problem", problem);
    else
        value = module_rows_describe(&code.handler);
    if (value != NULL)
        (void)json_dumpf(value, report, JSON_COMPACT);
}

/* A server has both rows in one section. */
static int check_names(const struct module *module, char *problem, size_t size)
{
    for (size_t i = 0; i < module->handler.option_count; i++) {
        const char *name = module->options[i].name;

        if (option_find(&server_options, name) == NULL)
            continue;
        snprintf(problem, size,
                 "the module %s: its option %s has the name of an option that every "
                 "server has",
                 module->path, name);
        return -EINVAL;
    }
    return 0;
}

static int take_description(struct module *module, const char *report, char *problem, size_t size)
{
    json_t *value = json_loads(report, 0, NULL);
    const char *refused = json_string_value(json_object_get(value, "problem"));

    if (refused != NULL)
        snprintf(problem, size, "the module %s: %s", module->path, refused);
    if (refused == NULL && value != NULL && module_rows_take(module, value) == 0)
        return check_names(module, problem, size);
    if (refused == NULL)
        snprintf(problem, size, "the module %s: its rows cannot be read", module->path);
    if (module->description == NULL)
        json_decref(value);
    return -EINVAL;
}

static int ask(struct module *module, const struct privileges *identity, char *problem, size_t size)
{
    const struct errand errand = {
        .identity = identity,
        .fds = &module->image,
        .fd_count = 1,
        .timeout_ms = TIMEOUT_MS,
        .work = describe,
        .user = module,
    };
    char *report, reason[128];
    int error = errand_run(&errand, &report, reason, sizeof(reason));

    if (error < 0)
        snprintf(problem, size, "the module %s, when it was loaded, %s", module->path, reason);
    else
        error = take_description(module, report != NULL ? report : "", problem, size);
    free(report);
    return error;
}

struct module *module_open(const char *path, const struct privileges *identity, char *problem,
                           size_t size)
{
    struct module *module = calloc(1, sizeof(*module));

    if (module == NULL) {
        snprintf(problem, size, "out of memory");
        return NULL;
    }
    module->path = strdup(path);
    module->image = module_image_open(path, problem, size);
    if (module->path != NULL && module->image >= 0 && ask(module, identity, problem, size) == 0)
        return module;
    module_free(module);
    return NULL;
}

struct module *module_departed(const char *name, const json_t *counters)
{
    struct module *module = calloc(1, sizeof(*module));

    if (module == NULL)
        return NULL;
    module->image = -1;
    module->path = strdup(name);
    module->handler = (struct prongd_handler){PRONGD_HANDLER, .name = module->path};
    module->description = json_deep_copy(counters);
    if (module->path != NULL && module_rows_take_counters(module, module->description) == 0)
        return module;
    module_free(module);
    return NULL;
}

void module_free(struct module *module)
{
    if (module == NULL)
        return;
    if (module->image >= 0)
        close(module->image);
    for (size_t i = 0; i < module->handler.option_count; i++)
        free((void *)(uintptr_t)module->options[i].choices);
    free(module->options);
    json_decref(module->description);
    free(module->path);
    free(module);
}

/* --- Rehearsing --- */

static int rehearse_server(const struct config_server *server, struct module_problem *problem)
{
    struct module_code code;
    void *base;
    int error =
        module_code_load(&code, server->module->image, problem->text, sizeof(problem->text));

    if (error < 0)
        return error;
    base = module_settle(&code.handler, server, problem);
    if (base == NULL)
        return -EINVAL;
    error = module_settle_check(&code.handler, base, problem);
    return error < 0 ? error : module_settle_configure(&code.handler, base, server->name, problem);
}

/* In the child: a line before each server, so that the parent knows where it ended, and one for
 * what is wrong with it. */
static void rehearse(FILE *report, void *user)
{
    const struct config *config = user;

    for (size_t i = 0; i < config->server_count; i++) {
        struct module_problem problem = {0};
        json_t *line;

        if (config->servers[i]->module == NULL)
            continue;
        fprintf(report, "{\"server\": %zu}\n", i);
        fflush(report);
        if (rehearse_server(config->servers[i], &problem) == 0)
            continue;
        line = json_pack("{s:I, s:s*, s:I, s:s}", "server", (json_int_t)i, "option", problem.option,
                         "item", (json_int_t)problem.item, "problem", problem.text);
        if (line == NULL)
            line = json_pack("{s:I, s:s}", "server", (json_int_t)i, "problem",
                             "its problem is no text in UTF-8");
        (void)json_dumpf(line, report, JSON_COMPACT);
        fputc('\n', report);
    }
}

/* A problem of the option that is named, or of the whole module. */
static void complain(const struct config *config, size_t server, const json_t *line,
                     const char *text, struct problems *problems)
{
    const struct config_server *at = config->servers[server];
    const struct option_table rows = handler_options(at->handler);
    const char *name = json_string_value(json_object_get(line, "option"));
    size_t item = (size_t)json_integer_value(json_object_get(line, "item"));
    const struct prongd_option *row = name != NULL ? option_find(&rows, name) : NULL;
    const void *base = row != NULL ? at->handler_config : (const void *)at;
    char section[64];
    struct problem_site site = {.section = section};

    snprintf(section, sizeof(section), "server %s", at->name);
    if (row == NULL)
        row = option_find(&server_options, "handler");
    site.option = row->name;
    site.place = origin_place(config, base, row, item);
    problems_add(problems, &site, "%s", text);
}

/* Adds what the lines say.  The server that the last line was about. */
static size_t take_lines(const struct config *config, char *report, struct problems *problems)
{
    size_t last = 0;
    char *rest = NULL;

    for (char *text = strtok_r(report, "\n", &rest); text != NULL;
         text = strtok_r(NULL, "\n", &rest)) {
        json_t *line = json_loads(text, 0, NULL);
        json_int_t server = json_integer_value(json_object_get(line, "server"));
        const char *problem = json_string_value(json_object_get(line, "problem"));

        if (server >= 0 && (size_t)server < config->server_count)
            last = (size_t)server;
        if (problem != NULL)
            complain(config, last, line, problem, problems);
        json_decref(line);
    }
    return last;
}

static void run_rehearsal(const struct config *config, const int *images, size_t count,
                          struct problems *problems)
{
    struct privileges room;
    const struct errand errand = {
        .identity = module_identity(config, &room),
        .fds = images,
        .fd_count = count,
        .timeout_ms = TIMEOUT_MS,
        .work = rehearse,
        .user = (void *)(uintptr_t)config,
    };
    char *report, reason[128], text[512];
    int error = errand_run(&errand, &report, reason, sizeof(reason));
    size_t last = report != NULL ? take_lines(config, report, problems) : 0;

    free(report);
    if (error == 0)
        return;
    snprintf(text, sizeof(text), "the module, when it was configured, %s", reason);
    complain(config, last, NULL, text, problems);
}

void module_rehearse(const struct config *config, struct problems *problems)
{
    int *images = calloc(config->module_count + 1, sizeof(*images));

    if (images == NULL) {
        problems_add_system(problems, config->file, ENOMEM, "cannot be loaded");
        return;
    }
    for (size_t i = 0; i < config->module_count; i++)
        images[i] = config->modules[i]->image;
    if (config->module_count > 0)
        run_rehearsal(config, images, config->module_count, problems);
    free(images);
}
