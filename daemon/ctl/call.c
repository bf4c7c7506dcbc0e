/* SPDX-License-Identifier: MIT
 *
 * Words, options, and the question to the master.
 */
#include "call.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "answer.h"
#include "client.h"

int call_fail_usage(const char *format, ...)
{
    va_list arguments;

    (void)fputs("prongctl: ", stderr);
    va_start(arguments, format);
    (void)vfprintf(stderr, format, arguments);
    va_end(arguments);
    (void)fputs("\nprongctl --help shows what there is.\n", stderr);
    return CALL_USAGE;
}

/* --- Words --- */

/* `next`: the word behind it, or NULL; is it used up? */
static int read_option(struct call *call, const char *word, const char *next, bool *took_next)
{
    const struct command_option *option = command_find_option(call->row, word);
    const char *value = strchr(word, '=');

    if (option == NULL)
        return call_fail_usage("%s has no option %s", call->row->name, word);
    if (option->argument == NULL && value != NULL)
        return call_fail_usage("--%s takes no value", option->name);
    *took_next = option->argument != NULL && value == NULL;
    if (*took_next && next == NULL)
        return call_fail_usage("the value of --%s %s is missing", option->name, option->argument);
    if (option->argument == NULL)
        value = "";
    else
        value = *took_next ? next : value + 1;
    call->options[option - call->row->options] = value;
    return 0;
}

static int check_count(const struct call *call)
{
    const struct command_row *row = call->row;

    if (row->most == 0 && call->word_count > 0)
        return call_fail_usage("%s takes no arguments", row->name);
    if (call->word_count < row->least || call->word_count > row->most)
        return call_fail_usage("usage: prongctl %s %s", row->name, row->arguments);
    return 0;
}

int call_read(struct call *call, char **words, size_t count)
{
    bool took_next;
    int status = 0;

    call->words = words;
    for (size_t i = 0; status == 0 && i < count; i++) {
        took_next = false;
        if (command_is_option(words[i]))
            status = read_option(call, words[i], i + 1 < count ? words[i + 1] : NULL, &took_next);
        else
            words[call->word_count++] = words[i];
        i += took_next;
    }
    return status != 0 ? status : check_count(call);
}

const char *call_option(const struct call *call, const char *name)
{
    const struct command_option *option = call->row->options;

    for (size_t i = 0; option != NULL && option[i].name != NULL; i++)
        if (strcmp(option[i].name, name) == 0)
            return call->options[i];
    return NULL;
}

/* --- The master --- */

/* The default file need not be there, nor be readable for everybody who may use the socket. */
static int read_path(struct call *call)
{
    const char *file = call->file != NULL ? call->file : PRONGD_CONFIG_FILE;
    int error = socket_path_read(file, call->path);

    if (error < 0 && (call->file != NULL || (error != -ENOENT && error != -EACCES))) {
        (void)fprintf(stderr, "prongctl: control_socket cannot be read from %s: %s\n", file,
                      strerror(-error));
        return error;
    }
    if (strcmp(call->path, "none") != 0)
        return 0;
    (void)fprintf(stderr, "prongctl: %s says control_socket = none: prongd takes no commands\n",
                  file);
    return -ENOENT;
}

const char *call_path(struct call *call)
{
    if (call->socket != NULL)
        return call->socket;
    if (call->path[0] == '\0' && read_path(call) < 0)
        return NULL;
    return call->path;
}

static json_t *ask(struct call *call, const struct command_row *row, json_t *arguments,
                   struct client_fds *fds)
{
    struct client_request request = {.row = row,
                                     .path = call_path(call),
                                     .arguments = arguments,
                                     .fds = fds,
                                     .on_progress =
                                         call->json ? answer_hide_progress : answer_show_progress};
    char problem[512];
    json_t *answer = NULL;

    if (request.path != NULL) {
        answer = client_ask(&request, problem, sizeof(problem));
        if (answer == NULL)
            (void)fprintf(stderr, "prongctl: %s\n", problem);
    }
    json_decref(arguments);
    return answer;
}

static json_t *option_text(const struct command_option *option, const char *value)
{
    if (option->argument == NULL)
        return json_sprintf("--%s", option->name);
    return json_sprintf("--%s=%s", option->name, value);
}

/* NULL: it is no UTF-8, or memory is short. */
static json_t *all_words(const struct call *call)
{
    const struct command_option *option = call->row->options;
    json_t *list = json_array();
    int error = 0;

    for (size_t i = 0; i < call->word_count; i++)
        error |= json_array_append_new(list, json_string(call->words[i]));
    for (size_t i = 0; option != NULL && option[i].name != NULL; i++)
        if (call->options[i] != NULL)
            error |= json_array_append_new(list, option_text(&option[i], call->options[i]));
    if (error == 0)
        return list;
    json_decref(list);
    return NULL;
}

json_t *call_ask(struct call *call)
{
    json_t *words = all_words(call);

    if (words != NULL)
        return ask(call, call->row, words, NULL);
    (void)fprintf(stderr, "prongctl: the arguments must be plain text (UTF-8)\n");
    return NULL;
}

json_t *call_ask_for(struct call *call, enum command command)
{
    return ask(call, &commands[command], json_array(), NULL);
}

json_t *call_ask_for_fds(struct call *call, enum command command, struct client_fds *fds)
{
    return ask(call, &commands[command], json_array(), fds);
}

json_t *call_ask_with_for_fds(struct call *call, enum command command, json_t *arguments,
                              struct client_fds *fds)
{
    return ask(call, &commands[command], arguments, fds);
}

json_t *call_ask_with(struct call *call, enum command command, json_t *arguments)
{
    return ask(call, &commands[command], arguments, NULL);
}
