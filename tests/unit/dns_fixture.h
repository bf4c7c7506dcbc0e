/* SPDX-License-Identifier: MIT
 *
 * A name server that knows what a test tells it.
 */
#ifndef DNS_FIXTURE_H
#define DNS_FIXTURE_H

#include "net_fixture.h"

#include <stdint.h>

struct dns {
    struct ev_io io;
    struct net *net;
    unsigned questions; /* that came */
    bool is_silent;     /* nobody is answered */
    uint8_t code;       /* of every answer: 0 no error, 2 failure, 3 no such name */
    const char *ip;     /* the one IPv4 address of every name, or NULL */
};

/* Starts it; the loop asks it from now on. */
void dns_start(struct dns *dns, struct net *net);
void dns_stop(struct dns *dns);

#endif
