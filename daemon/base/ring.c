/* SPDX-License-Identifier: MIT
 *
 * Publishing and reading.
 */
#include "ring.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "latch.h"
#include "ring_layout.h"

/* Nobody may cut the file under a mapping. */
#define SEALS (F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL)

#define WORD sizeof(uint64_t)

struct ring {
    int fd;
    bool is_stuck; /* latch.h */
    struct ring_header *header;
    struct ring_entry *entries;
    _Atomic uint64_t *words;
    uint64_t length;     /* of the mapping */
    uint64_t count;      /* of entries; a power of two, as the next one */
    uint64_t word_count; /* ours: the header's may be spoiled at any time */
    size_t most;         /* bytes of a message */
    uint64_t *incoming;  /* room for one message */
    uint64_t *outgoing;
};

/* --- Words --- */

static uint64_t get(const _Atomic uint64_t *word)
{
    return atomic_load_explicit(word, memory_order_acquire);
}

static void set(_Atomic uint64_t *word, uint64_t value)
{
    atomic_store_explicit(word, value, memory_order_release);
}

static uint64_t words_of(uint64_t size)
{
    return (size + WORD - 1) / WORD;
}

static uint64_t mix(uint64_t check, uint64_t word)
{
    check = (check ^ word) * UINT64_C(0x9e3779b97f4a7c15);
    return check ^ (check >> 29);
}

static uint64_t check_of(uint64_t number, uint64_t size, const uint64_t *words)
{
    uint64_t check = mix(mix(UINT64_C(0x70726f6e67), number), size);

    for (uint64_t i = 0; i < words_of(size); i++)
        check = mix(check, words[i]);
    return check;
}

static struct ring_entry *entry_of(const struct ring *ring, uint64_t number)
{
    return &ring->entries[number & (ring->count - 1)];
}

/* --- Memory --- */

static uint64_t length_of(uint64_t size)
{
    return RING_HEADER_SIZE + size / RING_BYTES_PER_ENTRY * sizeof(struct ring_entry) + size;
}

static uint64_t round_up(uint64_t size)
{
    uint64_t power = RING_LEAST;

    while (power < size)
        power *= 2;
    return power;
}

static int fill(int fd, uint64_t size)
{
    struct ring_header header = {
        .magic = RING_MAGIC, .version = RING_VERSION, .size = size, .first = 1};

    if (getrandom(&header.identity, sizeof(header.identity), 0) < 0)
        return -errno;
    header.identity |= 1;
    if (fallocate(fd, 0, 0, (off_t)length_of(size)) < 0 ||
        pwrite(fd, &header, sizeof(header), 0) != (ssize_t)sizeof(header) ||
        fcntl(fd, F_ADD_SEALS, SEALS) < 0)
        return -errno;
    return 0;
}

int ring_create(uint64_t size)
{
    int fd, error;

    if (size < RING_LEAST || size > RING_MOST)
        return -EINVAL;
    fd = memfd_create("prong-broadcast", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (fd < 0)
        return -errno;
    error = fill(fd, round_up(size));
    if (error == 0)
        return fd;
    (void)close(fd);
    return error;
}

/* The size of the bytes, by the file and its header; 0: it is no ring. */
static uint64_t size_of(int fd)
{
    int seals = fcntl(fd, F_GET_SEALS);
    struct ring_header header;
    struct stat status;

    if (seals < 0 || (seals & SEALS) != SEALS || fstat(fd, &status) < 0 ||
        pread(fd, &header, sizeof(header), 0) != (ssize_t)sizeof(header))
        return 0;
    if (header.magic != RING_MAGIC || header.version != RING_VERSION || header.size < RING_LEAST ||
        header.size > RING_MOST || round_up(header.size) != header.size)
        return 0;
    return length_of(header.size) == (uint64_t)status.st_size ? header.size : 0;
}

bool ring_is_known(int fd)
{
    return size_of(fd) > 0;
}

static int map(struct ring *ring, uint64_t size)
{
    uint64_t index = size / RING_BYTES_PER_ENTRY * sizeof(struct ring_entry);
    char *memory;

    ring->length = length_of(size);
    ring->count = size / RING_BYTES_PER_ENTRY;
    ring->word_count = size / WORD;
    ring->most = size / 4 < RING_MESSAGE_MOST ? (size_t)(size / 4) : RING_MESSAGE_MOST;
    ring->incoming = malloc(ring->most + WORD);
    ring->outgoing = malloc(ring->most + WORD);
    memory = mmap(NULL, ring->length, PROT_READ | PROT_WRITE, MAP_SHARED, ring->fd, 0);
    if (memory == MAP_FAILED)
        return -errno;
    sealed_page_close(memory);
    ring->header = (struct ring_header *)(void *)memory;
    ring->entries = (struct ring_entry *)(void *)(memory + RING_HEADER_SIZE);
    ring->words = (_Atomic uint64_t *)(void *)(memory + RING_HEADER_SIZE + index);
    return ring->incoming != NULL && ring->outgoing != NULL ? 0 : -ENOMEM;
}

struct ring *ring_open(int fd)
{
    struct ring *ring = calloc(1, sizeof(*ring));
    uint64_t size;
    int error;

    if (ring == NULL) {
        (void)close(fd);
        errno = ENOMEM;
        return NULL;
    }
    ring->fd = latch_open(fd);
    error = ring->fd < 0 ? ring->fd : 0;
    size = error == 0 ? size_of(ring->fd) : 0;
    if (error == 0)
        error = size > 0 ? map(ring, size) : -EPROTO;
    if (error == 0)
        return ring;
    ring_free(ring);
    errno = -error;
    return NULL;
}

uint64_t ring_identity(const struct ring *ring)
{
    return ring->header->identity | 1;
}

size_t ring_message_most(const struct ring *ring)
{
    return ring->most;
}

uint64_t ring_last(const struct ring *ring)
{
    return get(&ring->header->last);
}

void ring_free(struct ring *ring)
{
    if (ring == NULL)
        return;
    if (ring->header != NULL)
        (void)munmap(ring->header, ring->length);
    if (ring->fd >= 0)
        (void)close(ring->fd);
    free(ring->incoming);
    free(ring->outgoing);
    free(ring);
}

/* --- Both --- */

/* The oldest message that is whole, `last` + 1 when none is, or when nobody knows. */
static uint64_t oldest(const struct ring *ring, uint64_t last)
{
    uint64_t first = get(&ring->header->first);

    return first <= last + 1 && last + 1 - first <= ring->count ? first : last + 1;
}

/* --- Publishing --- */

/* Gives up the oldest messages until `number`, which is to end in front of `end`, has room. */
static void make_room(struct ring *ring, uint64_t number, uint64_t end)
{
    uint64_t first = oldest(ring, number - 1);

    while (first != number && (number - first >= ring->count ||
                               end - get(&entry_of(ring, first)->begin) > ring->word_count))
        first++;
    set(&ring->header->first, first);
}

/* The outgoing one. */
static void store(struct ring *ring, uint64_t number, uint64_t size)
{
    struct ring_entry *entry = entry_of(ring, number);
    uint64_t begin = get(&ring->header->end), count = words_of(size);

    make_room(ring, number, begin + count);
    for (uint64_t i = 0; i < count; i++)
        set(&ring->words[(begin + i) & (ring->word_count - 1)], ring->outgoing[i]);
    set(&entry->begin, begin);
    set(&entry->size, size);
    set(&entry->check, check_of(number, size, ring->outgoing));
    set(&entry->number, number);
    set(&ring->header->end, begin + count);
    set(&ring->header->last, number);
}

int ring_publish(struct ring *ring, const void *bytes, size_t size)
{
    int error;

    if (size > ring->most)
        return -EMSGSIZE;
    error = latch_take(ring->fd, &ring->is_stuck);
    if (error < 0)
        return error;
    if (size > 0) {
        ring->outgoing[words_of(size) - 1] = 0; /* what is behind the last byte */
        memcpy(ring->outgoing, bytes, size);
    }
    store(ring, ring_last(ring) + 1, size);
    latch_give(ring->fd);
    return 0;
}

/* --- Reading --- */

/* False: it was overwritten meanwhile, or is spoiled. */
static bool load(const struct ring *ring, uint64_t number, struct ring_message *message)
{
    const struct ring_entry *entry = entry_of(ring, number);
    uint64_t begin = get(&entry->begin), size = get(&entry->size), check = get(&entry->check);

    if (get(&entry->number) != number || size > ring->most)
        return false;
    for (uint64_t i = 0; i < words_of(size); i++)
        ring->incoming[i] = get(&ring->words[(begin + i) & (ring->word_count - 1)]);
    message->bytes = ring->incoming;
    message->size = (size_t)size;
    return get(&ring->header->first) <= number && check_of(number, size, ring->incoming) == check;
}

/* To `next`, which is read next. */
static enum ring_result skip(uint64_t *position, uint64_t next, struct ring_message *message)
{
    message->lost = next - 1 - *position;
    *position = next - 1;
    return RING_LOST;
}

enum ring_result ring_read(struct ring *ring, uint64_t *position, struct ring_message *message)
{
    uint64_t last = ring_last(ring), next = *position + 1, first;

    *message = (struct ring_message){.bytes = ring->incoming};
    if (last - *position > INT64_MAX) /* the memory was spoiled: nobody knows */
        *position = last;
    if (last == *position)
        return RING_EMPTY;
    first = oldest(ring, last);
    if (first > next)
        return skip(position, first, message);
    if (load(ring, next, message)) {
        *position = next;
        return RING_MESSAGE;
    }
    *message = (struct ring_message){.bytes = ring->incoming};
    first = oldest(ring, ring_last(ring));
    return skip(position, first > next ? first : next + 1, message);
}
