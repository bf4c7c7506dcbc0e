/* SPDX-License-Identifier: MIT
 *
 * The types of options: a row each, with its words and its function.
 */
#include "parse.h"

#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "array.h"
#include "format.h"

static const struct parse_unit count_units[] = {{"", 1}, {NULL, 0}};

static const struct parse_unit size_units[] = {
    {"", 1},   {"k", UINT64_C(1) << 10}, {"m", UINT64_C(1) << 20}, {"g", UINT64_C(1) << 30},
    {NULL, 0},
};

static const struct parse_unit duration_units[] = {
    {"ms", 1}, {"s", 1000}, {"m", 60000}, {"h", 3600000}, {"d", 86400000}, {NULL, 0},
};

static const struct {
    const char *word;
    bool value;
} booleans[] = {
    {"yes", true},  {"no", false},    {"on", true},  {"off", false},
    {"true", true}, {"false", false}, {NULL, false},
};

int parse_refuse(char *problem, size_t size, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(problem, size, format, arguments);
    va_end(arguments);
    return -EINVAL;
}

static int refuse_syntax(const struct prongd_option *row, const char *text, char *problem,
                         size_t size)
{
    if (*text == '\0')
        return parse_refuse(problem, size, "a value is missing: write %s",
                            parse_type_syntax(row->type));
    return parse_refuse(problem, size, "\"%s\" is not a %s: write %s", text,
                        parse_type_name(row->type), parse_type_syntax(row->type));
}

static int parse_boolean(const struct prongd_option *row, const char *text, void *member,
                         char *problem, size_t size)
{
    for (size_t i = 0; booleans[i].word != NULL; i++) {
        if (strcasecmp(text, booleans[i].word) == 0) {
            *(bool *)member = booleans[i].value;
            return 0;
        }
    }
    return refuse_syntax(row, text, problem, size);
}

/* Takes a number that is within the limits of its row. */
static int take_number(const struct prongd_option *row, uint64_t number, void *member,
                       char *problem, size_t size)
{
    char text[FORMAT_NUMBER_SIZE];
    char least[FORMAT_NUMBER_SIZE];
    char most[FORMAT_NUMBER_SIZE];

    if (number >= row->least && (row->most == 0 || number <= row->most)) {
        *(uint64_t *)member = number;
        return 0;
    }
    format_number(row->type, number, text, sizeof(text));
    format_number(row->type, row->least, least, sizeof(least));
    format_number(row->type, row->most, most, sizeof(most));
    if (row->most == 0)
        return parse_refuse(problem, size, "%s is too little: %s or more is allowed", text, least);
    return parse_refuse(problem, size, "%s is out of range: %s to %s is allowed", text, least,
                        most);
}

/* The factor of a unit; 0 when the type has none of that name.  Nothing needs no unit. */
static uint64_t find_factor(enum prongd_option_type type, const char *suffix, uint64_t number)
{
    for (const struct parse_unit *unit = parse_units(type); unit->suffix != NULL; unit++) {
        if (strcasecmp(suffix, unit->suffix) == 0)
            return unit->factor;
    }
    return number == 0 && *suffix == '\0' ? 1 : 0;
}

static int parse_number(const struct prongd_option *row, const char *text, void *member,
                        char *problem, size_t size)
{
    size_t digits = strspn(text, "0123456789");
    const char *suffix = text + digits;
    uint64_t number;
    uint64_t factor;

    if (digits == 0)
        return refuse_syntax(row, text, problem, size);
    errno = 0;
    number = strtoull(text, NULL, 10);
    factor = find_factor(row->type, suffix, number);
    if (factor == 0 && *suffix == '\0')
        return parse_refuse(problem, size, "%s has no unit: write %sms, %ss, %sm, %sh or %sd", text,
                            text, text, text, text, text);
    if (factor == 0)
        return refuse_syntax(row, text, problem, size);
    if (errno == ERANGE || __builtin_mul_overflow(number, factor, &number))
        return parse_refuse(problem, size, "%s is larger than a number can be", text);
    return take_number(row, number, member, problem, size);
}

static int parse_mode(const struct prongd_option *row, const char *text, void *member,
                      char *problem, size_t size)
{
    size_t length = strlen(text);

    if (length == 0 || length > 5 || strspn(text, "01234567") != length)
        return refuse_syntax(row, text, problem, size);
    return take_number(row, strtoull(text, NULL, 8), member, problem, size);
}

/* A sentence with all choices: "…: write error, warning or notice". */
static int refuse_choice(const struct prongd_option *row, const char *text, char *problem,
                         size_t size)
{
    FILE *stream = fmemopen(problem, size, "w");

    if (stream == NULL)
        return -ENOMEM;
    fprintf(stream, "\"%s\" is not allowed here: write ", text);
    for (size_t i = 0; row->choices[i] != NULL; i++) {
        if (i > 0)
            fputs(row->choices[i + 1] == NULL ? " or " : ", ", stream);
        fputs(row->choices[i], stream);
    }
    fclose(stream);
    return -EINVAL;
}

static int parse_choice(const struct prongd_option *row, const char *text, void *member,
                        char *problem, size_t size)
{
    for (int i = 0; row->choices[i] != NULL; i++) {
        if (strcmp(text, row->choices[i]) == 0) {
            *(int *)member = i;
            return 0;
        }
    }
    return refuse_choice(row, text, problem, size);
}

static int parse_text(const struct prongd_option *row, const char *text, void *member,
                      char *problem, size_t size)
{
    char **place = member;
    char *copy = NULL;

    (void)row;
    (void)problem;
    (void)size;
    if (*text != '\0') {
        copy = strdup(text);
        if (copy == NULL)
            return -ENOMEM;
    }
    free(*place);
    *place = copy;
    return 0;
}

static int parse_item(const struct prongd_option *row, const char *text, void *member,
                      char *problem, size_t size)
{
    struct prongd_list *list = member;
    char *copy = strdup(text);
    char **item = NULL;

    (void)row;
    (void)problem;
    (void)size;
    if (copy != NULL)
        item = array_add(&list->items, &list->count, sizeof(*item));
    if (item == NULL) {
        free(copy);
        return -ENOMEM;
    }
    *item = copy;
    return 0;
}

static const struct {
    const char *name;
    const char *syntax;
    const struct parse_unit *units;
    int (*parse)(const struct prongd_option *row, const char *text, void *member, char *problem,
                 size_t size);
} types[] = {
    [PRONGD_TYPE_BOOLEAN] = {"boolean", "yes or no (or on, off, true, false)", NULL, parse_boolean},
    [PRONGD_TYPE_COUNT] = {"number", "digits, as 100", count_units, parse_number},
    [PRONGD_TYPE_SIZE] = {"size", "bytes, or units of 1024 with k, m or g, as 512, 64k, 1m or 2g",
                          size_units, parse_number},
    [PRONGD_TYPE_DURATION] = {"duration", "a number with a unit, as 250ms, 30s, 5m, 2h or 1d",
                              duration_units, parse_number},
    [PRONGD_TYPE_MODE] = {"mode", "an octal number, as 0660", NULL, parse_mode},
    [PRONGD_TYPE_CHOICE] = {"choice", "one of the words that are listed", NULL, parse_choice},
    [PRONGD_TYPE_TEXT] = {"text", "anything on one line", NULL, parse_text},
    [PRONGD_TYPE_LIST] = {"list", "one item or several", NULL, parse_item},
};

int parse_value(const struct prongd_option *row, const char *text, void *base, char *problem,
                size_t size)
{
    void *member = (char *)base + row->offset;
    int error = 0;

    if (row->type == PRONGD_TYPE_LIST && *text == '\0')
        return parse_refuse(problem, size, "an item is missing at a comma");
    if (row->check != NULL)
        error = row->check(text, problem, size);
    if (error < 0)
        return error;
    return types[row->type].parse(row, text, member, problem, size);
}

char *parse_next_item(char **rest)
{
    char *item = *rest == NULL || **rest == '\0' ? NULL : strsep(rest, ",");

    return item == NULL ? NULL : parse_trim(item);
}

char *parse_trim(char *text)
{
    size_t length;

    while (isspace((unsigned char)*text))
        text++;
    length = strlen(text);
    while (length > 0 && isspace((unsigned char)text[length - 1]))
        length--;
    text[length] = '\0';
    return text;
}

const struct parse_unit *parse_units(enum prongd_option_type type)
{
    return types[type].units;
}

const char *parse_type_name(enum prongd_option_type type)
{
    return types[type].name;
}

const char *parse_type_syntax(enum prongd_option_type type)
{
    return types[type].syntax;
}
