/* SPDX-License-Identifier: MIT
 *
 * Shows an answer of the master.
 */
#include "answer.h"

#include <stdio.h>
#include <string.h>

#include "log.h"
#include "metrics.h"
#include "plan.h"
#include "reload.h"
#include "status.h"
#include "table.h"

/* Each member on a line of its own: for commands that need no more. */
static void print_members(FILE *stream, json_t *answer)
{
    char text[TABLE_CELL_SIZE];
    const char *key;
    const json_t *value;

    json_object_foreach(answer, key, value)
    {
        if (strcmp(key, "ok") == 0)
            continue;
        (void)fprintf(stream, "%s: ", log_escape(key, strlen(key), text, sizeof(text)));
        (void)fprintf(stream, "%s\n", table_cell(value, TABLE_TEXT, text));
    }
}

static void print_stop(FILE *stream, json_t *answer)
{
    (void)answer;
    (void)fputs("prongd has stopped.\n", stream);
}

static void print_asleep(FILE *stream, json_t *answer)
{
    (void)answer;
    (void)fputs("The workers have stopped; a reload starts new ones.\n", stream);
}

static void print_metrics(FILE *stream, json_t *answer)
{
    metrics_print(stream, answer);
}

static void print_done(FILE *stream, json_t *answer)
{
    (void)stream;
    (void)answer;
}

typedef void print_function(FILE *stream, json_t *answer);

/* What is not here is shown by print_members(). */
static print_function *const printers[COMMAND_COUNT] = {
    [COMMAND_STATUS] = status_print,   [COMMAND_RELOAD] = reload_print,
    [COMMAND_DIFF] = plan_print,       [COMMAND_WORKERS] = reload_print,
    [COMMAND_UNDRAIN] = print_done,    [COMMAND_RECYCLE] = print_done,
    [COMMAND_UPGRADE] = reload_print,  [COMMAND_REOPEN_LOGS] = print_done,
    [COMMAND_LOG_LEVEL] = print_done,  [COMMAND_STOP_WORKERS] = print_asleep,
    [COMMAND_STOP] = print_stop,       [COMMAND_QUIT] = print_stop,
    [COMMAND_METRICS] = print_metrics,
};

static int exit_status(const json_t *answer)
{
    json_int_t status = json_integer_value(json_object_get(answer, "exit"));

    if (json_is_true(json_object_get(answer, "ok")))
        return 0;
    return status > 0 && status < 126 ? (int)status : 1;
}

/* One line, or several: each of them whole, without control characters. */
static void print_error(const json_t *answer)
{
    const char *error = json_string_value(json_object_get(answer, "error"));
    char text[TABLE_CELL_SIZE];
    size_t length;

    if (error == NULL || *error == '\0')
        error = "prongd refused without a reason";
    for (; *error != '\0'; error += length + (error[length] == '\n')) {
        length = strcspn(error, "\n");
        (void)fprintf(stderr, "prongctl: %s\n", log_escape(error, length, text, sizeof(text)));
    }
}

void answer_show_progress(const json_t *progress)
{
    reload_print_progress(stderr, progress);
}

void answer_hide_progress(const json_t *progress)
{
    (void)progress;
}

void answer_dump(const json_t *answer)
{
    (void)json_dumpf(answer, stdout, JSON_INDENT(2));
    (void)fputc('\n', stdout);
}

/* The answer as it is; but metrics are made of it here. */
static void print_json(json_t *answer, enum command command)
{
    json_t *shown = command == COMMAND_METRICS && exit_status(answer) == 0
                        ? json_pack("{s:b, s:o}", "ok", 1, "metrics", metrics_json(answer))
                        : json_incref(answer);

    answer_dump(shown);
    json_decref(shown);
}

int answer_show(json_t *answer, enum command command, bool json)
{
    int status = exit_status(answer);
    print_function *print = printers[command] != NULL ? printers[command] : print_members;

    if (json) {
        print_json(answer, command);
    } else if (status == 0) {
        print(stdout, answer);
    }
    if (status != 0)
        print_error(answer);
    return status;
}
