/* SPDX-License-Identifier: MIT
 *
 * Edit distance: the fewest letters to insert, remove, replace or swap with their neighbour.
 */
#include "nearest.h"

#include <ctype.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

/* Longer words are not compared. */
#define NEAREST_MAX 64

/* From one beginning of the left word to every beginning of the right one. */
struct row {
    unsigned to[NEAREST_MAX + 1];
};

/* "Max-Connections" is max_connections, only written otherwise. */
static bool same(char left, char right)
{
    left = left == '-' || left == ' ' ? '_' : (char)tolower((unsigned char)left);
    right = right == '-' || right == ' ' ? '_' : (char)tolower((unsigned char)right);
    return left == right;
}

static unsigned least(unsigned first, unsigned second)
{
    return first < second ? first : second;
}

/* Row `i` of the table: from the first `i` letters of `left` to every beginning of `right`.  It
 * needs the row above and, for swaps, the one above that: three rows take turns. */
static void fill_row(struct row rows[3], size_t i, const char *left, const char *right)
{
    unsigned *row = rows[i % 3].to;
    const unsigned *above = rows[(i + 2) % 3].to;
    const unsigned *above_that = rows[(i + 1) % 3].to;

    row[0] = (unsigned)i;
    for (size_t j = 1; right[j - 1] != '\0'; j++) {
        unsigned replaced = above[j - 1] + (same(left[i - 1], right[j - 1]) ? 0 : 1);

        row[j] = least(replaced, least(above[j], row[j - 1]) + 1);
        if (i > 1 && j > 1 && same(left[i - 1], right[j - 2]) && same(left[i - 2], right[j - 1]))
            row[j] = least(row[j], above_that[j - 2] + 1);
    }
}

static unsigned distance(const char *left, const char *right)
{
    struct row rows[3];
    size_t length = strlen(left);

    for (unsigned j = 0; j <= NEAREST_MAX; j++)
        rows[0].to[j] = j;
    for (size_t i = 1; i <= length; i++)
        fill_row(rows, i, left, right);
    return rows[length % 3].to[strlen(right)];
}

struct nearest nearest_to(const char *wanted)
{
    /* A quarter of the letters may be wrong, and one more: enough for a slip, too little to
     * offer a word that nobody meant. */
    return (struct nearest){.wanted = wanted, .distance = (unsigned)(strlen(wanted) / 4 + 2)};
}

void nearest_offer(struct nearest *nearest, const char *known)
{
    unsigned found;

    if (strlen(nearest->wanted) > NEAREST_MAX || strlen(known) > NEAREST_MAX)
        return;
    found = distance(nearest->wanted, known);
    if (found < nearest->distance) {
        nearest->distance = found;
        nearest->best = known;
    }
}
