/* SPDX-License-Identifier: MIT
 *
 * The addresses of one connect, in the order in which they are tried, and what became of each.
 */
#ifndef PRONG_ATTEMPTS_H
#define PRONG_ATTEMPTS_H

#include <prong/connect.h>

#include <stdbool.h>
#include <stddef.h>

struct attempts {
    struct prong_address local;         /* which is bound first; family 0: none */
    const struct prong_attempt *failed; /* the one that on_error will tell of; NULL: none */
    size_t count, started;
    struct prong_attempt each[];
};

/* Families take turns, beginning with that of the first answer; doubles are dropped (R51).  With
 * `only_first` it is the first address alone.  There must be one.  NULL with errno ENOMEM. */
struct attempts *attempts_new(const struct prong_address *addresses, size_t count, bool only_first);

/* Only the first failure is told (R54). */
void attempts_note_failure(struct attempts *attempts, struct prong_attempt *attempt, int error,
                           const char *syscall);

/* Accepts NULL. */
void attempts_free(struct attempts *attempts);

#endif
