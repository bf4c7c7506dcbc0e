/* SPDX-License-Identifier: MIT
 *
 * What stands in the shared memory: a header with the directory, the shares of the
 * limits, the items of the handlers, then the cells.
 *
 * Other processes write here, so nothing is believed: an entry is copied out, checked against
 * the size of the file, and only the copy is used.
 */
#ifndef PRONGD_SCOREBOARD_LAYOUT_H
#define PRONGD_SCOREBOARD_LAYOUT_H

#include <assert.h>
#include <stdbool.h>

#include "items.h"
#include "scoreboard.h"
#include "shares.h"

/* Room for one generation: the cells of its workers, then those of its servers as
 * [server][slot].  All zero: a free place. */
struct layout_entry {
    uint64_t generation;
    uint32_t workers;
    uint32_t servers;
    uint64_t offset; /* from the start of the file; a multiple of SCOREBOARD_CELL_SIZE */
    uint64_t length; /* 0: a free place */
};

struct layout_place {
    _Atomic uint64_t generation;
    _Atomic uint32_t workers;
    _Atomic uint32_t servers;
    _Atomic uint64_t offset;
    _Atomic uint64_t length; /* written last and read first */
};

struct layout {
    alignas(SCOREBOARD_CELL_SIZE) char magic[8];
    uint32_t version;
    uint32_t cell_size;
    _Atomic uint64_t size; /* of the file */
    struct layout_place places[SCOREBOARD_MAX_GENERATIONS];
};

/* Where the shares, the items and the cells begin. */
#define LAYOUT_PAGE          4096
#define LAYOUT_SHARES_OFFSET LAYOUT_PAGE
#define LAYOUT_ITEMS_OFFSET  (LAYOUT_SHARES_OFFSET + SHARES * sizeof(struct share) + LAYOUT_PAGE)
#define LAYOUT_CELLS_OFFSET  (LAYOUT_ITEMS_OFFSET + ITEMS * sizeof(struct item_place) + LAYOUT_PAGE)

static_assert(sizeof(struct layout) <= LAYOUT_SHARES_OFFSET, "the header has its own page");
static_assert(LAYOUT_ITEMS_OFFSET - LAYOUT_SHARES_OFFSET >= sizeof(struct shares) &&
                  LAYOUT_ITEMS_OFFSET % LAYOUT_PAGE == 0,
              "shares have their own pages");
static_assert(LAYOUT_CELLS_OFFSET - LAYOUT_ITEMS_OFFSET >= sizeof(struct items) &&
                  LAYOUT_CELLS_OFFSET % SCOREBOARD_CELL_SIZE == 0,
              "so have items");

/* Writes the header of an empty scoreboard. */
void layout_init(struct layout *layout, uint64_t size);

/* Is this a scoreboard of our version, with a directory that fits into `size` bytes? */
bool layout_is_sound(const struct layout *layout, uint64_t size);

/* How many bytes the cells take; 0: more than can be counted. */
uint64_t layout_length(unsigned workers, unsigned servers);

/* A copy of place `index`.  False: the place is free, or the entry does not fit into `size`. */
bool layout_read(const struct layout *layout, size_t index, uint64_t size,
                 struct layout_entry *entry);

/* The lowest offset where `length` bytes are free between the entries that fit into `size`. */
uint64_t layout_room(const struct layout *layout, uint64_t size, uint64_t length);

/* A place of the directory that is free; -1: none. */
int layout_free_place(const struct layout *layout);

void layout_write(struct layout *layout, size_t index, const struct layout_entry *entry);
void layout_erase(struct layout *layout, size_t index);

#endif
