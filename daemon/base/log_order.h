/* SPDX-License-Identifier: MIT
 *
 * What the master orders of every child's log: another file, level, format or target.
 */
#ifndef PRONGD_LOG_ORDER_H
#define PRONGD_LOG_ORDER_H

#include <stdbool.h>

struct ipc_frame;

/* False: it is no order about the log.  The frame's descriptors stay the caller's. */
bool log_order(const struct ipc_frame *frame);

#endif
