/* SPDX-License-Identifier: MIT
 *
 * A job: a connection that a worker wants a program for.
 */
#ifndef PRONGD_JOB_H
#define PRONGD_JOB_H

#include <prong/address.h>
#include <stdint.h>

struct ipc_frame;

struct job {
    uint64_t connection; /* its number */
    struct prong_address local, remote;
    int fd;
    double taken_at; /* clock_s() */
};

/* A worker may run a module that writes what it likes: nothing of the frame is trusted.  0 and a
 * job that has the descriptor; or -EBADMSG, and every descriptor of the frame is closed. */
int job_read(struct job *job, const struct ipc_frame *frame);

#endif
