/* SPDX-License-Identifier: MIT
 *
 * Figures and states, there and back.
 */
#include "item_rows.h"

#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#define MAX_NAME 63

__attribute__((format(printf, 3, 4))) static int refuse(char *problem, size_t size,
                                                        const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(problem, size, format, arguments);
    va_end(arguments);
    return -EINVAL;
}

static bool is_name(const char *name)
{
    size_t length = name != NULL ? strlen(name) : 0;

    return length > 0 && length <= MAX_NAME && islower((unsigned char)name[0]) &&
           strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_") == length;
}

/* --- Are they right? --- */

static bool is_figure(const struct prongd_handler *handler, size_t index)
{
    const struct prongd_figure *figure = &handler->figures[index];

    if (!is_name(figure->name) || figure->help == NULL ||
        (unsigned)figure->kind > PRONGD_FIGURE_OWN ||
        (figure->kind == PRONGD_FIGURE_STATE && handler->item_state_count == 0))
        return false;
    for (size_t i = 0; i < index; i++) {
        if (strcmp(handler->figures[i].name, figure->name) == 0)
            return false;
    }
    return true;
}

static bool is_state(const struct prongd_item_state *state)
{
    return state->name != NULL && strlen(state->name) > 0 && strlen(state->name) <= MAX_NAME;
}

int item_rows_check(const struct prongd_handler *handler, char *problem, size_t size)
{
    if (handler->item_kind == NULL && handler->figure_count == 0)
        return 0;
    if (!is_name(handler->item_kind))
        return refuse(problem, size,
                      "it keeps figures of items, and has no item_kind in small "
                      "letters");
    if (handler->figure_count > PRONGD_FIGURES || handler->item_state_count > PRONGD_ITEM_STATES)
        return refuse(problem, size, "it has more than %d figures or %d item_states",
                      PRONGD_FIGURES, PRONGD_ITEM_STATES);
    for (size_t i = 0; i < handler->item_state_count; i++) {
        if (!is_state(&handler->item_states[i]))
            return refuse(problem, size, "its item state in place %zu has no name", i);
    }
    for (size_t i = 0; i < handler->figure_count; i++) {
        if (!is_figure(handler, i))
            return refuse(problem, size,
                          "its figure in place %zu has no name of its own in small letters, no "
                          "help, no kind, or is a state and there are none",
                          i);
    }
    return 0;
}

/* --- There --- */

json_t *item_rows_describe(const struct prongd_handler *handler)
{
    json_t *figures = json_array(), *states = json_array();

    for (size_t i = 0; i < handler->figure_count; i++)
        json_array_append_new(
            figures, json_pack("{s:s, s:s, s:i}", "name", handler->figures[i].name, "help",
                               handler->figures[i].help, "kind", (int)handler->figures[i].kind));
    for (size_t i = 0; i < handler->item_state_count; i++)
        json_array_append_new(states, json_pack("{s:s, s:b}", "name", handler->item_states[i].name,
                                                "is_well", (int)handler->item_states[i].is_well));
    return json_pack("{s:s*, s:o, s:o}", "kind", handler->item_kind, "figures", figures, "states",
                     states);
}

/* --- And back --- */

static int take_figures(struct prongd_handler *handler, struct item_rows *rows, const json_t *list)
{
    json_t *value;
    size_t i;

    if (json_array_size(list) > PRONGD_FIGURES)
        return -EPROTO;
    json_array_foreach((json_t *)(uintptr_t)list, i, value)
    {
        struct prongd_figure *figure = &rows->figures[i];
        int kind;

        if (json_unpack(value, "{s:s, s:s, s:i}", "name", &figure->name, "help", &figure->help,
                        "kind", &kind) < 0)
            return -EPROTO;
        figure->kind = (enum prongd_figure_kind)kind;
    }
    handler->figures = rows->figures;
    handler->figure_count = json_array_size(list);
    return 0;
}

static int take_states(struct prongd_handler *handler, struct item_rows *rows, const json_t *list)
{
    json_t *value;
    size_t i;

    if (json_array_size(list) > PRONGD_ITEM_STATES)
        return -EPROTO;
    json_array_foreach((json_t *)(uintptr_t)list, i, value)
    {
        int is_well;

        if (json_unpack(value, "{s:s, s:b}", "name", &rows->states[i].name, "is_well", &is_well) <
            0)
            return -EPROTO;
        rows->states[i].is_well = is_well != 0;
    }
    handler->item_states = rows->states;
    handler->item_state_count = json_array_size(list);
    return 0;
}

/* The child may have been spoiled by the module: what it says is checked here, too. */
int item_rows_take(struct prongd_handler *handler, struct item_rows *rows, const json_t *value)
{
    char problem[256];

    if (value == NULL)
        return 0;
    handler->item_kind = json_string_value(json_object_get(value, "kind"));
    if (take_states(handler, rows, json_object_get(value, "states")) < 0 ||
        take_figures(handler, rows, json_object_get(value, "figures")) < 0)
        return -EPROTO;
    return item_rows_check(handler, problem, sizeof(problem)) < 0 ? -EPROTO : 0;
}
