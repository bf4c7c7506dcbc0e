/* SPDX-License-Identifier: MIT
 *
 * Spoiling records on their way, in what a reader can notice: their head and their length.
 */
#ifndef FAULTY_SPOIL_H
#define FAULTY_SPOIL_H

/* The record that is encoded next. */
void spoil_next_record(void);

#endif
