/* SPDX-License-Identifier: MIT
 *
 * The figures of generations that leave.
 */
#include "leaving.h"

#include <stdlib.h>

#include "generation.h"
#include "log.h"
#include "message.h"

struct leaver {
    struct leaver *next;
    uint64_t generation;
    uint64_t successor;
    uint32_t moved;
    uint32_t kept;
    double since;
};

/* The link to a generation's leaver, or the one at the end. */
static struct leaver **find(struct leaving *leaving, const struct generation *generation)
{
    struct leaver **link = &leaving->first;

    while (*link != NULL && (*link)->generation != generation->number)
        link = &(*link)->next;
    return link;
}

void leaving_add(struct leaving *leaving, const struct generation *generation, uint64_t successor,
                 double now)
{
    struct leaver *leaver = calloc(1, sizeof(*leaver));

    if (leaver == NULL)
        return; /* only the figures are lost */
    leaver->generation = generation->number;
    leaver->successor = successor;
    leaver->since = now;
    leaver->next = leaving->first;
    leaving->first = leaver;
}

void leaving_gave(struct leaving *leaving, const struct generation *generation,
                  const struct message_gave *gave)
{
    struct leaver *leaver = *find(leaving, generation);

    if (leaver == NULL)
        return;
    leaver->moved += gave->departed;
    leaver->kept += gave->kept;
}

json_t *leaving_end(struct leaving *leaving, const struct generation *generation, double now)
{
    struct leaver **link = find(leaving, generation);
    struct leaver *leaver = *link;
    json_t *answer;

    if (leaver == NULL)
        return NULL;
    log_notice("generation gone generation=%llu moved=%u drained=%u seconds=%.3f",
               (unsigned long long)leaver->generation, leaver->moved, leaver->kept,
               now - leaver->since);
    answer = json_pack("{s:b, s:I, s:I, s:I, s:I, s:f}", "ok", 1, "generation",
                       (json_int_t)leaver->successor, "replaced", (json_int_t)leaver->generation,
                       "moved", (json_int_t)leaver->moved, "drained", (json_int_t)leaver->kept,
                       "seconds", now - leaver->since);
    *link = leaver->next;
    free(leaver);
    return answer;
}

void leaving_clear(struct leaving *leaving)
{
    while (leaving->first != NULL) {
        struct leaver *leaver = leaving->first;

        leaving->first = leaver->next;
        free(leaver);
    }
}
