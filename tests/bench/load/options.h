/* SPDX-License-Identifier: MIT
 *
 * What the load is told to do: its command line.
 */
#ifndef BENCH_OPTIONS_H
#define BENCH_OPTIONS_H

#include <stdint.h>

struct options {
    const char *host;
    uint16_t port;
    unsigned connections; /* at the same time */
    unsigned pipeline;    /* messages sent with one write */
    unsigned size;        /* bytes of a message */
    uint64_t seconds_ns;  /* how long is measured */
    uint64_t warm_up_ns;  /* how long is not, before that */
    uint64_t most;        /* operations after which it ends too; 0: no limit */
    unsigned rate;        /* operations begun in a second, where the load sets the pace */
    unsigned deadline_s;  /* the whole program gives up after this */
};

/* Exits with status 2 and a sentence when the command line makes no sense.  Returns the index of
 * the first argument that is not an option. */
int options_parse(struct options *options, int argc, char **argv);

#endif
