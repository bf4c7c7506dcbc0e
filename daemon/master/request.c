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

/* With a value exactly when it takes one. */
static json_t *check_option(const struct command_row *row, const char *word)
{
    const struct command_option *option = command_find_option(row, word);
    char shown[64];

    if (option == NULL)
        return request_refusal(EXIT_USAGE, "%s has no option %s", row->name,
                               log_escape(word, strlen(word), shown, sizeof(shown)));
    if ((strchr(word, '=') != NULL) != (option->argument != NULL))
        return request_refusal(EXIT_USAGE, "usage: --%s%s%s", option->name,
                               option->argument != NULL ? "=" : "",
                               option->argument != NULL ? option->argument : "");
    return NULL;
}

static json_t *check_arguments(const struct command_row *row, const json_t *arguments)
{
    size_t count = 0;
    json_t *refusal = NULL;

    if (arguments != NULL && !json_is_array(arguments))
        return request_refusal(EXIT_USAGE, "\"arguments\" is not a list");
    for (size_t i = 0; refusal == NULL && i < json_array_size(arguments); i++) {
        const char *word = json_string_value(json_array_get(arguments, i));

        if (word == NULL)
            return request_refusal(EXIT_USAGE, "an argument is not a text");
        if (command_is_option(word))
            refusal = check_option(row, word);
        else
            count++;
    }
    if (refusal != NULL)
        return refusal;
    return count < row->least || count > row->most ? refuse_count(row) : NULL;
}

const char *request_option(const json_t *arguments, const char *name)
{
    size_t length = strlen(name);

    for (size_t i = 0; i < json_array_size(arguments); i++) {
        const char *word = json_string_value(json_array_get(arguments, i));

        if (!command_is_option(word) || strncmp(word + 2, name, length) != 0)
            continue;
        if (word[2 + length] == '\0' || word[2 + length] == '=')
            return word + 2 + length + (word[2 + length] == '=');
    }
    return NULL;
}

const char *request_argument(const json_t *arguments, size_t index)
{
    for (size_t i = 0; i < json_array_size(arguments); i++) {
        const char *word = json_string_value(json_array_get(arguments, i));

        if (!command_is_option(word) && index-- == 0)
            return word;
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
