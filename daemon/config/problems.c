/* SPDX-License-Identifier: MIT
 *
 * Problems of a configuration: gathered as they are found, given in the order of the file.
 */
#include "problems.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "array.h"

/* More than anyone mends in one go; the rest is counted. */
#define PROBLEMS_KEPT  1000
#define PROBLEMS_SHOWN 50

struct problem {
    struct place place;
    size_t number; /* in the order of their finding */
    char *text;    /* a whole line */
};

void config_problems_clear(struct config_problems *problems)
{
    free(problems->text);
    *problems = (struct config_problems){0};
}

/* Takes `text`; NULL stands for memory that was short. */
static void keep(struct problems *problems, struct place place, char *text)
{
    struct problem *problem = NULL;

    if (text != NULL)
        problem = array_add(&problems->lines, &problems->kept, sizeof(*problem));
    if (problem == NULL) {
        problems->system = true;
        free(text);
        return;
    }
    problem->place = place;
    problem->number = problems->kept;
    problem->text = text;
}

/* "FILE:LINE: [section] option: " */
static void print_site(FILE *stream, const struct problem_site *site)
{
    fputs(site->place.file, stream);
    if (site->place.line != 0)
        fprintf(stream, ":%u", site->place.line);
    fputs(": ", stream);
    if (site->section != NULL)
        fprintf(stream, "[%s] ", site->section);
    if (site->option != NULL)
        fprintf(stream, "%s: ", site->option);
}

/* malloc'ed, or NULL when memory is short. */
__attribute__((format(printf, 2, 0))) static char *
format_line(const struct problem_site *site, const char *format, va_list arguments)
{
    char *line = NULL;
    size_t size;
    FILE *stream = open_memstream(&line, &size);

    if (stream == NULL)
        return NULL;
    print_site(stream, site);
    vfprintf(stream, format, arguments);
    fputc('\n', stream);
    if (fclose(stream) == 0)
        return line;
    free(line);
    return NULL;
}

void problems_add(struct problems *problems, const struct problem_site *site, const char *format,
                  ...)
{
    va_list arguments;

    if (problems->count++ >= PROBLEMS_KEPT)
        return;
    va_start(arguments, format);
    keep(problems, site->place, format_line(site, format, arguments));
    va_end(arguments);
}

void problems_add_system(struct problems *problems, const char *file, int error, const char *what)
{
    const struct problem_site site = {.place.file = file};

    problems_add(problems, &site, "%s: %s", what, strerror(error));
    problems->system = true;
}

static int compare(const void *left_item, const void *right_item)
{
    const struct problem *left = left_item;
    const struct problem *right = right_item;
    int order = strcmp(left->place.file, right->place.file);

    if (order != 0)
        return order;
    if (left->place.line != right->place.line)
        return left->place.line < right->place.line ? -1 : 1;
    return left->number < right->number ? -1 : 1;
}

/* The lines as one text; NULL for none, or when memory is short. */
static char *join(const struct problems *problems)
{
    char *text = NULL;
    size_t size;
    FILE *stream = open_memstream(&text, &size);

    if (stream == NULL)
        return NULL;
    for (size_t i = 0; i < problems->kept && i < PROBLEMS_SHOWN; i++)
        fputs(problems->lines[i].text, stream);
    if (problems->count > PROBLEMS_SHOWN)
        fprintf(stream, "and %zu more problems\n", problems->count - PROBLEMS_SHOWN);
    if (fclose(stream) == 0)
        return text;
    free(text);
    return NULL;
}

void problems_give(struct problems *problems, struct config_problems *result)
{
    *result = (struct config_problems){.count = problems->count, .system = problems->system};
    if (problems->kept > 0) {
        qsort(problems->lines, problems->kept, sizeof(*problems->lines), compare);
        result->text = join(problems);
    }
    for (size_t i = 0; i < problems->kept; i++)
        free(problems->lines[i].text);
    free(problems->lines);
    *problems = (struct problems){0};
}
