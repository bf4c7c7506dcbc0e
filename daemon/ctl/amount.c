/* SPDX-License-Identifier: MIT
 *
 * Numbers and units.
 */
#include "amount.h"

#include <stddef.h>
#include <string.h>

struct unit_row {
    const char *name;
    uint64_t size;
};

static const struct unit_row times[] = {{"", 1000},      {"ms", 1},      {"s", 1000},
                                        {"m", 60000},    {"min", 60000}, {"h", 3600000},
                                        {"d", 86400000}, {NULL, 0}};

static const struct unit_row sizes[] = {{"", 1},
                                        {"K", UINT64_C(1) << 10},
                                        {"M", UINT64_C(1) << 20},
                                        {"G", UINT64_C(1) << 30},
                                        {"T", UINT64_C(1) << 40},
                                        {NULL, 0}};

/* `rest`: what stands behind the digits, of which there is at least one. */
static bool read_digits(const char *text, uint64_t *number, const char **rest)
{
    const char *start = text;

    *number = 0;
    for (; *text >= '0' && *text <= '9'; text++) {
        if (*number > (UINT64_MAX - 9) / 10)
            return false;
        *number = *number * 10 + (uint64_t)(*text - '0');
    }
    *rest = text;
    return text > start;
}

static bool read_with_unit(const char *text, const struct unit_row *units, uint64_t *amount)
{
    const char *name;
    uint64_t number;

    if (!read_digits(text, &number, &name))
        return false;
    while (units->name != NULL && strcmp(units->name, name) != 0)
        units++;
    if (units->name == NULL || number > UINT64_MAX / units->size)
        return false;
    *amount = number * units->size;
    return true;
}

bool amount_read_ms(const char *text, uint64_t *ms)
{
    return read_with_unit(text, times, ms);
}

bool amount_read_bytes(const char *text, uint64_t *bytes)
{
    return read_with_unit(text, sizes, bytes);
}

bool amount_read_number(const char *text, uint64_t *number)
{
    const char *rest;

    return read_digits(text, number, &rest) && *rest == '\0';
}
