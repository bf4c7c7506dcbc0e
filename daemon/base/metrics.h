/* SPDX-License-Identifier: MIT
 *
 * The metrics of Prometheus, made of what `prongctl status` says.
 *
 * Every metric is one row: prongctl, the observer and the manual page print by the rows.
 */
#ifndef PRONGD_METRICS_H
#define PRONGD_METRICS_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

/* The type of what metrics_print() prints, for HTTP. */
#define METRICS_CONTENT_TYPE "text/plain; version=0.0.4; charset=utf-8"

/* Prints every metric of `status`, an answer to the command status. */
void metrics_print(FILE *stream, const json_t *status);

/* Gives them as a list: {"name": …, "type": …, "labels": {…}, "value": …}.  NULL when memory is
 * short. */
json_t *metrics_json(const json_t *status);

struct metric_description {
    const char *name;
    const char *type;   /* "gauge" or "counter" */
    const char *labels; /* "server", "generation, slot" or "" */
    const char *help;
};

/* The metric number `index`; false behind the last one. */
bool metrics_describe(size_t index, struct metric_description *description);

#endif
