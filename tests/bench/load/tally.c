/* SPDX-License-Identifier: MIT */
#include "tally.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* Letters and digits only: nothing that JSON would have to escape. */
static void make_text(char text[TALLY_TEXT_SIZE], const char *bytes, size_t size)
{
    size_t length = 0;

    for (size_t i = 0; i < size && length < TALLY_TEXT_SIZE - 1; i++)
        if (bytes[i] >= ' ' && bytes[i] <= '~' && bytes[i] != '"' && bytes[i] != '\\')
            text[length++] = bytes[i];
    text[length] = '\0';
}

void tally_add(struct tally *tally, const void *bytes, size_t size)
{
    char text[TALLY_TEXT_SIZE];
    size_t row = 0;

    make_text(text, bytes, size);
    while (row < tally->count && strcmp(tally->rows[row].text, text) != 0)
        row++;
    if (row == TALLY_ROWS)
        return;
    if (row == tally->count)
        memcpy(tally->rows[tally->count++].text, text, sizeof(text));
    tally->rows[row].times++;
}

void tally_print(const struct tally *tally)
{
    putchar('{');
    for (size_t row = 0; row < tally->count; row++)
        printf("%s\"%s\": %" PRIu64, row > 0 ? ", " : "", tally->rows[row].text,
               tally->rows[row].times);
    putchar('}');
}
