/* SPDX-License-Identifier: MIT
 *
 * The header and the directory of the shared memory.
 */
#include "scoreboard_layout.h"

#include <string.h>

static const char magic[8] = "prongsb";

void layout_init(struct layout *layout, uint64_t size)
{
    memcpy(layout->magic, magic, sizeof(magic));
    layout->version = SCOREBOARD_VERSION;
    layout->cell_size = SCOREBOARD_CELL_SIZE;
    atomic_store(&layout->size, size);
}

uint64_t layout_length(unsigned workers, unsigned servers)
{
    uint64_t cells = workers + (uint64_t)workers * servers;

    return cells > UINT32_MAX ? 0 : cells * SCOREBOARD_CELL_SIZE;
}

static bool fits(const struct layout_entry *entry, uint64_t size)
{
    return entry->workers > 0 && entry->offset >= LAYOUT_CELLS_OFFSET && entry->offset <= size &&
           entry->offset % SCOREBOARD_CELL_SIZE == 0 && entry->length <= size - entry->offset &&
           entry->length == layout_length(entry->workers, entry->servers);
}

bool layout_read(const struct layout *layout, size_t index, uint64_t size,
                 struct layout_entry *entry)
{
    const struct layout_place *place = &layout->places[index];

    entry->length = atomic_load_explicit(&place->length, memory_order_acquire);
    entry->generation = atomic_load_explicit(&place->generation, memory_order_relaxed);
    entry->workers = atomic_load_explicit(&place->workers, memory_order_relaxed);
    entry->servers = atomic_load_explicit(&place->servers, memory_order_relaxed);
    entry->offset = atomic_load_explicit(&place->offset, memory_order_relaxed);
    return entry->length > 0 && fits(entry, size);
}

void layout_write(struct layout *layout, size_t index, const struct layout_entry *entry)
{
    struct layout_place *place = &layout->places[index];

    atomic_store_explicit(&place->generation, entry->generation, memory_order_relaxed);
    atomic_store_explicit(&place->workers, entry->workers, memory_order_relaxed);
    atomic_store_explicit(&place->servers, entry->servers, memory_order_relaxed);
    atomic_store_explicit(&place->offset, entry->offset, memory_order_relaxed);
    atomic_store_explicit(&place->length, entry->length, memory_order_release);
}

void layout_erase(struct layout *layout, size_t index)
{
    atomic_store_explicit(&layout->places[index].length, 0, memory_order_release);
}

int layout_free_place(const struct layout *layout)
{
    for (int i = 0; i < SCOREBOARD_MAX_GENERATIONS; i++)
        if (atomic_load(&layout->places[i].length) == 0)
            return i;
    return -1;
}

static bool overlap(uint64_t offset, uint64_t length, const struct layout_entry *entry)
{
    return offset < entry->offset + entry->length && entry->offset < offset + length;
}

static bool is_free(const struct layout *layout, uint64_t size, uint64_t offset, uint64_t length)
{
    struct layout_entry entry;

    for (size_t i = 0; i < SCOREBOARD_MAX_GENERATIONS; i++)
        if (layout_read(layout, i, size, &entry) && overlap(offset, length, &entry))
            return false;
    return true;
}

/* Free room begins at the start of the cells or at the end of an entry. */
uint64_t layout_room(const struct layout *layout, uint64_t size, uint64_t length)
{
    uint64_t best = UINT64_MAX;
    struct layout_entry entry;

    if (is_free(layout, size, LAYOUT_CELLS_OFFSET, length))
        return LAYOUT_CELLS_OFFSET;
    for (size_t i = 0; i < SCOREBOARD_MAX_GENERATIONS; i++) {
        if (!layout_read(layout, i, size, &entry) || entry.offset + entry.length >= best)
            continue;
        if (is_free(layout, size, entry.offset + entry.length, length))
            best = entry.offset + entry.length;
    }
    return best;
}

/* Does the entry at `index` share a generation or a byte with one before it? */
static bool is_doubled(const struct layout *layout, uint64_t size, size_t index)
{
    struct layout_entry entry;
    struct layout_entry other;

    if (!layout_read(layout, index, size, &entry))
        return false;
    for (size_t i = 0; i < index; i++)
        if (layout_read(layout, i, size, &other) &&
            (other.generation == entry.generation || overlap(other.offset, other.length, &entry)))
            return true;
    return false;
}

bool layout_is_sound(const struct layout *layout, uint64_t size)
{
    struct layout_entry entry;

    if (memcmp(layout->magic, magic, sizeof(magic)) != 0 || layout->version != SCOREBOARD_VERSION ||
        layout->cell_size != SCOREBOARD_CELL_SIZE || atomic_load(&layout->size) != size)
        return false;
    for (size_t i = 0; i < SCOREBOARD_MAX_GENERATIONS; i++) {
        if (!layout_read(layout, i, size, &entry) && entry.length != 0)
            return false;
        if (is_doubled(layout, size, i))
            return false;
    }
    return true;
}
