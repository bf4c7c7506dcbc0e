/* SPDX-License-Identifier: MIT
 *
 * What to say about an option that a section does not have.
 */
#ifndef PRONGD_UNKNOWN_H
#define PRONGD_UNKNOWN_H

#include "fill.h"

/* Adds a problem that names the option's own section or handler, or the nearest known name.
 * Nothing when the server's handler is unknown and another handler has the option. */
void unknown_option(const struct fill *fill, const struct document_entry *entry);

#endif
