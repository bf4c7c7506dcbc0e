/* SPDX-License-Identifier: MIT
 *
 * What an operator has drained: servers, which take no new clients, and items of a server's
 * handler, as an upstream.
 *
 * The master knows it and tells the workers, also those that start later.  It outlives reloads,
 * deaths of workers and upgrades, and ends with `undrain`, or when the configuration has no such
 * server any more.
 */
#ifndef PRONGD_DRAINS_H
#define PRONGD_DRAINS_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct config;
struct message_drain;
struct slot;

struct drain {
    struct drain *next;
    uint64_t number;
    char *server;
    char *item;        /* "": the server itself */
    bool is_announced; /* shown only: clients are served still */
};

struct drains {
    struct drain *first;
    uint64_t last_number;
};

/* NULL: that is not drained. */
struct drain *drains_find(const struct drains *drains, const char *server, const char *item);

/* The one that is there already, or a new one; NULL when memory is short. */
struct drain *drains_add(struct drains *drains, const char *server, const char *item,
                         bool is_announced);

void drains_remove(struct drains *drains, struct drain *drain);
void drains_remove_number(struct drains *drains, uint64_t number);

/* Forgets those whose server the configuration does not have. */
void drains_follow(struct drains *drains, const struct config *config);

/* Tells a worker that is new all of it. */
void drains_tell(const struct drains *drains, const struct slot *slot);

/* Gives a MESSAGE_DRAIN_SERVER, malloc'ed, and its size; NULL when memory is short. */
struct message_drain *drains_message(const char *server, const char *item, bool drained,
                                     size_t *size);

/* Adds to a server's object of the status: "state": "serving", "draining" (it has connections
 * still) or "drained", and "drained_items". */
void drains_describe(const struct drains *drains, json_t *server);

/* For the next program: a list, and what stands in it. */
json_t *drains_json(const struct drains *drains);
void drains_read(struct drains *drains, const json_t *list);

void drains_clear(struct drains *drains);

#endif
