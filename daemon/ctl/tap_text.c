/* SPDX-License-Identifier: MIT
 *
 * Escaped lines, and hexadecimal ones.
 */
#include "tap_text.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "log.h"

#define ROW 16

static const char *const labels[TAP_KINDS] = {
    [TAP_INPUT] = "in ",         [TAP_OUTPUT] = "out",        [TAP_UNSEEN_INPUT] = "in ",
    [TAP_UNSEEN_OUTPUT] = "out", [TAP_DROPPED_INPUT] = "in ", [TAP_DROPPED_OUTPUT] = "out",
};

static void print_time(const struct tap_record *record)
{
    time_t seconds = (time_t)(record->time_us / 1000000);
    struct tm parts = {0};

    (void)localtime_r(&seconds, &parts);
    (void)printf("%02d:%02d:%02d.%06u %s ", parts.tm_hour, parts.tm_min, parts.tm_sec,
                 (unsigned)(record->time_us % 1000000), labels[record->kind]);
}

void tap_text_lines(const struct tap_record *record, const uint8_t *bytes)
{
    char text[4 * PIPE_BUF + 1];
    size_t left = (size_t)record->size;

    while (left > 0) {
        const uint8_t *newline = memchr(bytes, '\n', left);
        size_t length = newline != NULL ? (size_t)(newline - bytes) + 1 : left;

        print_time(record);
        (void)printf("\"%s\"\n", log_escape(bytes, length, text, sizeof(text)));
        bytes += length;
        left -= length;
    }
}

static void print_row(const uint8_t *bytes, size_t size, uint64_t offset)
{
    (void)printf("  %08llx ", (unsigned long long)offset);
    for (size_t i = 0; i < ROW; i++) {
        if (i < size)
            (void)printf(" %02x", bytes[i]);
        else
            (void)fputs("   ", stdout);
    }
    (void)fputs("  |", stdout);
    for (size_t i = 0; i < size; i++)
        (void)putchar(bytes[i] >= ' ' && bytes[i] <= '~' ? bytes[i] : '.');
    (void)puts("|");
}

void tap_text_hex(const struct tap_record *record, const uint8_t *bytes, uint64_t offset)
{
    print_time(record);
    (void)printf("%llu bytes\n", (unsigned long long)record->size);
    for (size_t done = 0; done < record->size; done += ROW) {
        size_t left = (size_t)record->size - done;

        print_row(bytes + done, left < ROW ? left : ROW, offset + done);
    }
}

void tap_text_note(const struct tap_record *record)
{
    bool is_unseen = record->kind == TAP_UNSEEN_INPUT || record->kind == TAP_UNSEEN_OUTPUT;

    print_time(record);
    (void)printf("(%llu bytes %s)\n", (unsigned long long)record->size,
                 is_unseen ? "unseen: the kernel passed them on"
                           : "left out: they were not read fast enough");
}
