/* SPDX-License-Identifier: MIT
 *
 * An errand: a short-lived child that does one thing with foreign code, reports, and ends.
 *
 * It has the rights of a worker, a few seconds, no core file, and of the parent's descriptors only
 * those that it needs.  Whatever happens in it, the parent goes on.
 */
#ifndef PRONGD_ERRAND_H
#define PRONGD_ERRAND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/types.h>

struct privileges;

/* The most that a child may write. */
#define ERRAND_REPORT_MAX ((size_t)4 * 1024 * 1024)

struct errand {
    const struct privileges *identity; /* whom it becomes; NULL: nobody else */
    const int *fds;                    /* stay open under their numbers */
    size_t fd_count;
    unsigned timeout_ms;
    bool keeps_rights; /* it works with our own code and as who we are */

    /* In the child: writes what it finds out. */
    void (*work)(FILE *report, void *user);
    void *user;
};

/* Waits until it is done.  `report`: what it wrote, malloc'ed, given in every case; NULL when
 * memory is short. 0; -ECHILD when the child did not come to its end, -errno when there was none;
 * with half a sentence in `problem`, as "crashed: Segmentation fault". */
int errand_run(const struct errand *errand, char **report, char *problem, size_t size);

/* Does not wait.  `output`: where the report comes from, nonblocking, given; it has come to its end
 * with a NUL, and the child leads a process group of its own.  Its process id, or a negative code.
 */
pid_t errand_start(const struct errand *errand, int *output);

#endif
