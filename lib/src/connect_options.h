/* SPDX-License-Identifier: MIT
 *
 * Options of connecting, and their process-wide defaults.
 */
#ifndef PRONG_CONNECT_OPTIONS_H
#define PRONG_CONNECT_OPTIONS_H

#include <prong/connect.h>

#include <stdbool.h>

/* Nothing in them needs to be remembered. */
bool connect_options_are_default(const struct prong_connect_options *options);

#endif
