/* SPDX-License-Identifier: MIT
 *
 * What is going on, as JSON: master, workers, servers.
 */
#ifndef PRONGD_STATUS_H
#define PRONGD_STATUS_H

#include <jansson.h>
#include <stdint.h>
#include <time.h>

struct counters;
struct drains;
struct generation_list;
struct history;
struct scoreboard;
struct timeline;

struct status {
    const struct generation_list *generations;
    const struct scoreboard *scoreboard;
    const struct history *history;
    const struct counters *counters;
    const struct drains *drains;
    const struct timeline *timeline;
    const struct keepers *keepers;
    const char *state; /* of the service: "running" … */
    time_t started;
    uint64_t uptime_s;
};

/* Gives {"ok": true, "master": …, "counters": …, "timeline": […], "workers": […], "items": […],
 * "servers": […], "listeners": […]}; NULL when memory is short. */
json_t *status_json(const struct status *status);

#endif
