/* SPDX-License-Identifier: MIT
 *
 * Reading a request: bytes that a stranger may have written.
 */
#include "request.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "command.h"
#include "log.h"

#define EXIT_USAGE 2

json_t *request_refusal(int exit_status, const char *format, ...)
{
    char text[512];
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    return json_pack("{s:b, s:s, s:i}", "ok", 0, "error", text, "exit", exit_status);
}

static json_t *refuse_unknown(const char *name)
{
    char shown[64];

    return request_refusal(EXIT_USAGE, "unknown command \"%s\"",
                           log_escape(name, strlen(name), shown, sizeof(shown)));
}

static json_t *refuse_count(const struct command_row *row)
{
    if (row->most == 0)
        return request_refusal(EXIT_USAGE, "%s takes no arguments", row->name);
    return request_refusal(EXIT_USAGE, "usage: %s %s", row->name, row->arguments);
}

static json_t *check_arguments(const struct command_row *row, const json_t *arguments)
{
    size_t count = json_array_size(arguments); /* 0 for NULL */

    if (arguments != NULL && !json_is_array(arguments))
        return request_refusal(EXIT_USAGE, "\"arguments\" is not a list");
    if (count < row->least || count > row->most)
        return refuse_count(row);
    for (size_t i = 0; i < count; i++) {
        if (!json_is_string(json_array_get(arguments, i)))
            return request_refusal(EXIT_USAGE, "an argument is not a text");
    }
    return NULL;
}

json_t *request_parse(struct request *request, const char *line, size_t size)
{
    json_error_t error;
    json_t *root, *arguments, *refusal;
    const char *name;

    memset(request, 0, sizeof(*request));
    root = json_loadb(line, size, JSON_REJECT_DUPLICATES, &error);
    name = json_string_value(json_object_get(root, "command"));
    if (name == NULL) {
        json_decref(root);
        return request_refusal(EXIT_USAGE, "not a request: expected {\"command\": \"…\"}");
    }
    request->row = command_find(name);
    arguments = json_object_get(root, "arguments");
    if (request->row == NULL || request->row->is_local)
        refusal = refuse_unknown(name);
    else
        refusal = check_arguments(request->row, arguments);
    if (refusal == NULL)
        request->arguments = arguments != NULL ? json_incref(arguments) : json_array();
    json_decref(root);
    return refusal;
}

void request_clear(struct request *request)
{
    json_decref(request->arguments);
    request->arguments = NULL;
}
