/* SPDX-License-Identifier: MIT
 *
 * The known word that a misspelt one was probably meant to be.
 */
#ifndef PRONGD_NEAREST_H
#define PRONGD_NEAREST_H

/* A search: offer it every known word, then read `best`. */
struct nearest {
    const char *wanted; /* as it was written */
    const char *best;   /* NULL: nothing is near */
    unsigned distance;
};

struct nearest nearest_to(const char *wanted);

/* Borrows `known` for as long as `best` is used.  Of equally near words the first one stays. */
void nearest_offer(struct nearest *nearest, const char *known);

#endif
