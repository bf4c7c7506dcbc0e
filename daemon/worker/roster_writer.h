/* SPDX-License-Identifier: MIT
 *
 * Writes the worker's roster (base/roster.h) and passes it to the master.
 */
#ifndef PRONGD_ROSTER_WRITER_H
#define PRONGD_ROSTER_WRITER_H

#include <stdint.h>

struct worker;

/* MESSAGE_TOLD with this ticket follows, with the roster or with an error. */
void roster_writer_start(struct worker *worker, uint64_t ticket);

#endif
