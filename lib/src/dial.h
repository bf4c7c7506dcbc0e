/* SPDX-License-Identifier: MIT
 *
 * The system calls that begin a connection.
 */
#ifndef PRONG_DIAL_H
#define PRONG_DIAL_H

#include <prong/connect.h>

#include <stdint.h>

/* A non-blocking descriptor that is connecting, or is connected already, to the attempt's address;
 * given to the caller.  Binds to `local` first, if it has a family (R44).
 * Or a negative code, and the attempt's `syscall` says of what. */
int dial(struct prong_attempt *attempt, const struct prong_address *local, uint8_t type_of_service);

#endif
