/* SPDX-License-Identifier: MIT
 *
 * The handlers that are built in.
 */
#ifndef PRONGD_TABLE_H
#define PRONGD_TABLE_H

#include <prongd/handler.h>

extern const struct prongd_handler hello_handler;
extern const struct prongd_handler echo_handler;
extern const struct prongd_handler discard_handler;
extern const struct prongd_handler daytime_handler;
extern const struct prongd_handler time_handler;
extern const struct prongd_handler chargen_handler;
extern const struct prongd_handler proxy_handler;
extern const struct prongd_handler exec_handler;

/* All of them; ends with NULL. */
extern const struct prongd_handler *const handler_table[];

#endif
