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
    char **arguments, **environment; /* the copies, which live as long as the program */
} area;

/* A copy of a list of texts that ends with NULL, in one piece: what unsetenv() takes out of it is
 * not lost. */
static char **copy_list(char **list)
{
    size_t count = 0, size = 0;
    char **copy;
    char *text;

    for (; list[count] != NULL; count++)
        size += strlen(list[count]) + 1;
    copy = malloc((count + 1) * sizeof(*copy) + size);
    if (copy == NULL)
        return NULL;
    text = (char *)(copy + count + 1);
    for (size_t i = 0; i < count; i++) {
        size = strlen(list[i]) + 1;
        copy[i] = memcpy(text, list[i], size);
        text += size;
    }
    copy[count] = NULL;
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
    area.environment = environment;
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
