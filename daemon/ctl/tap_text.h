/* SPDX-License-Identifier: MIT
 *
 * The bytes of a tap as text for a terminal, which they cannot disturb.
 */
#ifndef PRONGCTL_TAP_TEXT_H
#define PRONGCTL_TAP_TEXT_H

#include <stdint.h>

#include "tap_stream.h"

/* One line for each line of the bytes, with time and direction, and everything that is not plain
 * ASCII escaped. */
void tap_text_lines(const struct tap_record *record, const uint8_t *bytes);

/* Sixteen bytes to a line; `offset`: those of this direction before. */
void tap_text_hex(const struct tap_record *record, const uint8_t *bytes, uint64_t offset);

/* A record that has no bytes. */
void tap_text_note(const struct tap_record *record);

#endif
