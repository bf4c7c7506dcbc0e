/* SPDX-License-Identifier: MIT
 *
 * Hides a line that repeats itself too often: a fault in a busy loop must not fill the disk.
 */
#ifndef PRONGD_LOG_REPEAT_H
#define PRONGD_LOG_REPEAT_H

#include <stdbool.h>
#include <stdint.h>

#include "log.h"

/* So many equal lines in a row are shown in one second; the rest is counted. */
#define LOG_REPEAT_MOST   20
#define LOG_REPEAT_WINDOW 1000

/* All zero: nothing was seen yet. */
struct log_repeat {
    char text[4096];
    enum log_level level;
    uint64_t since_ms;
    unsigned seen;
    unsigned long hidden;
};

/* Is this line to be hidden?  When it is not, `*hidden` is the number of lines that were hidden
 * before it and that nobody was told of yet. */
bool log_repeat_hides(struct log_repeat *repeat, enum log_level level, const char *text,
                      uint64_t now_ms, unsigned long *hidden);

#endif
