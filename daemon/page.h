/* SPDX-License-Identifier: MIT
 *
 * The manual page prongd(8), in roff with the man macros.
 */
#ifndef PRONGD_PAGE_H
#define PRONGD_PAGE_H

#include <prongd/handler.h>
#include <stdio.h>

void page_print(const struct prongd_handler *const *handlers, FILE *stream);

#endif
