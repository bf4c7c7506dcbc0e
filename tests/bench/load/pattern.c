/* SPDX-License-Identifier: MIT */
#include "pattern.h"

#include <string.h>

#define WORD sizeof(uint64_t)

/* splitmix64: neighbouring streams and positions have nothing in common. */
static uint64_t word_at(uint64_t stream, uint64_t index)
{
    uint64_t x = (stream << 40) + index;

    x += 0x9e3779b97f4a7c15u;
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
    return x ^ (x >> 31);
}

/* How much of `size` bytes from `position` on lies in one word. */
static size_t in_one_word(uint64_t position, size_t size)
{
    size_t left = WORD - position % WORD;

    return left < size ? left : size;
}

void pattern_fill(uint64_t stream, uint64_t position, void *bytes, size_t size)
{
    uint8_t *to = bytes;
    size_t length;

    for (; size > 0; to += length, position += length, size -= length) {
        uint64_t word = word_at(stream, position / WORD);

        length = in_one_word(position, size);
        memcpy(to, (const uint8_t *)&word + position % WORD, length);
    }
}

bool pattern_matches(uint64_t stream, uint64_t position, const void *bytes, size_t size)
{
    const uint8_t *from = bytes;
    size_t length;

    for (; size > 0; from += length, position += length, size -= length) {
        uint64_t word = word_at(stream, position / WORD);

        length = in_one_word(position, size);
        if (memcmp(from, (const uint8_t *)&word + position % WORD, length) != 0)
            return false;
    }
    return true;
}
