/* SPDX-License-Identifier: MIT
 *
 * A sealed page: the beginning of memory that processes share, which says what it is and never
 * changes.
 *
 * Every process that starts later believes it.  So nobody who has the memory mapped can write
 * there: one with a wild pointer ends, and nobody else has to.
 */
#ifndef PRONGD_SEALED_PAGE_H
#define PRONGD_SEALED_PAGE_H

#define SEALED_PAGE_SIZE 4096

/* Nothing of it can be written through this mapping any more.  Where the system's pages are larger,
 * what is behind it would be meant, too: there it stays open. */
void sealed_page_close(void *memory);

#endif
