/* SPDX-License-Identifier: MIT
 *
 * A ring whose memory a module has scribbled on: a reader gets messages or losses, and always an
 * end.
 *
 * Each step of the input is three bytes and a value: where it is written, and what is done then.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ring.h"
#include "ring_layout.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct step {
    uint8_t act;
    uint8_t place[2];
    uint8_t value[8];
};

/* The header, the first entries and the first words are what is looked at. */
static void scribble(int fd, const struct step *step)
{
    static const off_t bases[] = {offsetof(struct ring_header, first), RING_HEADER_SIZE,
                                  RING_HEADER_SIZE + RING_LEAST / RING_BYTES_PER_ENTRY *
                                                         sizeof(struct ring_entry)};
    off_t base = bases[step->place[0] % 3];
    uint64_t value;

    memcpy(&value, step->value, sizeof(value));
    if (pwrite(fd, &value, sizeof(value), base + step->place[1] * 8) < 0)
        abort();
}

/* Every message is good to read to its last byte. */
static unsigned use(const struct ring_message *message)
{
    const uint8_t *bytes = message->bytes;
    unsigned sum = 0;

    for (size_t i = 0; i < message->size; i++)
        sum += bytes[i];
    return sum;
}

static void read_some(struct ring *ring, uint64_t *position)
{
    struct ring_message message;
    static volatile unsigned sum;

    for (int i = 0; i < 50 && ring_read(ring, position, &message) != RING_EMPTY; i++) {
        if (message.size > ring_message_most(ring))
            abort();
        sum = sum + use(&message);
    }
}

static void take(int fd, struct ring *ring, const struct step *step, uint64_t *position)
{
    switch (step->act % 4) {
    case 0:
        scribble(fd, step);
        break;
    case 1:
        (void)ring_publish(ring, step->value, sizeof(step->value));
        break;
    case 2:
        read_some(ring, position);
        break;
    default:
        memcpy(position, step->value, sizeof(*position));
        break;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    int fd = ring_create(RING_LEAST);
    struct ring *ring = fd >= 0 ? ring_open(dup(fd)) : NULL;
    uint64_t position = 0;
    struct step step;

    for (size_t i = 0; ring != NULL && i + sizeof(step) <= size; i += sizeof(step)) {
        memcpy(&step, data + i, sizeof(step));
        take(fd, ring, &step, &position);
    }
    if (ring != NULL)
        read_some(ring, &position);
    ring_free(ring);
    close(fd);
    return 0;
}
