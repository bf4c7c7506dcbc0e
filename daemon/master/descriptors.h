/* SPDX-License-Identifier: MIT
 *
 * How many descriptors there may be, and whether they are enough.  (Not called limits.h: that is a
 * header of C.)
 */
#ifndef PRONGD_DESCRIPTORS_H
#define PRONGD_DESCRIPTORS_H

#include <stddef.h>

struct config;

/* Raises this process's limit, which workers inherit, as far as it is allowed: to the hard one, and
 * beyond it for root when the configuration needs more.  Fewer descriptors than max_connections
 * need are a warning.
 * 0, or -EPERM with one line in `problem`: rlimit_nofile is out of reach. */
int descriptors_raise(const struct config *config, char *problem, size_t size);

#endif
