/* SPDX-License-Identifier: MIT
 *
 * What workers say over their channel to the master.
 */
#ifndef PRONGD_REPORTS_H
#define PRONGD_REPORTS_H

#include "ipc.h"

struct generation;
struct supervisor;

/* Of a worker's channel; `user` is its slot. */
extern const struct ipc_events reports_events;

/* When every worker of a starting generation is ready, it serves, and on_ready is called. */
void reports_serve_when_ready(struct supervisor *supervisor, struct generation *generation);

#endif
