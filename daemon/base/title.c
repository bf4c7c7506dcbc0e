/* SPDX-License-Identifier: MIT
 *
 * Writing over one's own arguments, as proc(5) knows it of /proc/PID/cmdline.
 */
#include "title.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PREFIX "prongd: "

extern char **environ;

static struct {
    char *begin; /* NULL: no room */
    size_t size;
    char **arguments; /* the copy, which lives as long as the program */
} area;

/* A copy of a list of texts that ends with NULL. */
static char **copy_list(char **list)
{
    size_t count = 0;
    char **copy;

    while (list[count] != NULL)
        count++;
    copy = calloc(count + 1, sizeof(*copy));
    for (size_t i = 0; copy != NULL && i < count; i++) {
        copy[i] = strdup(list[i]);
        if (copy[i] == NULL)
            return NULL; /* the program ends soon */
    }
    return copy;
}

/* The end of the texts that follow one another from `end` on. */
static char *find_end(char *end, char **list)
{
    while (*list != NULL && *list == end)
        end += strlen(*list++) + 1;
    return end;
}

char **title_init(int count, char **arguments)
{
    char **copy = copy_list(arguments);
    char **environment = copy_list(environ);
    char *end;

    area.arguments = copy;
    if (copy == NULL || environment == NULL || count == 0)
        return copy;
    end = find_end(arguments[0], arguments);
    end = find_end(end, environ);
    environ = environment;
    area.begin = arguments[0];
    area.size = (size_t)(end - area.begin);
    return copy;
}

void title_set(const char *format, ...)
{
    size_t prefix = strlen(PREFIX);
    va_list list;

    if (area.begin == NULL || area.size <= prefix)
        return;
    memset(area.begin, 0, area.size);
    memcpy(area.begin, PREFIX, prefix);
    va_start(list, format);
    (void)vsnprintf(area.begin + prefix, area.size - prefix, format, list);
    va_end(list);
}
