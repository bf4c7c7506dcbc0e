/* SPDX-License-Identifier: MIT
 *
 * Names that the test itself resolves.
 */
#ifndef NAMES_FIXTURE_H
#define NAMES_FIXTURE_H

#include "net_fixture.h"

/* What the resolver answers at once, and what it was asked last. */
struct names {
    struct prong_address addresses[8];
    size_t count;
    int error;
    char host[64];
    int family;
};

/* One more answer. */
void names_add(struct names *names, const char *ip);

/* The defaults, with this resolver. */
void names_options(struct prong_socket_options *options, struct names *names);

/* A client that is connecting to "example"; what happened before is forgotten. */
void names_connect(struct net *net, const struct prong_socket_options *options, uint16_t port);

/* Destroys that client. */
void names_end(struct net *net);

#endif
