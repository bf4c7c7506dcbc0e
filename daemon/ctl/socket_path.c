/* SPDX-License-Identifier: MIT
 *
 * Reads one option of a configuration file.
 */
#include "socket_path.h"

#include <ctype.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "command.h"

/* The configuration refuses longer lines too. */
#define LINE_SIZE 1024

/* Against a file that never ends, such as a device. */
#define MOST_LINES (1024 * 1024)

#define BYTE_ORDER_MARK "\xEF\xBB\xBF"

struct scan {
    bool in_section; /* [prongd] */
    bool has_option; /* an indented line goes on with it */
    char *path;
};

static bool is_space(char byte)
{
    return isspace((unsigned char)byte) != 0;
}

/* A comment begins with "#" or ";" at the line's beginning or after a space. */
static void cut_comment(char *line)
{
    for (char *at = line; *at != '\0'; at++) {
        if ((*at == '#' || *at == ';') && (at == line || is_space(at[-1]))) {
            *at = '\0';
            return;
        }
    }
}

static char *trim(char *text)
{
    char *end = text + strlen(text);

    while (end > text && is_space(end[-1]))
        end--;
    *end = '\0';
    while (is_space(*text))
        text++;
    return text;
}

static int keep(struct scan *scan, const char *value)
{
    if (strlen(value) >= SOCKET_PATH_SIZE)
        return -ENAMETOOLONG;
    (void)snprintf(scan->path, SOCKET_PATH_SIZE, "%s", *value == '\0' ? "none" : value);
    return 0;
}

static void scan_section(struct scan *scan, char *text)
{
    char *end = strchr(text, ']');

    if (end != NULL)
        *end = '\0';
    scan->in_section = end != NULL && strcmp(trim(text + 1), "prongd") == 0;
    scan->has_option = false;
}

static int scan_line(struct scan *scan, char *line)
{
    bool goes_on = is_space(line[0]) && scan->has_option;
    char *text = trim(line);
    char *equals = strchr(text, '=');

    if (*text == '\0' || goes_on)
        return 0;
    if (*text == '[') {
        scan_section(scan, text);
        return 0;
    }
    scan->has_option = true;
    if (!scan->in_section || equals == NULL)
        return 0;
    *equals = '\0';
    return strcmp(trim(text), "control_socket") == 0 ? keep(scan, trim(equals + 1)) : 0;
}

/* The next line as far as it fits; the rest of it is skipped.  False at the end. */
static bool next_line(FILE *stream, char line[LINE_SIZE])
{
    char rest[LINE_SIZE];

    if (fgets(line, LINE_SIZE, stream) == NULL)
        return false;
    if (strchr(line, '\n') != NULL)
        return true;
    while (fgets(rest, sizeof(rest), stream) != NULL && strchr(rest, '\n') == NULL)
        ;
    return true;
}

static int scan_lines(struct scan *scan, FILE *stream)
{
    char line[LINE_SIZE];
    char *start;
    int error = 0;

    for (unsigned i = 0; i < MOST_LINES && error == 0 && next_line(stream, line); i++) {
        start = line;
        if (i == 0 && strncmp(line, BYTE_ORDER_MARK, strlen(BYTE_ORDER_MARK)) == 0)
            start += strlen(BYTE_ORDER_MARK);
        cut_comment(start);
        error = scan_line(scan, start);
    }
    if (error == 0 && ferror(stream))
        error = errno > 0 ? -errno : -EIO;
    return error;
}

int socket_path_read(const char *file, char path[SOCKET_PATH_SIZE])
{
    struct scan scan = {.path = path};
    FILE *stream = fopen(file, "re");
    int error;

    (void)snprintf(path, SOCKET_PATH_SIZE, "%s", COMMAND_SOCKET);
    if (stream == NULL)
        return -errno;
    error = scan_lines(&scan, stream);
    (void)fclose(stream);
    return error;
}
