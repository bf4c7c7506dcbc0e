/* SPDX-License-Identifier: MIT
 *
 * dlopen(3), and what must be true of a module before anything of it is called.
 */
#include "module_code.h"

#include <ctype.h>
#include <dlfcn.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "item_rows.h"

#define SYMBOL      "prongd_module"
#define MAX_OPTIONS 256
#define MAX_CONFIG  (1024 * 1024)
#define MAX_STATE   (1024 * 1024)
#define MAX_NAME    63

/* The members of the first modules. */
#define LEAST_HANDLER offsetof(struct prongd_handler, configure)
#define LEAST_OPTION  sizeof(struct prongd_option)

static int refuse(char *problem, size_t size, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static int refuse(char *problem, size_t size, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(problem, size, format, arguments);
    va_end(arguments);
    return -EINVAL;
}

/* --- The symbol --- */

/* NULL with a problem. */
static const void *find_symbol(int image, char *problem, size_t size)
{
    char path[32];
    const char *text;
    const void *symbol;
    void *library;
    size_t length;

    snprintf(path, sizeof(path), "/proc/self/fd/%d", image);
    library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (library == NULL) {
        /* The path means nothing to anybody. */
        text = dlerror();
        length = strlen(path);
        if (strncmp(text, path, length) == 0 && text[length] == ':')
            text += length + 2;
        refuse(problem, size, "it cannot be loaded: %s", text);
        return NULL;
    }
    symbol = dlsym(library, SYMBOL);
    if (symbol == NULL)
        refuse(problem, size, "it does not export " SYMBOL);
    return symbol;
}

/* A module that was compiled with fewer members has zeros in the others; of one with more, those
 * that this program does not know are left out. */
static void copy_struct(void *to, size_t size, const void *from, size_t from_size)
{
    memset(to, 0, size);
    memcpy(to, from, from_size < size ? from_size : size);
}

static int copy_handler(struct prongd_handler *handler, const void *symbol, char *problem,
                        size_t size)
{
    uint32_t head[2];

    memcpy(head, symbol, sizeof(head));
    if (head[0] != PRONGD_HANDLER_ABI)
        return refuse(problem, size,
                      "it was built for version %u of the handler interface, and this prongd has "
                      "%u: build it again with the headers of this prongd",
                      head[0], PRONGD_HANDLER_ABI);
    if (head[1] < LEAST_HANDLER)
        return refuse(problem, size,
                      "its handler says that it has %u bytes: at least %zu belong "
                      "to a handler",
                      head[1], LEAST_HANDLER);
    copy_struct(handler, sizeof(*handler), symbol, head[1]);
    return 0;
}

/* --- Its options --- */

/* malloc'ed, with members of this program's size. */
static void *copy_table(const void *rows, size_t count, size_t row_size, size_t own_size)
{
    char *copy = calloc(count + 1, own_size);

    if (copy == NULL)
        return NULL;
    for (size_t i = 0; i < count; i++)
        copy_struct(copy + i * own_size, own_size, (const char *)rows + i * row_size, row_size);
    return copy;
}

static int copy_options(struct module_code *code, char *problem, size_t size)
{
    struct prongd_handler *handler = &code->handler;

    if (handler->option_count > MAX_OPTIONS)
        return refuse(problem, size, "it has more than %d options", MAX_OPTIONS);
    if (handler->option_count > 0 && handler->option_size < LEAST_OPTION)
        return refuse(problem, size, "its handler does not begin with PRONGD_HANDLER");
    code->options = copy_table(handler->options, handler->option_count, handler->option_size,
                               sizeof(*code->options));
    if (code->options == NULL) {
        snprintf(problem, size, "out of memory");
        return -ENOMEM;
    }
    handler->options = code->options;
    return 0;
}

/* --- What they say --- */

static bool is_name(const char *name)
{
    size_t length = name != NULL ? strlen(name) : 0;

    return length > 0 && length <= MAX_NAME && islower((unsigned char)name[0]) &&
           strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_") == length;
}

static size_t member_size(enum prongd_option_type type)
{
    switch (type) {
    case PRONGD_TYPE_BOOLEAN:
        return sizeof(bool);
    case PRONGD_TYPE_COUNT:
    case PRONGD_TYPE_SIZE:
    case PRONGD_TYPE_DURATION:
    case PRONGD_TYPE_MODE:
        return sizeof(uint64_t);
    case PRONGD_TYPE_CHOICE:
        return sizeof(int);
    case PRONGD_TYPE_TEXT:
        return sizeof(char *);
    case PRONGD_TYPE_LIST:
        return sizeof(struct prongd_list);
    }
    return 0;
}

static int check_option(const struct prongd_handler *handler, const struct prongd_option *row,
                        char *problem, size_t size)
{
    size_t member = member_size(row->type);

    if (!is_name(row->name))
        return refuse(problem, size, "an option has no name in small letters");
    if (member == 0 || row->help == NULL || (row->type == PRONGD_TYPE_CHOICE && !row->choices))
        return refuse(problem, size, "its option %s has no type, no choices or no help", row->name);
    if (row->offset > handler->config_size || handler->config_size - row->offset < member)
        return refuse(problem, size, "its option %s lies outside its config_size", row->name);
    return 0;
}

static int check_options(const struct prongd_handler *handler, char *problem, size_t size)
{
    int error = 0;

    for (size_t i = 0; error == 0 && i < handler->option_count; i++)
        error = check_option(handler, &handler->options[i], problem, size);
    return error;
}

static bool is_counter(const struct prongd_handler *handler, size_t index)
{
    const struct prongd_counter *counter = &handler->counters[index];

    if (!is_name(counter->name) || counter->help == NULL)
        return false;
    for (size_t i = 0; i < index; i++)
        if (strcmp(handler->counters[i].name, counter->name) == 0)
            return false;
    return true;
}

static int check_counters(const struct prongd_handler *handler, char *problem, size_t size)
{
    if (handler->counter_count > PRONGD_COUNTERS)
        return refuse(problem, size, "it has more than %d counters", PRONGD_COUNTERS);
    for (size_t i = 0; i < handler->counter_count; i++)
        if (!is_counter(handler, i))
            return refuse(problem, size,
                          "its counter in place %zu has no name of its own in small letters, or "
                          "no help",
                          i);
    return 0;
}

static int check_handler(const struct prongd_handler *handler, char *problem, size_t size)
{
    if (!is_name(handler->name) || handler->help == NULL)
        return refuse(problem, size, "its handler has no name in small letters or no help");
    if (handler->config_size > MAX_CONFIG || handler->state_size > MAX_STATE)
        return refuse(problem, size, "its config_size or its state_size is larger than 1m");
    if (check_counters(handler, problem, size) < 0 || item_rows_check(handler, problem, size) < 0)
        return -EINVAL;
    return check_options(handler, problem, size);
}

int module_code_load(struct module_code *code, int image, char *problem, size_t size)
{
    const void *symbol = find_symbol(image, problem, size);
    int error = -EINVAL;

    *code = (struct module_code){0};
    if (symbol != NULL)
        error = copy_handler(&code->handler, symbol, problem, size);
    if (error == 0)
        error = copy_options(code, problem, size);
    if (error == 0)
        error = check_handler(&code->handler, problem, size);
    if (error < 0)
        module_code_clear(code);
    return error;
}

void module_code_clear(struct module_code *code)
{
    free(code->options);
    *code = (struct module_code){0};
}
