/* SPDX-License-Identifier: MIT
 *
 * Numbers for people.
 */
#include "units.h"

#include <stdio.h>

static const char *const byte_units[] = {"B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};

struct duration_row {
    uint64_t seconds;
    const char *name;
};

static const struct duration_row durations[] = {{86400, "d"}, {3600, "h"}, {60, "min"}, {1, "s"}};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

const char *units_count(uint64_t count, char text[UNITS_SIZE])
{
    char digits[UNITS_SIZE];
    size_t length = (size_t)snprintf(digits, sizeof(digits), "%llu", (unsigned long long)count);
    size_t used = 0;

    for (size_t i = 0; i < length; i++) {
        if (i > 0 && (length - i) % 3 == 0)
            text[used++] = ',';
        text[used++] = digits[i];
    }
    text[used] = '\0';
    return text;
}

const char *units_bytes(uint64_t bytes, char text[UNITS_SIZE])
{
    double value = (double)bytes;
    size_t unit = 0;

    if (bytes < 1024) {
        (void)snprintf(text, UNITS_SIZE, "%u B", (unsigned)bytes);
        return text;
    }
    /* Not 1024: "1023.97 KiB" would be shown as "1024.0 KiB". */
    while (value >= 1023.95 && unit + 1 < COUNT(byte_units)) {
        value /= 1024;
        unit++;
    }
    (void)snprintf(text, UNITS_SIZE, "%.1f %s", value, byte_units[unit]);
    return text;
}

const char *units_duration(uint64_t seconds, char text[UNITS_SIZE])
{
    size_t row = 0;

    while (row + 1 < COUNT(durations) && seconds < durations[row].seconds)
        row++;
    if (row + 1 == COUNT(durations))
        (void)snprintf(text, UNITS_SIZE, "%llu s", (unsigned long long)seconds);
    else
        (void)snprintf(
            text, UNITS_SIZE, "%llu %s %llu %s",
            (unsigned long long)(seconds / durations[row].seconds), durations[row].name,
            (unsigned long long)(seconds % durations[row].seconds / durations[row + 1].seconds),
            durations[row + 1].name);
    return text;
}
