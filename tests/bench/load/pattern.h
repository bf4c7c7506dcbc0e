/* SPDX-License-Identifier: MIT
 *
 * The bytes that a connection sends: each is known from the connection's number and its position
 * in the stream, so that a lost, doubled, reordered or foreign byte is seen.
 */
#ifndef BENCH_PATTERN_H
#define BENCH_PATTERN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

void pattern_fill(uint64_t stream, uint64_t position, void *bytes, size_t size);
bool pattern_matches(uint64_t stream, uint64_t position, const void *bytes, size_t size);

#endif
