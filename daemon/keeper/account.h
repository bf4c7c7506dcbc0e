/* SPDX-License-Identifier: MIT
 *
 * What is written down of programs: lines of the access log, and of the daemon's.
 */
#ifndef PRONGD_ACCOUNT_H
#define PRONGD_ACCOUNT_H

struct access_log;
struct ev_loop;
struct job;
struct keeping;
struct run;
struct rusage;

/* Opens the access log that the server has, if it has one: `*log` is NULL otherwise.  Takes its
 * descriptor.  0 or -ENOMEM. */
int account_open(struct access_log **log, struct ev_loop *loop, struct keeping *keeping);

/* A program has ended, with the status and the usage that wait4(2) told. */
void account_ended(struct access_log *log, const struct run *run, int status,
                   const struct rusage *usage);

/* The program of a client could not be started: the code says why. */
void account_failed(struct access_log *log, const struct keeping *keeping, const struct job *job,
                    int error);

/* A client gets no program. */
void account_refused(struct access_log *log, const struct keeping *keeping, const struct job *job,
                     const char *reason);

#endif
