/* SPDX-License-Identifier: MIT
 *
 * Guesses what an unknown option was meant to be.
 */
#include "unknown.h"

#include "nearest.h"

/* The handler that has such an option, or NULL. */
static const struct prongd_handler *find_handler(const struct fill *fill, const char *name)
{
    for (size_t i = 0; fill->handlers[i] != NULL; i++) {
        struct option_table table = handler_options(fill->handlers[i]);

        if (option_find(&table, name) != NULL)
            return fill->handlers[i];
    }
    return NULL;
}

static const char *find_nearest(const struct fill *fill, const char *name)
{
    struct nearest nearest = nearest_to(name);

    for (size_t i = 0; i < fill->target_count; i++) {
        const struct option_table *table = &fill->targets[i].table;

        for (size_t j = 0; j < table->count; j++)
            nearest_offer(&nearest, table->rows[j].name);
    }
    return nearest.best;
}

void unknown_option(const struct fill *fill, const struct document_entry *entry)
{
    const struct problem_site site = {entry->place, fill->title, entry->name};
    const struct prongd_handler *handler = find_handler(fill, entry->name);
    const char *nearest = find_nearest(fill, entry->name);

    if ((handler != NULL && fill->handler_missing) || fill->module_missing)
        return;
    if (handler != NULL)
        problems_add(fill->problems, &site,
                     "this is an option of servers with handler = %s, and allowed only there",
                     handler->name);
    else if (fill->kind == DOCUMENT_DAEMON && option_find(&server_options, entry->name) != NULL)
        problems_add(fill->problems, &site, "this is an option of [server NAME]: move it there");
    else if (fill->kind == DOCUMENT_SERVER && option_find(&daemon_options, entry->name) != NULL)
        problems_add(fill->problems, &site, "this is an option of [prongd]: move it there");
    else if (nearest != NULL)
        problems_add(fill->problems, &site, "there is no such option; did you mean %s?", nearest);
    else
        problems_add(fill->problems, &site,
                     "there is no such option; prongd.conf(5) lists those of this section");
}
