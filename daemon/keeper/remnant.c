/* SPDX-License-Identifier: MIT
 *
 * A list of runs without their first process.
 */
#include "remnant.h"

#include "keeper_internal.h"
#include "run.h"

static void end_first(struct run **link)
{
    struct run *run = *link;

    *link = run->next;
    run_end(run);
}

void remnants_add(struct keeper *keeper, struct run *run)
{
    run->next = keeper->remnants;
    keeper->remnants = run;
    if (!run_group_lives(run))
        end_first(&keeper->remnants);
}

void remnants_look(struct keeper *keeper)
{
    struct run **link = &keeper->remnants;

    while (*link != NULL) {
        if (run_group_lives(*link))
            link = &(*link)->next;
        else
            end_first(link);
    }
}

void remnants_clear(struct keeper *keeper)
{
    while (keeper->remnants != NULL)
        end_first(&keeper->remnants);
}
