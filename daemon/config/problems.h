/* SPDX-License-Identifier: MIT
 *
 * What is wrong with a configuration: one line for each problem, all of them in one run.
 */
#ifndef PRONGD_PROBLEMS_H
#define PRONGD_PROBLEMS_H

#include "config.h"

/* A line of a file.  Borrows the file's name. */
struct place {
    const char *file;
    unsigned line; /* 0: the file as a whole */
};

/* Where a problem is.  `section` ("prongd", "server chat") and `option` may be NULL. */
struct problem_site {
    struct place place;
    const char *section;
    const char *option;
};

/* The problems while they are gathered; empty when zeroed. */
struct problems {
    struct problem *lines;
    size_t kept;
    size_t count; /* of all, also of those that were not kept */
    bool system;
};

/* Adds "FILE:LINE: [section] option: …": the message says what is wrong and what is allowed.
 * The site's file must live until problems_give(). */
void problems_add(struct problems *problems, const struct problem_site *site, const char *format,
                  ...) __attribute__((format(printf, 3, 4)));

/* Adds "FILE: what: errno's text" as the system's fault. */
void problems_add_system(struct problems *problems, const char *file, int error, const char *what);

/* Gives them, in the order of the file, to the caller of the configuration; none are left. */
void problems_give(struct problems *problems, struct config_problems *result);

#endif
