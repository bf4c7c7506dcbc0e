/* SPDX-License-Identifier: MIT
 *
 * The scoreboard: the memory, its growth, and the way to a cell.
 */
#include "scoreboard.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "scoreboard_layout.h"
#include "shares.h"

/* The address space that is set aside; the file grows inside it. */
#define ROOM_SIZE (64UL * 1024 * 1024)

/* Without the first seal another process could make us run into SIGBUS, without the second it
 * could add one that keeps the file from growing. */
#define SEALS (F_SEAL_SHRINK | F_SEAL_SEAL)

struct scoreboard {
    int fd;
    uint64_t size; /* of the file when it was last looked at; it never shrinks */
    struct layout *layout;
};

static_assert(sizeof(struct scoreboard_worker) == SCOREBOARD_CELL_SIZE, "one cell");
static_assert(sizeof(struct scoreboard_server) == SCOREBOARD_CELL_SIZE, "one cell");

static const char *const state_names[] = {
    [SLOT_EMPTY] = "empty",       [SLOT_STARTING] = "starting", [SLOT_READY] = "ready",
    [SLOT_DRAINING] = "draining", [SLOT_STOPPING] = "stopping", [SLOT_RESTING] = "resting",
};

const char *slot_state_name(enum slot_state state)
{
    size_t index = state;

    return index < sizeof(state_names) / sizeof(state_names[0]) ? state_names[index] : "?";
}

static const char *const callback_names[] = {
    [CALLBACK_TURN] = "none",
    [CALLBACK_CONNECTION] = "on_connection",
    [CALLBACK_DATA] = "on_data",
    [CALLBACK_BUFFER] = "on_buffer",
    [CALLBACK_READ] = "on_read",
    [CALLBACK_HANGUP] = "on_hangup",
    [CALLBACK_DRAIN] = "on_drain",
    [CALLBACK_END] = "on_end",
    [CALLBACK_FINISH] = "on_finish",
    [CALLBACK_TIMEOUT] = "on_timeout",
    [CALLBACK_ERROR] = "on_error",
    [CALLBACK_CLOSE] = "on_close",
    [CALLBACK_SAVE] = "save",
    [CALLBACK_RESTORE] = "restore",
    [CALLBACK_LEAVE] = "on_leave",
    [CALLBACK_READABLE] = "on_readable",
    [CALLBACK_WRITABLE] = "on_writable",
    [CALLBACK_BROADCAST] = "on_broadcast",
    [CALLBACK_MESSAGE] = "on_message",
    [CALLBACK_LOST] = "on_lost",
};

const char *scoreboard_callback_name(enum scoreboard_callback callback)
{
    size_t index = callback;

    return index < sizeof(callback_names) / sizeof(callback_names[0]) ? callback_names[index] : "?";
}

/* Takes the descriptor. */
static struct scoreboard *map(int fd, uint64_t size)
{
    struct scoreboard *board = malloc(sizeof(*board));
    void *room;

    if (board == NULL) {
        (void)close(fd);
        errno = ENOMEM;
        return NULL;
    }
    room = mmap(NULL, ROOM_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE, fd, 0);
    if (room == MAP_FAILED) {
        free(board);
        (void)close(fd);
        return NULL;
    }
    *board = (struct scoreboard){.fd = fd, .size = size, .layout = room};
    return board;
}

struct scoreboard *scoreboard_new(void)
{
    int fd = memfd_create("prong-scoreboard", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    struct scoreboard *board;

    if (fd < 0)
        return NULL;
    if (fallocate(fd, 0, 0, LAYOUT_CELLS_OFFSET) < 0 || fcntl(fd, F_ADD_SEALS, SEALS) < 0) {
        (void)close(fd);
        return NULL;
    }
    board = map(fd, LAYOUT_CELLS_OFFSET);
    if (board != NULL)
        layout_init(board->layout, LAYOUT_CELLS_OFFSET);
    if (board != NULL)
        shares_init(scoreboard_shares(board));
    return board;
}

/* The size of a file that can be mapped without danger; 0: it is not one. */
static uint64_t safe_size(int fd)
{
    int seals = fcntl(fd, F_GET_SEALS);
    struct stat status;

    if (seals < 0 || (seals & SEALS) != SEALS || fstat(fd, &status) < 0)
        return 0;
    if (status.st_size < (off_t)LAYOUT_CELLS_OFFSET || (uint64_t)status.st_size > ROOM_SIZE)
        return 0;
    return (uint64_t)status.st_size;
}

struct scoreboard *scoreboard_adopt(int fd)
{
    uint64_t size = safe_size(fd);
    struct scoreboard *board;

    if (size == 0) {
        (void)close(fd);
        errno = EPROTO;
        return NULL;
    }
    board = map(fd, size);
    if (board != NULL && !layout_is_sound(board->layout, size)) {
        scoreboard_free(board);
        errno = EPROTO;
        return NULL;
    }
    return board;
}

int scoreboard_fd(const struct scoreboard *board)
{
    return board->fd;
}

/* The file may have been made larger by another process since it was mapped here. */
static uint64_t size_now(const struct scoreboard *board)
{
    struct stat status;

    if (fstat(board->fd, &status) < 0 || (uint64_t)status.st_size > ROOM_SIZE)
        return board->size;
    return (uint64_t)status.st_size;
}

static int find(const struct scoreboard *board, uint64_t generation, struct layout_entry *entry)
{
    uint64_t size = size_now(board);

    for (int i = 0; i < SCOREBOARD_MAX_GENERATIONS; i++)
        if (layout_read(board->layout, (size_t)i, size, entry) && entry->generation == generation)
            return i;
    return -ENOENT;
}

/* fallocate() and not ftruncate(): when memory is short we are told here, not by SIGBUS. */
static int grow(struct scoreboard *board, uint64_t size)
{
    if (size <= board->size)
        return 0;
    if (fallocate(board->fd, 0, 0, (off_t)size) < 0)
        return -ENOMEM;
    board->size = size;
    atomic_store(&board->layout->size, size);
    return 0;
}

static void *address(const struct scoreboard *board, uint64_t offset)
{
    return (char *)board->layout + offset;
}

/* Finds room for the entry and makes the file large enough. */
static int make_room(struct scoreboard *board, struct layout_entry *entry)
{
    entry->length = layout_length(entry->workers, entry->servers);
    if (entry->length == 0 || entry->length > ROOM_SIZE)
        return -ENOMEM;
    entry->offset = layout_room(board->layout, board->size, entry->length);
    if (entry->offset > ROOM_SIZE - entry->length)
        return -ENOMEM;
    return grow(board, entry->offset + entry->length);
}

int scoreboard_add(struct scoreboard *board, uint64_t generation, unsigned workers,
                   unsigned servers)
{
    struct layout_entry entry = {.generation = generation, .workers = workers, .servers = servers};
    struct layout_entry other;
    int place = layout_free_place(board->layout);
    int error;

    if (workers == 0)
        return -EINVAL;
    if (find(board, generation, &other) >= 0)
        return -EEXIST;
    if (place < 0)
        return -ENOSPC;
    error = make_room(board, &entry);
    if (error < 0)
        return error;
    memset(address(board, entry.offset), 0, entry.length);
    layout_write(board->layout, (size_t)place, &entry);
    return 0;
}

int scoreboard_remove(struct scoreboard *board, uint64_t generation)
{
    struct layout_entry entry;
    int place = find(board, generation, &entry);

    if (place < 0)
        return place;
    layout_erase(board->layout, (size_t)place);
    return 0;
}

static int compare_generations(const void *one, const void *two)
{
    const struct scoreboard_entry *left = one;
    const struct scoreboard_entry *right = two;

    return (left->generation > right->generation) - (left->generation < right->generation);
}

size_t scoreboard_generations(const struct scoreboard *board,
                              struct scoreboard_entry entries[SCOREBOARD_MAX_GENERATIONS])
{
    uint64_t size = size_now(board);
    struct layout_entry entry;
    size_t count = 0;

    for (size_t i = 0; i < SCOREBOARD_MAX_GENERATIONS; i++)
        if (layout_read(board->layout, i, size, &entry))
            entries[count++] = (struct scoreboard_entry){
                .generation = entry.generation, .workers = entry.workers, .servers = entry.servers};
    qsort(entries, count, sizeof(entries[0]), compare_generations);
    return count;
}

struct scoreboard_worker *scoreboard_worker(const struct scoreboard *board, uint64_t generation,
                                            unsigned slot)
{
    struct layout_entry entry;

    if (find(board, generation, &entry) < 0 || slot >= entry.workers)
        return NULL;
    return (struct scoreboard_worker *)address(board, entry.offset) + slot;
}

struct scoreboard_server *scoreboard_server(const struct scoreboard *board, uint64_t generation,
                                            unsigned slot, unsigned server)
{
    struct layout_entry entry;
    size_t cell;

    if (find(board, generation, &entry) < 0 || slot >= entry.workers || server >= entry.servers)
        return NULL;
    cell = entry.workers + (size_t)server * entry.workers + slot;
    return (struct scoreboard_server *)address(board, entry.offset) + cell;
}

struct shares *scoreboard_shares(const struct scoreboard *board)
{
    return address(board, LAYOUT_SHARES_OFFSET);
}

struct items *scoreboard_items(const struct scoreboard *board)
{
    return address(board, LAYOUT_ITEMS_OFFSET);
}

static void clear_worker(struct scoreboard_worker *cell)
{
    atomic_store_explicit(&cell->pid, 0, memory_order_relaxed);
    atomic_store_explicit(&cell->started_ms, 0, memory_order_relaxed);
    atomic_store_explicit(&cell->heartbeat_ms, 0, memory_order_relaxed);
    atomic_store_explicit(&cell->lag_us, 0, memory_order_relaxed);
    atomic_store_explicit(&cell->cpu_us, 0, memory_order_relaxed);
}

static void clear_server(struct scoreboard_server *cell)
{
    atomic_store_explicit(&cell->connections, 0, memory_order_relaxed);
    atomic_store_explicit(&cell->recent, 0, memory_order_relaxed);
    atomic_store_explicit(&cell->load, 0, memory_order_relaxed);
    atomic_store_explicit(&cell->is_closed, 0, memory_order_relaxed);
    atomic_store_explicit(&cell->is_full, 0, memory_order_relaxed);
}

void scoreboard_clear_slot(struct scoreboard *board, uint64_t generation, unsigned slot)
{
    struct scoreboard_worker *worker = scoreboard_worker(board, generation, slot);
    struct scoreboard_server *cell;

    if (worker == NULL)
        return;
    shares_forget(scoreboard_shares(board), shares_owner(generation, slot));
    clear_worker(worker);
    for (unsigned i = 0; (cell = scoreboard_server(board, generation, slot, i)) != NULL; i++)
        clear_server(cell);
}

void scoreboard_free(struct scoreboard *board)
{
    if (board == NULL)
        return;
    (void)munmap(board->layout, ROOM_SIZE);
    (void)close(board->fd);
    free(board);
}
