/* SPDX-License-Identifier: MIT
 *
 * An operator closes connections by their numbers.
 */
#ifndef PRONGD_CLOSING_H
#define PRONGD_CLOSING_H

#include <stddef.h>
#include <stdint.h>

struct message_ask;
struct worker;

/* Closes those of the `count` connections that are here.  MESSAGE_TOLD with the ticket and their
 * numbers follows. */
void closing_start(struct worker *worker, const struct message_ask *ask, size_t count);

#endif
