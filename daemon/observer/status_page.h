/* SPDX-License-Identifier: MIT
 *
 * The status page, status_page.html, as bytes of the program.
 */
#ifndef PRONGD_STATUS_PAGE_H
#define PRONGD_STATUS_PAGE_H

#include <stddef.h>

extern const unsigned char status_page[];
extern const size_t status_page_size;

#endif
