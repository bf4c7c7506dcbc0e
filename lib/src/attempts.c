/* SPDX-License-Identifier: MIT
 *
 * Addresses in the order of RFC 8305, section 4.
 */
#include "attempts.h"

#include <stdlib.h>

static void add(struct attempts *attempts, const struct prong_address *address)
{
    for (size_t i = 0; i < attempts->count; i++) {
        if (prong_address_equal(&attempts->each[i].address, address))
            return;
    }
    attempts->each[attempts->count++] = (struct prong_attempt){.address = *address, .syscall = ""};
}

/* The next place at or behind `from` with an address that is of the family, or is not. */
static size_t find(const struct prong_address *addresses, size_t count, size_t from,
                   uint16_t family, bool is_of_it)
{
    while (from < count && (addresses[from].family == family) != is_of_it)
        from++;
    return from;
}

static void interleave(struct attempts *attempts, const struct prong_address *addresses,
                       size_t count)
{
    size_t first = 0, second = 0;

    while (first < count || second < count) {
        first = find(addresses, count, first, addresses[0].family, true);
        if (first < count)
            add(attempts, &addresses[first++]);
        second = find(addresses, count, second, addresses[0].family, false);
        if (second < count)
            add(attempts, &addresses[second++]);
    }
}

struct attempts *attempts_new(const struct prong_address *addresses, size_t count, bool only_first)
{
    struct attempts *attempts;

    if (only_first)
        count = 1;
    attempts = calloc(1, sizeof(*attempts) + count * sizeof(attempts->each[0]));
    if (attempts != NULL)
        interleave(attempts, addresses, count);
    return attempts;
}

void attempts_note_failure(struct attempts *attempts, struct prong_attempt *attempt, int error,
                           const char *syscall)
{
    attempt->error = error;
    attempt->syscall = syscall;
    if (attempts->failed == NULL)
        attempts->failed = attempt;
}

void attempts_free(struct attempts *attempts)
{
    free(attempts);
}
