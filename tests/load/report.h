/* SPDX-License-Identifier: MIT
 *
 * What the load saw since its last report, and the line of JSON that tells it.
 */
#ifndef STEADY_REPORT_H
#define STEADY_REPORT_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "histogram.h"

/* FAULT(name, meaning) */
#define FAULTS(FAULT)                                                 \
    FAULT(refused, "it could not connect")                            \
    FAULT(reset, "the server reset it")                               \
    FAULT(end, "the server ended it")                                 \
    FAULT(failed, "another error")                                    \
    FAULT(skipped, "bytes are missing before these")                  \
    FAULT(repeated, "these bytes came before")                        \
    FAULT(garbled, "bytes that do not stand in its stream near here") \
    FAULT(silent, "no answer in time; it is still open")

enum fault {
#define FAULT(name, meaning) FAULT_##name,
    FAULTS(FAULT)
#undef FAULT
        FAULT_COUNT
};

struct report {
    uint64_t since_ns;
    struct histogram echoes; /* from sending a chunk to having its last byte back */
    struct histogram shorts; /* from connect() to the server's end */
    uint64_t bytes;          /* came back, and were right */
    uint64_t late_ns;        /* how late this program itself was, at worst */
    uint64_t faults[FAULT_COUNT];
    char first_fault[192];
    FILE *gone; /* writes gone_text: the names of the connections with a fault */
    char *gone_text;
    size_t gone_size;
};

uint64_t now_ns(void);

void report_begin(struct report *report);

/* `name`: of the connection; "" for a short one, of which nobody wants to know. */
void report_fault(struct report *report, enum fault fault, const char *name, int error,
                  uint64_t position);

/* Prints it, and begins the next. */
void report_print(struct report *report, const char *command, unsigned open);

void report_clear(struct report *report);

#endif
