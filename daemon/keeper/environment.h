/* SPDX-License-Identifier: MIT
 *
 * The environment of a program: what is configured, and what UCSPI says about the connection.
 *
 * The variables are those of tcpserver -H -R (TCPREMOTEHOST and TCPREMOTEINFO are not set), with
 * IPv6 as in Debian's ucspi-tcp-ipv6, and those of unixserver.
 */
#ifndef PRONGD_ENVIRONMENT_H
#define PRONGD_ENVIRONMENT_H

struct environment;
struct job;

/* `configured` (ends with NULL) is borrowed.  NULL when memory is short. */
struct environment *environment_new(char *const *configured);

/* Ends with NULL, and is good until the next call.  Borrows the descriptor of the job, to ask
 * who is at the other end of a unix socket. */
char **environment_of(struct environment *environment, const struct job *job);

/* Accepts NULL. */
void environment_free(struct environment *environment);

#endif
