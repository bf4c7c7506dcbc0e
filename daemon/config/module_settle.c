/* SPDX-License-Identifier: MIT
 *
 * From the rows of the description to the rows of the code: they are the same but for offsets and
 * checks.
 */
#include "module_settle.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config.h"
#include "format.h"
#include "options.h"

static const size_t member_sizes[] = {
    [PRONGD_TYPE_BOOLEAN] = sizeof(bool),  [PRONGD_TYPE_COUNT] = sizeof(uint64_t),
    [PRONGD_TYPE_SIZE] = sizeof(uint64_t), [PRONGD_TYPE_DURATION] = sizeof(uint64_t),
    [PRONGD_TYPE_MODE] = sizeof(uint64_t), [PRONGD_TYPE_CHOICE] = sizeof(int),
    [PRONGD_TYPE_TEXT] = sizeof(char *),   [PRONGD_TYPE_LIST] = sizeof(struct prongd_list),
};

void *module_settle(const struct prongd_handler *handler, const struct config_server *server,
                    struct module_problem *problem)
{
    const struct option_table described = handler_options(server->handler);
    char *base = calloc(1, handler->config_size + 1);

    *problem = (struct module_problem){0};
    if (base == NULL)
        snprintf(problem->text, sizeof(problem->text), "out of memory");
    for (size_t i = 0; base != NULL && i < handler->option_count; i++) {
        const struct prongd_option *row = &handler->options[i];
        const struct prongd_option *from = option_find(&described, row->name);

        if (from == NULL || from->type != row->type) {
            snprintf(problem->text, sizeof(problem->text),
                     "its option %s is not what it was when the configuration was loaded",
                     row->name);
            free(base);
            return NULL;
        }
        memcpy(base + row->offset, (const char *)server->handler_config + from->offset,
               member_sizes[row->type]);
    }
    return base;
}

/* --- Checks --- */

static int check_text(const struct prongd_option *row, const char *text, size_t item,
                      struct module_problem *problem)
{
    if (row->check(text, problem->text, sizeof(problem->text)) >= 0)
        return 0;
    problem->option = row->name;
    problem->item = item;
    return -EINVAL;
}

static int check_row(const struct prongd_option *row, const void *base,
                     struct module_problem *problem)
{
    const struct prongd_list *list = (const void *)((const char *)base + row->offset);
    char number[FORMAT_NUMBER_SIZE];
    const char *text;
    int error = 0;

    if (row->check == NULL)
        return 0;
    if (row->type != PRONGD_TYPE_LIST) {
        text = format_value(row, base, number);
        return *text != '\0' ? check_text(row, text, 0, problem) : 0;
    }
    for (size_t i = 0; error == 0 && i < list->count; i++)
        error = check_text(row, list->items[i], i, problem);
    return error;
}

int module_settle_check(const struct prongd_handler *handler, const void *base,
                        struct module_problem *problem)
{
    int error = 0;

    *problem = (struct module_problem){0};
    for (size_t i = 0; error == 0 && i < handler->option_count; i++)
        error = check_row(&handler->options[i], base, problem);
    return error;
}

int module_settle_configure(const struct prongd_handler *handler, void *base, const char *server,
                            struct module_problem *problem)
{
    *problem = (struct module_problem){0};
    if (handler->configure == NULL ||
        handler->configure(base, server, problem->text, sizeof(problem->text)) >= 0)
        return 0;
    if (problem->text[0] == '\0')
        snprintf(problem->text, sizeof(problem->text), "it refuses its configuration");
    return -EINVAL;
}
