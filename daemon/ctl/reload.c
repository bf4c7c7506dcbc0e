/* SPDX-License-Identifier: MIT
 *
 * Sentences about generations.
 */
#include "reload.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "units.h"

#define LINE_SIZE 256

static const char *count_of(const json_t *object, const char *key, char text[UNITS_SIZE])
{
    json_int_t value = json_integer_value(json_object_get(object, key));

    return units_count(value < 0 ? 0 : (uint64_t)value, text);
}

void reload_print(FILE *stream, json_t *answer)
{
    char generation[UNITS_SIZE], moved[UNITS_SIZE], drained[UNITS_SIZE];

    (void)fprintf(stream, "generation %s serves", count_of(answer, "generation", generation));
    if (json_object_get(answer, "moved") != NULL)
        (void)fprintf(stream, "; %s connections moved, %s drained in %.2f s",
                      count_of(answer, "moved", moved), count_of(answer, "drained", drained),
                      json_number_value(json_object_get(answer, "seconds")));
    (void)fputc('\n', stream);
}

/* --- Progress --- */

static void describe_starting(const json_t *progress, char *line, size_t size)
{
    char generation[UNITS_SIZE], ready[UNITS_SIZE], workers[UNITS_SIZE];

    (void)snprintf(line, size, "generation %s starts: %s of %s workers ready",
                   count_of(progress, "generation", generation), count_of(progress, "ready", ready),
                   count_of(progress, "workers", workers));
}

static void describe_leaving(const json_t *progress, char *line, size_t size)
{
    char generation[UNITS_SIZE], workers[UNITS_SIZE], connections[UNITS_SIZE];

    (void)snprintf(line, size, "generation %s leaves: %s workers with %s connections",
                   count_of(progress, "generation", generation),
                   count_of(progress, "workers", workers),
                   count_of(progress, "connections", connections));
}

static void describe_canary(const json_t *progress, char *line, size_t size)
{
    char generation[UNITS_SIZE], seconds[UNITS_SIZE];

    (void)snprintf(line, size, "generation %s is on trial: %s s to go",
                   count_of(progress, "generation", generation),
                   count_of(progress, "seconds", seconds));
}

static void describe_stopping(const json_t *progress, char *line, size_t size)
{
    char workers[UNITS_SIZE], connections[UNITS_SIZE], programs[UNITS_SIZE];
    bool runs_programs = json_integer_value(json_object_get(progress, "programs")) > 0;

    (void)snprintf(line, size, "%s workers with %s connections%s%s%s are left",
                   count_of(progress, "workers", workers),
                   count_of(progress, "connections", connections), runs_programs ? " and " : "",
                   runs_programs ? count_of(progress, "programs", programs) : "",
                   runs_programs ? " programs" : "");
}

static void describe_checking(const json_t *progress, char *line, size_t size)
{
    (void)progress;
    (void)snprintf(line, size, "the configuration is being checked");
}

static const struct {
    const char *state;
    void (*describe)(const json_t *progress, char *line, size_t size);
} states[] = {
    {"checking", describe_checking}, {"starting", describe_starting}, {"leaving", describe_leaving},
    {"canary", describe_canary},     {"stopping", describe_stopping},
};

void reload_print_progress(FILE *stream, const json_t *progress)
{
    static char last[LINE_SIZE];
    const char *state = json_string_value(json_object_get(progress, "state"));
    char line[LINE_SIZE] = "";

    for (size_t i = 0; state != NULL && i < sizeof(states) / sizeof(states[0]); i++) {
        if (strcmp(states[i].state, state) == 0)
            states[i].describe(progress, line, sizeof(line));
    }
    if (line[0] == '\0' || strcmp(line, last) == 0)
        return;
    (void)fprintf(stream, "%s\n", line);
    (void)snprintf(last, sizeof(last), "%s", line);
}
