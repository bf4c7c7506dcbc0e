/* SPDX-License-Identifier: MIT
 *
 * What the steady load is told to do: its command line.
 */
#ifndef STEADY_OPTIONS_H
#define STEADY_OPTIONS_H

#include <stdint.h>
#include <sys/socket.h>

#define MAX_ADDRESSES 8

struct options {
    struct {
        struct sockaddr_storage name;
        socklen_t size;
    } addresses[MAX_ADDRESSES]; /* connections are dealt out to them in turn */
    unsigned address_count;
    unsigned connections; /* all of them but the short ones */
    unsigned streams;     /* how many of these send all the time */
    unsigned slow;        /* how many of the streams read in fits and starts */
    unsigned shorts;      /* beside them: how many connect, send, and end, over and over */
    uint64_t interval_ns; /* from one chunk of a stream to its next */
    unsigned chunk;       /* a chunk's greatest size */
    uint64_t patience_ns; /* how long an answer may take */
    uint64_t seed;
};

/* Exits with status 2 and a sentence when the command line makes no sense. */
void options_parse(struct options *options, int argc, char **argv);

#endif
