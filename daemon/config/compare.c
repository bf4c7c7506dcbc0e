/* SPDX-License-Identifier: MIT
 *
 * Comparing rows and servers.
 */
#include "compare.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "format.h"
#include "options.h"
#include "origin.h"

/* One comparison, and the servers that it is at. */
struct comparison {
    const struct config_server *before;
    const struct config_server *after;
    difference_visitor *visit;
    void *user;
};

/* --- One option --- */

/* malloc'ed; "none" for what is not set; NULL when memory is short. */
static char *show(const struct prongd_option *row, const void *base)
{
    char *text = format_row(row, base);

    if (text == NULL || *text != '\0')
        return text;
    free(text);
    return strdup("none");
}

/* Tells of two values when they are not the same text. */
static void visit_difference(const struct comparison *comparison, const struct prongd_option *row,
                             const char *old_value, const char *new_value)
{
    const struct difference difference = {comparison->before, comparison->after, row, old_value,
                                          new_value};

    if (strcmp(old_value, new_value) != 0)
        comparison->visit(&difference, comparison->user);
}

static int compare_row(const struct comparison *comparison, const struct prongd_option *row,
                       const struct prongd_option *old_row, const void *before, const void *after)
{
    char *old_value = show(old_row, before);
    char *new_value = old_value != NULL ? show(row, after) : NULL;
    int error = new_value == NULL ? -ENOMEM : 0;

    if (new_value != NULL)
        visit_difference(comparison, row, old_value, new_value);
    free(old_value);
    free(new_value);
    return error;
}

static int compare_table(const struct comparison *comparison, const struct option_table *table,
                         const void *before, const void *after)
{
    int error = 0;

    for (size_t i = 0; error == 0 && i < table->count; i++)
        error = compare_row(comparison, &table->rows[i], &table->rows[i], before, after);
    return error;
}

/* --- Servers --- */

const struct config_server *compare_find_server(const struct config *config, const char *name)
{
    for (size_t i = 0; i < config->server_count; i++) {
        if (strcmp(config->servers[i]->name, name) == 0)
            return config->servers[i];
    }
    return NULL;
}

static void visit_server(struct comparison *comparison)
{
    const struct difference difference = {.before = comparison->before, .after = comparison->after};

    comparison->visit(&difference, comparison->user);
}

/* Of two loads of a module: a row may have moved, changed its type, or be new. */
static int compare_handlers(const struct comparison *comparison)
{
    const struct config_server *before = comparison->before, *after = comparison->after;
    const struct option_table old_rows = handler_options(before->handler);
    const struct option_table new_rows = handler_options(after->handler);
    int error = 0;

    for (size_t i = 0; error == 0 && i < new_rows.count; i++) {
        const struct prongd_option *row = &new_rows.rows[i];
        const struct prongd_option *old_row = option_find(&old_rows, row->name);

        if (old_row != NULL)
            error = compare_row(comparison, row, old_row, before->handler_config,
                                after->handler_config);
    }
    return error;
}

/* Another handler has other options: only its name tells. */
static int compare_server(const struct comparison *comparison)
{
    const struct config_server *before = comparison->before, *after = comparison->after;
    int error = compare_table(comparison, &server_options, before, after);

    if (error < 0 || before->handler_config == NULL || after->handler_config == NULL ||
        strcmp(before->handler->name, after->handler->name) != 0)
        return error;
    return compare_handlers(comparison);
}

static void visit_removed(struct comparison *comparison, const struct config *before,
                          const struct config *after)
{
    comparison->after = NULL;
    for (size_t i = 0; i < before->server_count; i++) {
        comparison->before = before->servers[i];
        if (compare_find_server(after, comparison->before->name) == NULL)
            visit_server(comparison);
    }
}

int compare_configs(const struct config *before, const struct config *after,
                    difference_visitor *visit, void *user)
{
    struct comparison comparison = {.visit = visit, .user = user};
    int error = compare_table(&comparison, &daemon_options, &before->daemon, &after->daemon);

    visit_removed(&comparison, before, after);
    for (size_t i = 0; error == 0 && i < after->server_count; i++) {
        comparison.after = after->servers[i];
        comparison.before = compare_find_server(before, comparison.after->name);
        if (comparison.before == NULL)
            visit_server(&comparison);
        else
            error = compare_server(&comparison);
    }
    return error;
}

/* --- What a reload may do --- */

struct refusal {
    const struct config *after;
    struct problems problems;
};

static void refuse(const struct difference *difference, void *user)
{
    struct refusal *refusal = user;
    const void *base = difference->after;
    char section[64] = "prongd";
    struct problem_site site = {.section = section};

    if (difference->row == NULL || difference->row->change != PRONGD_CHANGE_RESTART)
        return;
    if (difference->after == NULL)
        base = &refusal->after->daemon;
    else
        snprintf(section, sizeof(section), "server %s", difference->after->name);
    site.place = origin_place(refusal->after, base, difference->row, 0);
    site.option = difference->row->name;
    problems_add(&refusal->problems, &site, "a change needs a restart: is %s, would be %s",
                 difference->old_value, difference->new_value);
}

bool compare_allows_reload(const struct config *before, const struct config *after,
                           struct config_problems *result)
{
    struct refusal refusal = {.after = after};
    int error = compare_configs(before, after, refuse, &refusal);

    if (error < 0)
        problems_add_system(&refusal.problems, after->file, -error, "cannot be compared");
    problems_give(&refusal.problems, result);
    return result->count == 0;
}
