/* SPDX-License-Identifier: MIT
 *
 * How often each of a few short texts came.
 */
#ifndef BENCH_TALLY_H
#define BENCH_TALLY_H

#include <stddef.h>
#include <stdint.h>

#define TALLY_ROWS      64
#define TALLY_TEXT_SIZE 32

struct tally {
    size_t count;
    struct {
        char text[TALLY_TEXT_SIZE];
        uint64_t times;
    } rows[TALLY_ROWS];
};

/* Bytes that are not printable, and what does not fit, are left out; so are texts that come when
 * the rows are used up. */
void tally_add(struct tally *tally, const void *bytes, size_t size);

/* As a JSON object, on standard output. */
void tally_print(const struct tally *tally);

#endif
