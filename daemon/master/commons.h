/* SPDX-License-Identifier: MIT
 *
 * Commons: memory that all workers of a server share, whatever generation they are of.
 *
 * For a handler that broadcasts a ring, with an eventfd that wakes who reads; for one that keeps
 * something for all workers a region.  They are found by the names of the server and of its
 * handler, so that they outlive reloads, and go with the last generation that has such a server.
 * The master makes them and hands them over, and never looks into them.
 */
#ifndef PRONGD_COMMONS_H
#define PRONGD_COMMONS_H

#include <jansson.h>
#include <stddef.h>

struct config;
struct inherited_common;

struct common {
    struct common *next;
    unsigned references;
    char *server;
    char *handler;
    int ring_fd; /* -1: none, as for the next two */
    int wake_fd;
    int region_fd;
};

/* All zero: none. */
struct commons {
    struct common *first;
};

/* A place for each server, each NULL: it shares nothing.  malloc'ed; NULL when memory is short. */
struct common **commons_none(const struct config *config);

/* Fills the places with what the servers' handlers need: what is there, and what is not is made
 * now.  0, or a negative code with one line in `problem`: release what there is. */
int commons_take_all(struct commons *commons, const struct config *config, struct common **places,
                     char *problem, size_t size);

/* The same with what is there alone: of the program before this one. */
void commons_take_all_known(struct commons *commons, const struct config *config,
                            struct common **places);

/* The last who releases it closes it. */
void commons_release_all(struct commons *commons, const struct config *config,
                         struct common **places);

/* In the child: moves the descriptors out, for each server.  malloc'ed; NULL when memory is
 * short. */
struct inherited_common *commons_bequeath(struct common **places, const struct config *config);

/* Gives what is there as a list, for the next program; NULL when memory is short. */
json_t *commons_describe(const struct commons *commons);

/* What commons_describe() gave, its descriptors open: nobody has taken any yet.  A ring that this
 * program does not know is left alone.  0 or a negative code. */
int commons_adopt(struct commons *commons, const json_t *list);

/* Gives up what was adopted and is not taken. */
void commons_sweep(struct commons *commons);

/* Closes all, also in a child. */
void commons_clear(struct commons *commons);

#endif
