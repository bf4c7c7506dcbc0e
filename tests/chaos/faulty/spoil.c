/* SPDX-License-Identifier: MIT */
#include "spoil.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "record.h"

/* The linker puts ours in front of the real one. */
uint8_t *__real_record_encode(const struct record *record, size_t *size);
uint8_t *__wrap_record_encode(const struct record *record, size_t *size);

static bool is_due;

void spoil_next_record(void)
{
    is_due = true;
}

/* Its first fields are a magic number, a version, …, and near the end lengths and names. */
static void spoil(uint8_t *bytes, size_t *size)
{
    switch (rand() % 4) {
    case 0:
        bytes[rand() % 8] ^= 0xff; /* magic number, version */
        break;
    case 1:
        *size -= 1 + (size_t)rand() % (*size / 2);
        break;
    case 2:
        memset(bytes + 40, 'x', 64); /* a name without an end, or one of nobody */
        break;
    case 3:
        memset(bytes + 24, 0xff, 16); /* lengths */
        break;
    }
}

uint8_t *__wrap_record_encode(const struct record *record, size_t *size)
{
    uint8_t *bytes = __real_record_encode(record, size);

    if (is_due && bytes != NULL)
        spoil(bytes, size);
    is_due = false;
    return bytes;
}
