/* SPDX-License-Identifier: MIT
 *
 * The last steps of a trail.
 */
#include "trail.h"

#include <string.h>

void trail_add(struct trail *trail, const struct trail_step *step)
{
    if (trail->step_count == TRAIL_STEPS) {
        memmove(&trail->steps[0], &trail->steps[1], sizeof(*step) * (TRAIL_STEPS - 1));
        trail->step_count--;
    }
    trail->steps[trail->step_count++] = *step;
}
