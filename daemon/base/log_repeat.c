/* SPDX-License-Identifier: MIT
 *
 * Counts equal lines in a row.
 */
#include "log_repeat.h"

#include <stdio.h>
#include <string.h>

static bool is_same(const struct log_repeat *repeat, enum log_level level, const char *text)
{
    return repeat->seen > 0 && repeat->level == level && strcmp(repeat->text, text) == 0;
}

bool log_repeat_hides(struct log_repeat *repeat, enum log_level level, const char *text,
                      uint64_t now_ms, unsigned long *hidden)
{
    bool same = is_same(repeat, level, text);

    if (same && now_ms - repeat->since_ms < LOG_REPEAT_WINDOW && repeat->seen >= LOG_REPEAT_MOST) {
        repeat->hidden++;
        return true;
    }

    *hidden = repeat->hidden;
    repeat->hidden = 0;
    if (!same || now_ms - repeat->since_ms >= LOG_REPEAT_WINDOW) {
        repeat->level = level;
        (void)snprintf(repeat->text, sizeof(repeat->text), "%s", text);
        repeat->since_ms = now_ms;
        repeat->seen = 0;
    }
    repeat->seen++;
    return false;
}
